// SPDX-License-Identifier: MPL-2.0

package reconcile

import "github.com/nomadlike/nomadlike/api"

type class uint8

const (
	// classKept holds its place in the group.
	classKept class = iota
	// classIgnored is over and holds no place.
	classIgnored
	// classMigrate leaves its node because of a drain.
	classMigrate
	// classLost ran on a node that is down or gone.
	classLost
)

// classify sorts an allocation by itself and its node; the first rule that matches wins
// (scheduler.md 3.1).
//
// Compat: a node that is disconnected counts as down; lost_after, replace and reconcile of the disconnect
// block do not change what happens here. An allocation marked for migration whose node went down is lost,
// so that nothing waits for a client that is gone.
func classify(in *Input, a *api.Allocation) class {
	if a.ServerTerminalStatus() {
		if in.IsBatch && a.DesiredTransition.ShouldDisableMigrationPlacement() {
			return classKept
		}
		return classIgnored
	}
	if in.IsBatch && a.ClientTerminalStatus() && isOlder(a, in.Job) {
		return classIgnored
	}
	if a.ClientTerminalStatus() {
		return classKept
	}
	if isLost(in.Node(a.NodeID)) {
		return classLost
	}
	if a.DesiredTransition.ShouldMigrate() {
		return classMigrate
	}
	return classKept
}

func isLost(n *api.Node) bool {
	return n == nil || n.Status == api.NodeStatusDown || n.Status == api.NodeStatusDisconnected
}

// isOlder reports whether the allocation runs another version of the job than the newest.
func isOlder(a *api.Allocation, job *api.Job) bool {
	if job == nil || a.Job == job {
		return false
	}
	return a.Job == nil || a.Job.Version != job.Version || a.Job.CreateIndex != job.CreateIndex
}
