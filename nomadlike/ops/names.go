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
	if other, end := pathOf(job.ID); end != "" {
		p.add("Job ID %q ends in %q, which the HTTP API takes for a request about job %q; no path leads to the job itself", job.ID, end, other)
	}
	for _, g := range job.TaskGroups {
		check("Task group name", g.Name, maxJobName)
		for _, t := range g.Tasks {
			check("Task name", t.Name, maxTaskName)
		}
	}
}

// jobPaths are the paths below /v1/job/ behind the ID of the job, in parts.
var jobPaths = sync.OnceValue(func() (paths [][]string) {
	for _, op := range api.Operations() {
		for _, r := range op.Routes {
			if below, ok := strings.CutPrefix(r.Pattern, "/v1/job/{job_id...}/"); ok {
				paths = append(paths, strings.Split(below, "/"))
			}
		}
	}
	return paths
})

// pathOf takes a job's ID apart as the HTTP API does when it ends like one of its paths; end is "" when it does not.
func pathOf(id string) (job, end string) {
	parts := strings.Split(id, "/")
	for _, path := range jobPaths() {
		n := len(parts) - len(path)
		if n > 0 && slices.EqualFunc(parts[n:], path, func(part, named string) bool { return part == named || named[0] == '{' }) {
			return strings.Join(parts[:n], "/"), "/" + strings.Join(parts[n:], "/")
		}
	}
	return id, ""
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
