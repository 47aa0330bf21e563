// SPDX-License-Identifier: MPL-2.0

package events

import "github.com/nomadlike/nomadlike/api"

// Topics of the event stream.
const (
	TopicAll        = "*"
	TopicJob        = "Job"
	TopicEvaluation = "Evaluation"
	TopicAllocation = "Allocation"
	TopicDeployment = "Deployment"
	TopicNode       = "Node"
	TopicNodePool   = "NodePool"
	TopicService    = "Service"
)

// JobPayload is the payload of Job events.
type JobPayload struct {
	Job     *api.Job
	Deleted bool
}

// EvaluationPayload is the payload of Evaluation events.
type EvaluationPayload struct{ Evaluation *api.Evaluation }

// AllocationPayload is the payload of Allocation events; the allocation comes without its job, but with the obsolete forms
// of its resources.
type AllocationPayload struct {
	Allocation    *api.Allocation
	Timeout       bool
	TimeoutReason string
}

// DeploymentPayload is the payload of Deployment events.
type DeploymentPayload struct{ Deployment *api.Deployment }

// NodePayload is the payload of Node events; the node comes without its secret.
type NodePayload struct{ Node *api.Node }

// NodePoolPayload is the payload of NodePool events.
type NodePoolPayload struct{ NodePool *api.NodePool }

// ServicePayload is the payload of Service events.
type ServicePayload struct{ Service *api.ServiceRegistration }
