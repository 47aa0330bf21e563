// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"time"

	"github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
)

// Names of what is measured, below the program's. The library copies them.
var (
	keyWaitTime     = []string{"nomad", "broker", "wait_time"}
	keyProcessTime  = []string{"nomad", "broker", "process_time"}
	keyResponseTime = []string{"nomad", "broker", "response_time"}

	keyPlanEvaluate = []string{"nomad", "plan", "evaluate"}
	keyPlanApply    = []string{"nomad", "plan", "apply"}
	keyPlanSubmit   = []string{"nomad", "plan", "submit"}
	keyNodeRejected = []string{"nomad", "plan", "node_rejected"}
	keyNodeScore    = []string{"nomad", "plan", "rejection_tracker", "node_score"}

	keyDequeueEval  = []string{"nomad", "worker", "dequeue_eval"}
	keySendAck      = []string{"nomad", "worker", "send_ack"}
	keySubmitPlan   = []string{"nomad", "worker", "submit_plan"}
	keyCreateEval   = []string{"nomad", "worker", "create_eval"}
	keyUpdateEval   = []string{"nomad", "worker", "update_eval"}
	keyWaitForIndex = []string{"nomad", "worker", "wait_for_index"}
)

// keyInvoke is the time of a pass of the scheduler of a type.
func keyInvoke(kind string) []string { return []string{"nomad", "worker", "invoke_scheduler", kind} }

// measure tells how long something took for an evaluation. Compat: jobs and namespaces are no labels, as the contract has
// them: a cluster has too many of them to keep three series of quantiles for each.
func (b *Broker) measure(key []string, e *api.Evaluation, since time.Time) {
	if b.cfg.Metrics == nil || since.IsZero() {
		return
	}
	b.cfg.Metrics.MeasureSinceWithLabels(key, since, []metrics.Label{
		{Name: "eval_type", Value: e.Type}, {Name: "triggered_by", Value: e.TriggeredBy},
	})
}
