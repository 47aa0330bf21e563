// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

type class uint8

const (
	// classKept holds its place in the group.
	classKept class = iota
	// classIgnored is over and holds no place.
	classIgnored
	// classMigrate leaves its node because of a drain.
	classMigrate
	// classLost ran on a node that is down or gone, or was away for too long.
	classLost
	// classDisconnecting runs on a node that the servers lost contact with, and may come back.
	classDisconnecting
	// classReconnecting came back and was replaced, perhaps.
	classReconnecting
)

// classify sorts an allocation by itself and its node; the first rule that matches wins
// (scheduler.md 3.1).
//
// Compat: an allocation marked for migration whose node went down is lost, so that nothing waits for a
// client that is gone.
func classify(in *Input, a *api.Allocation) class {
	if needsReconnect(a) && !a.ServerTerminalStatus() && a.ClientTerminalStatus() && a.ClientStatus != api.AllocClientLost {
		return classReconnecting
	}
	if a.ServerTerminalStatus() {
		if in.IsBatch && a.DesiredTransition.ShouldDisableMigrationPlacement() && !isOlder(a, in.Job) {
			return classKept
		}
		return classIgnored
	}
	if a.ClientTerminalStatus() {
		switch {
		case isCanary(a) && a.DesiredTransition.ShouldMigrate():
			return classMigrate
		case in.IsBatch && isOlder(a, in.Job), isOfEarlierLife(a, in.Job):
			return classIgnored
		}
		return classKept
	}
	if a.ClientStatus == api.AllocClientUnknown && expired(a, in.Now) {
		return classLost
	}
	if c := classifyNode(in.Node(a.NodeID), a); c == classLost || c == classDisconnecting {
		return c
	}
	switch {
	case a.ClientStatus == api.AllocClientUnknown:
		return classKept // until its client reports
	case a.DesiredTransition.ShouldMigrate():
		return classMigrate
	case needsReconnect(a):
		return classReconnecting
	}
	return classKept
}

// classifyNode says what the state of the node means for an allocation that is not over.
func classifyNode(n *api.Node, a *api.Allocation) class {
	if n == nil {
		return classLost
	}
	d := disconnectOf(a)
	unknown := a.ClientStatus == api.AllocClientUnknown
	switch n.Status {
	case api.NodeStatusDisconnected:
		switch {
		case unknown:
			return classKept
		case a.ClientStatus == api.AllocClientPending, lostAfter(d) <= 0:
			return classLost
		}
		return classDisconnecting
	case api.NodeStatusDown:
		switch {
		case replaces(d):
			return classLost
		case unknown:
			return classKept
		case a.ClientStatus == api.AllocClientRunning:
			return classDisconnecting
		}
		return classLost
	}
	return classKept
}

// isGone reports whether the node will never confirm anything any more.
func isGone(n *api.Node) bool {
	return n == nil || n.Status == api.NodeStatusDown || n.Status == api.NodeStatusDisconnected
}

// isOlder reports whether the allocation runs another version of the job than the newest.
func isOlder(a *api.Allocation, job *api.Job) bool {
	if job == nil || a.Job == job {
		return false
	}
	return a.Job == nil || a.Job.Version != job.Version || a.Job.CreateIndex != job.CreateIndex
}

// isOfEarlierLife reports whether the allocation is of a job that was purged before the job of its name was
// registered.
func isOfEarlierLife(a *api.Allocation, job *api.Job) bool {
	return job != nil && a.Job != nil && a.Job.CreateIndex != job.CreateIndex
}

// isCanary reports whether the allocation is a canary that was not promoted.
func isCanary(a *api.Allocation) bool { return a.DeploymentStatus != nil && a.DeploymentStatus.Canary }

func disconnectOf(a *api.Allocation) *api.Disconnect {
	if g := a.Group(); g != nil {
		return g.Disconnect
	}
	return nil
}

func lostAfter(d *api.Disconnect) time.Duration {
	if d == nil {
		return 0
	}
	return d.LostAfter
}

func replaces(d *api.Disconnect) bool { return d == nil || api.Or(d.Replace, true) }

// lastState returns the newest status change that the servers recorded for the allocation, or nil.
func lastState(a *api.Allocation) *api.AllocState {
	for _, v := range slices.Backward(a.AllocStates) {
		if s := v; s != nil && s.Field == api.AllocFieldClientStatus {
			return s
		}
	}
	return nil
}

// needsReconnect reports whether the allocation was unknown and its client reported since.
func needsReconnect(a *api.Allocation) bool {
	s := lastState(a)
	return s != nil && s.Value == api.AllocClientUnknown && a.ClientStatus != api.AllocClientUnknown
}

// unknownSince returns when the allocation became unknown, the zero time when it is not recorded.
func unknownSince(a *api.Allocation) time.Time { return changedAt(a, api.AllocClientUnknown) }

func changedAt(a *api.Allocation, status string) time.Time {
	if s := lastState(a); s != nil && s.Value == status && s.Time != nil {
		return *s.Time
	}
	return time.Time{}
}

// expired reports whether an unknown allocation was away for longer than its job tolerates.
func expired(a *api.Allocation, now time.Time) bool {
	after := lostAfter(disconnectOf(a))
	since := unknownSince(a)
	return after > 0 && !since.IsZero() && !since.Add(after).After(now)
}

// maxStates is how many changes of contact an allocation keeps, the newest ones: a node may come and go for months.
const maxStates = 20

// WithState returns the status changes of the allocation with one more.
func WithState(a *api.Allocation, status string, now time.Time) []*api.AllocState {
	now = now.UTC()
	kept := a.AllocStates[max(0, len(a.AllocStates)-maxStates+1):]
	return append(slices.Clone(kept), &api.AllocState{Field: api.AllocFieldClientStatus, Value: status, Time: &now})
}
