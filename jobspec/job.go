// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// jobBody is the body of the job block: the job, and what the file format lets one write once for all
// tasks. Fields here replace those of the embedded type with the same tag name.
type jobBody struct {
	api.Job
	ID      string        `hcl:"name,label"`
	JobID   string        `hcl:"id"`
	Groups  []*groupBody  `hcl:"group,block"`
	Tasks   []*api.Task   `hcl:"task,block"`
	Vault   *api.Vault    `hcl:"vault,block"`
	Secrets []*api.Secret `hcl:"secret,block"`
}

// groupBody is the body of a group block.
type groupBody struct {
	api.TaskGroup
	Vault   *api.Vault    `hcl:"vault,block"`
	Secrets []*api.Secret `hcl:"secret,block"`
}

// job returns the job with names filled in, lone tasks in groups of their own, and the vault and secret
// blocks of job and groups handed down to the tasks.
func (b *jobBody) job() *api.Job {
	job := b.Job
	job.ID = b.ID
	if b.JobID != "" {
		job.ID = b.JobID
	}
	setDefault(&job.Name, b.ID)

	var groups []*groupBody
	for _, t := range b.Tasks {
		groups = append(groups, &groupBody{TaskGroup: api.TaskGroup{Name: t.Name, Tasks: []*api.Task{t}}})
	}
	for _, g := range append(groups, b.Groups...) {
		group := g.TaskGroup
		for _, t := range group.Tasks {
			switch {
			case t.Vault != nil:
			case g.Vault != nil:
				t.Vault = typeinfo.Copy(g.Vault)
			case b.Vault != nil:
				t.Vault = typeinfo.Copy(b.Vault)
			}
			t.Secrets = append(t.Secrets, typeinfo.Copy(g.Secrets)...)
			t.Secrets = append(t.Secrets, typeinfo.Copy(b.Secrets)...)
		}
		job.TaskGroups = append(job.TaskGroups, &group)
	}
	return &job
}
