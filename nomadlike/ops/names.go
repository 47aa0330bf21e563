// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/nomadlike/nomadlike/api"
)

// Longest names, in bytes. A task's name is a directory and the beginning of log file names.
const (
	maxJobName  = 1024
	maxTaskName = 200
	maxTagName  = 128

	maxTagDescription = 1000
	// maxScalingText bounds what a scaling event says, of which each group keeps some.
	maxScalingText = 64 << 10
)

// checkNames refuses names that could not be used afterwards.
//
// Compat: the reference takes control characters, any length and job IDs that its own HTTP API cannot
// address.
func checkNames(p *jobProblems, job *api.Job) {
	check := func(what, name string, longest int) {
		checkName(p, what, strings.ReplaceAll(name, "\x00", ""), longest) // the contract has its own words for these
	}
	check("Job ID", job.ID, maxJobName)
	if job.Name != job.ID {
		check("Job Name", job.Name, maxJobName)
	}
	check("Job namespace", job.Namespace, maxJobName)
	if slices.ContainsFunc(strings.Split(job.ID, "/"), func(s string) bool { return s == "" || s == "." || s == ".." }) && job.ID != "" {
		p.add("Job ID %q has an empty part or one of dots between slashes; no path of the HTTP API leads to it", job.ID)
	}
	if end := pathEnd(job.ID); end != "" {
		p.add("Job ID %q ends in %q, which the HTTP API takes for a request about job %q; no path leads to the job itself", job.ID, end, strings.TrimSuffix(job.ID, end))
	}
	for _, g := range job.TaskGroups {
		check("Task group name", g.Name, maxJobName)
		for _, t := range g.Tasks {
			check("Task name", t.Name, maxTaskName)
		}
	}
}

// pathEnds are what the paths below /v1/job/ end in, behind the ID of the job.
var pathEnds = sync.OnceValue(func() (ends []string) {
	for _, op := range api.Operations() {
		for _, r := range op.Routes {
			if below, ok := strings.CutPrefix(r.Pattern, "/v1/job/{job_id...}"); ok && below != "" {
				ends = append(ends, below[strings.LastIndexByte(below, '}')+1:])
			}
		}
	}
	return ends
})

// pathEnd returns what of a job's ID the HTTP API takes for the end of a path, "" if nothing.
func pathEnd(id string) string {
	for _, end := range pathEnds() {
		if strings.HasSuffix(id, end) && id != end {
			return end
		}
	}
	return ""
}

func checkName(p *jobProblems, what, name string, longest int) {
	switch {
	case len(name) > longest:
		p.add("%s %.40q... has %d bytes, at most %d are allowed", what, name, len(name), longest)
	case !utf8.ValidString(name):
		p.add("%s %q is not UTF-8", what, name)
	case strings.ContainsFunc(name, unicode.IsControl):
		p.add("%s %q contains a control character", what, name)
	}
}
