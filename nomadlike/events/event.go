// SPDX-License-Identifier: MPL-2.0

package events

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// types names the event type of each command; commands that are not listed give their own name.
var types = map[string]string{
	"JobRegister":             "JobRegistered",
	"JobDeregister":           "JobDeregistered",
	"JobsDelete":              "JobBatchDeregistered",
	"JobStability":            "JobRegistered",
	"JobVersionTag":           "JobRegistered",
	"JobDispatch":             "JobRegistered",
	"PeriodicLaunch":          "JobRegistered",
	"EvalsUpsert":             "EvaluationUpdated",
	"EvalsDelete":             "EvaluationUpdated",
	"AllocsClientUpdate":      "AllocationUpdated",
	"AllocsDesiredTransition": "AllocationUpdateDesiredStatus",
	"PlanApply":               "PlanResult",
	"NodeRegister":            "NodeRegistration",
	"NodeStatusUpdate":        "NodeStreamEvent",
	"NodeEvents":              "NodeStreamEvent",
	"NodeEligibility":         "NodeEligibility",
	"NodeDeregister":          "NodeDeregistration",
	"NodePoolUpsert":          "NodePoolUpserted",
	"NodePoolDelete":          "NodePoolDeleted",
}

func typeOf(command string) string {
	if t, ok := types[command]; ok {
		return t
	}
	return command
}

// eventful reports whether a change makes an event.
func eventful(c *state.Change) bool {
	row := c.New
	if row == nil {
		row = c.Old
	}
	switch row.(type) {
	case *api.Job:
		return c.Table == state.Jobs.Name()
	case *api.Evaluation, *api.Allocation, *api.Deployment:
		return c.New != nil // collected rows make none
	case *api.Node, *api.NodePool, *api.ServiceRegistration:
		return true
	}
	return false
}

// makeEvent returns the event of an eventful change.
func makeEvent(c *state.Change) *api.Event {
	row := c.New
	if row == nil {
		row = c.Old
	}
	e := &api.Event{Type: typeOf(c.Msg), Index: c.Index}
	switch r := row.(type) {
	case *api.Job:
		e.Topic, e.Key, e.Namespace = TopicJob, r.ID, r.Namespace
		e.Payload = &JobPayload{Job: r, Deleted: c.New == nil}
	case *api.Evaluation:
		e.Topic, e.Key, e.Namespace = TopicEvaluation, r.ID, r.Namespace
		e.FilterKeys = []string{r.JobID, r.DeploymentID}
		e.Payload = &EvaluationPayload{Evaluation: r}
	case *api.Allocation:
		e.Topic, e.Key, e.Namespace = TopicAllocation, r.ID, r.Namespace
		e.FilterKeys = []string{r.JobID, r.DeploymentID}
		a := *r
		a.Job = nil
		a.FillObsoleteResources()
		e.Payload = &AllocationPayload{Allocation: &a}
	case *api.Deployment:
		e.Topic, e.Key, e.Namespace = TopicDeployment, r.ID, r.Namespace
		e.FilterKeys = []string{r.JobID}
		e.Payload = &DeploymentPayload{Deployment: r}
	case *api.Node:
		e.Topic, e.Key = TopicNode, r.ID
		n := *r
		n.SecretID = ""
		e.Payload = &NodePayload{Node: &n}
	case *api.NodePool:
		e.Topic, e.Key, e.Type = TopicNodePool, r.Name, "NodePoolUpserted" // whatever made it
		if c.New == nil {
			e.Type = "NodePoolDeleted"
		}
		e.Payload = &NodePoolPayload{NodePool: r}
	case *api.ServiceRegistration:
		e.Topic, e.Key, e.Namespace, e.Type = TopicService, r.ID, r.Namespace, "ServiceRegistration" // whatever made it
		if c.New == nil {
			e.Type = "ServiceDeregistration"
		}
		e.FilterKeys = []string{r.JobID, r.ServiceName}
		e.Payload = &ServicePayload{Service: r}
	}
	return e
}
