// SPDX-License-Identifier: MPL-2.0

package api

import "fmt"

// DeploymentBlocked is the status of a deployment that waits for another region.
const DeploymentBlocked = "blocked"

// Status descriptions that a person causes (scheduler.md 9.1).
const (
	DeploymentDescPaused = "Deployment is paused"
	DeploymentDescFailed = "Deployment marked as failed"
)

// Endings of the description of a failed deployment that was to be rolled back (scheduler.md 9.1).
const deploymentDescNoStable = " - no stable job version to auto revert to"

// DeploymentDescRollback returns what a failed deployment's description says about its rollback: to a stable
// version, not to it because the job is the same, or, with no version, that there is none.
func DeploymentDescRollback(version *uint64, same bool) string {
	switch {
	case version == nil:
		return deploymentDescNoStable
	case same:
		return fmt.Sprintf(" - not rolling back to stable job version %d as current job has same specification", *version)
	}
	return fmt.Sprintf(" - rolling back to job version %d", *version)
}
