// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"strings"
	"unicode"

	"github.com/hashicorp/raft"
)

// metricNames are those of the contract for what entries take, where they are not the command's name in lower case.
var metricNames = map[string]string{
	"AllocsClientUpdate": "alloc_client_update", "AllocsDesiredTransition": "alloc_update_desired_transition",
	"AutopilotConfigSet": "autopilot", "ClusterInit": "cluster_meta", "DeploymentAllocHealth": "apply_deployment_alloc_health",
	"DeploymentPromotion": "apply_deployment_promotion", "DeploymentStatusUpdate": "apply_deployment_status_update",
	"DeploymentsDelete": "apply_deployment_delete", "EvalsDelete": "delete_eval", "EvalsUpsert": "update_eval",
	"JobDeregister": "deregister_job", "JobRegister": "register_job", "JobStability": "apply_job_stability",
	"JobVersionTag": "apply_job_version_tag", "JobsDelete": "batch_deregister_job", "NamespaceDelete": "apply_namespace_delete",
	"NamespaceUpsert": "apply_namespace_upsert", "NodeDeregister": "deregister_node", "NodeDrain": "node_drain_update",
	"NodeEligibility": "node_eligibility_update", "NodeEvents": "upsert_node_events", "NodePoolDelete": "apply_node_pool_delete",
	"NodePoolUpsert": "apply_node_pool_upsert", "NodeRegister": "register_node", "PlanApply": "apply_plan_results",
	"ScalingEventNote": "upsert_scaling_event", "SchedulerConfigSet": "apply_scheduler_config",
}

func metricName(command string) string {
	if n := metricNames[command]; n != "" {
		return n
	}
	return snakeCase(command)
}

func snakeCase(s string) string {
	var b strings.Builder
	for i, r := range s {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// MetricKey is where the time that the entry takes is measured, nil for what is no command. It must not be changed.
func MetricKey(l *raft.Log) []string {
	if l.Type != raft.LogCommand {
		return nil
	}
	c, _, err := open(l.Data)
	if err != nil {
		return nil
	}
	return c.key
}
