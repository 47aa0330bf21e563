// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

// triggers are the causes of evaluations that a pass knows.
var triggers = map[string]bool{
	api.TriggerJobRegister:       true,
	api.TriggerJobDeregister:     true,
	api.TriggerPeriodicJob:       true,
	api.TriggerNodeDrain:         true,
	api.TriggerNodeUpdate:        true,
	api.TriggerAllocStop:         true,
	api.TriggerAllocReschedule:   true,
	api.TriggerRollingUpdate:     true,
	api.TriggerDeploymentWatcher: true,
	api.TriggerFailedFollowUp:    true,
	api.TriggerMaxPlans:          true,
	api.TriggerAllocFailure:      true,
	api.TriggerQueuedAllocs:      true,
	api.TriggerPreemption:        true,
	api.TriggerScaling:           true,
	api.TriggerMaxDisconnect:     true,
	api.TriggerReconnect:         true,
}

// Process computes what the evaluation asks for over the view. It never returns nil; what it cannot do
// is an outcome whose Eval has status failed and a description that says why.
func Process(view View, eval *api.Evaluation, cfg Config) *Outcome {
	if !triggers[eval.TriggeredBy] {
		return failed(view, eval, cfg, fmt.Sprintf("scheduler cannot handle evaluation reason %q", eval.TriggeredBy))
	}
	jobType := eval.Type
	if job := view.Job(eval.Namespace, eval.JobID); job != nil {
		jobType = job.Type
	}
	switch jobType {
	case api.JobTypeService, api.JobTypeBatch, api.JobTypeSystem, api.JobTypeSysBatch:
		return newPass(view, eval, cfg).run(jobType)
	}
	return failed(view, eval, cfg, fmt.Sprintf("scheduling of job type %q is not supported", jobType))
}
