// SPDX-License-Identifier: MPL-2.0

package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
	"github.com/nomadlike/nomadlike/internal/cron"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/jobspec"
)

// maxPlaces is how many mistakes are shown with their places in the job file.
const maxPlaces = 20

// problems makes the checks of a job that need no agent.
func problems(in *api.Job) (*api.ValidationError, api.Warnings) {
	job := typeinfo.Copy(in)
	job.Canonicalize()
	all, warnings := job.Validate(api.DefaultLimits())
	if all == nil {
		all = &api.ValidationError{}
	}
	if crons := cron.Check(job); crons != nil {
		all.Fields, all.Texts = append(all.Fields, crons.Fields...), append(all.Texts, crons.Texts...)
	}
	for _, f := range job.Unsupported() {
		all.Fields, all.Texts = append(all.Fields, f), append(all.Texts, f.Error())
	}
	if len(all.Texts) == 0 {
		return nil, warnings
	}
	return all, warnings
}

// located adds to the answer of a server that refuses the job where in its file the settings stand that are wrong.
// Other errors, and mistakes that only a server sees, stay as they are.
func (l *loaded) located(err error) error {
	if _, ok := errors.AsType[*client.StatusError](err); !ok {
		return err
	}
	places := l.places(err.Error())
	if places == "" {
		return err
	}
	return fmt.Errorf("%w\n\n%s", err, places)
}

// places lists the mistakes of the job that an agent names in its answer by their places in the file, one a line; ""
// when there are none, or the file does not tell. What the agent does not name is none to it: it may have other limits.
func (l *loaded) places(answer string) string {
	var fields []api.FieldError
	if found, _ := problems(l.job); found != nil {
		fields = found.Fields
	}
	if l.job.Region != "" {
		fields = append(fields, api.FieldError{Path: "job.region", Message: "No path to region"})
	}
	in := jobspec.NewPositions(l.path, []byte(l.submission.Source))
	var lines []string
	seen := map[string]bool{}
	for _, f := range fields {
		at := in.Of(f.Path)
		key := at + f.Message
		if at == "" || seen[key] || !strings.Contains(answer, f.Message) {
			continue // tasks repeat what is wrong with what they have from their group
		}
		seen[key] = true
		lines = append(lines, at+": "+f.Error())
	}
	if more := len(lines) - maxPlaces; more > 0 {
		lines = append(lines[:maxPlaces], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}
