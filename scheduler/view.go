// SPDX-License-Identifier: MPL-2.0

package scheduler

import "github.com/nomadlike/nomadlike/api"

// WithJob returns the view as if the job had been registered: Job and JobVersion answer it for its
// namespace and ID. `job plan` schedules over it.
func WithJob(v View, job *api.Job) View { return jobView{View: v, job: job} }

type jobView struct {
	View
	job *api.Job
}

func (v jobView) Job(namespace, jobID string) *api.Job {
	if namespace == v.job.Namespace && jobID == v.job.ID {
		return v.job
	}
	return v.View.Job(namespace, jobID)
}

func (v jobView) JobVersion(namespace, jobID string, version uint64) *api.Job {
	if namespace == v.job.Namespace && jobID == v.job.ID && version == v.job.Version {
		return v.job
	}
	return v.View.JobVersion(namespace, jobID, version)
}
