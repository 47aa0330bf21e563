// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// Strategies of disconnect.reconcile.
const (
	keepOriginal    = "keep_original"
	keepReplacement = "keep_replacement"
	longestRunning  = "longest_running"
)

// disconnect makes an allocation unknown and has it looked at again when its time is over.
func (p *groupPass) disconnect(a *api.Allocation) {
	p.Disconnect = append(p.Disconnect, a)
	p.Desired.Disconnect++
	if after := lostAfter(disconnectOf(a)); after > 0 {
		p.Later = append(p.Later, Delayed{Alloc: a, At: p.in.Now.Add(after), Kind: DelayLost})
	}
	p.standIn(a, p.in.Now)
}

// standIn decides about the place of an allocation that is unknown since that time: it goes on holding it,
// a replacement holds it already, or one is due by the reschedule policy.
func (p *groupPass) standIn(a *api.Allocation, since time.Time) {
	if !replaces(disconnectOf(a)) {
		p.away = append(p.away, a)
		return
	}
	if a.NextAllocation != "" {
		return
	}
	d := p.policy(a, since)
	switch {
	case !d.allowed:
		p.away = append(p.away, a)
	case !d.at.After(p.in.Now.Add(nowTolerance)):
		p.due = append(p.due, Placement{Kind: KindDisconnect, Previous: a, Delay: d.delay})
	default:
		p.away = append(p.away, a)
		p.Desired.RescheduleLater++
		if t := a.RescheduleTracker; t == nil || t.LastReschedule != ReschedulePending {
			p.Later = append(p.Later, Delayed{Alloc: a, At: d.at})
		}
	}
}

// reconnect chooses between each allocation that came back and its replacement (scheduler.md 3.5).
func (p *groupPass) reconnect() {
	for _, a := range p.returned {
		other, list := p.replacementOf(a)
		switch {
		case other == nil:
			p.comeBack(a)
		case p.prefersOriginal(a, other):
			p.comeBack(a)
			*list = slices.DeleteFunc(*list, func(x *api.Allocation) bool { return x == other })
			p.stop(other, "", api.AllocDescReconnected)
			p.dropLater()
		default:
			p.stop(a, "", api.AllocDescReconnected)
		}
	}
}

// comeBack has an allocation go on.
func (p *groupPass) comeBack(a *api.Allocation) {
	p.Reconnect = append(p.Reconnect, a)
	p.Desired.Reconnect++
	p.keep(a)
}

// replacementOf returns what stands in for the allocation, with the list that holds it: of the name and
// newer.
func (p *groupPass) replacementOf(a *api.Allocation) (*api.Allocation, *[]*api.Allocation) {
	for _, list := range []*[]*api.Allocation{&p.live, &p.failed, &p.migrating, &p.away} {
		for _, other := range *list {
			if other != a && other.Name == a.Name && other.CreateIndex > a.CreateIndex {
				return other, list
			}
		}
	}
	return nil, nil
}

func (p *groupPass) prefersOriginal(a, other *api.Allocation) bool {
	switch {
	case a.ClientStatus == api.AllocClientComplete && p.in.IsBatch && !isOlder(a, other.Job):
		return true // its work is done
	case a.ClientTerminalStatus(), isOlder(a, p.in.Job):
		return false
	case other.ClientTerminalStatus():
		return true
	}
	strategy := ""
	if d := p.TaskGroup.Disconnect; d != nil {
		strategy = d.Reconcile
	}
	switch strategy {
	case keepOriginal:
		return true
	case keepReplacement:
		return false
	case longestRunning:
		mine, others := startOf(a, p.TaskGroup), startOf(other, p.TaskGroup)
		switch {
		case !mine.IsZero() && !others.IsZero():
			return !others.Before(mine)
		case mine.IsZero() != others.IsZero():
			return others.IsZero()
		}
	}
	scored := scoreOf(other) > scoreOf(a)
	runs := other.ClientStatus == api.AllocClientRunning || a.ClientStatus != api.AllocClientRunning
	return !scored || !runs
}

// startOf returns when the leader task started, or the main task that runs for longest; the zero time when
// none did.
func startOf(a *api.Allocation, tg *api.TaskGroup) time.Time {
	var first time.Time
	for _, t := range tg.Tasks {
		if t == nil {
			continue
		}
		state := a.TaskStates[t.Name]
		if state == nil || state.StartedAt == nil || state.StartedAt.IsZero() {
			continue
		}
		if t.Leader {
			return *state.StartedAt
		}
		if t.IsMain() && (first.IsZero() || state.StartedAt.Before(first)) {
			first = *state.StartedAt
		}
	}
	return first
}

// scoreOf returns the normalised score that placed the allocation, 0 when it was not kept.
func scoreOf(a *api.Allocation) float64 {
	if a.Metrics == nil {
		return 0
	}
	for _, s := range a.Metrics.ScoreMetaData {
		if s != nil && s.NodeID == a.NodeID {
			return s.NormScore
		}
	}
	return 0
}

// stopLost stops what is lost. While a client may still be stopping one of its own accord, the group places
// nothing (scheduler.md 3.2).
func (p *groupPass) stopLost() {
	for _, a := range p.lost {
		s := Stop{Alloc: a, ClientStatus: api.AllocClientLost, Description: api.AllocDescLost}
		if grace, ok := stopGrace(a); ok {
			s.States = WithState(a, api.AllocClientLost, p.in.Now)
			p.blocked = true
			p.Later = append(p.Later, Delayed{Alloc: a, At: p.in.Now.Add(grace), Kind: DelayStop})
		}
		p.Stop = append(p.Stop, s)
	}
	for _, a := range p.over {
		grace, ok := stopGrace(a)
		since := changedAt(a, api.AllocClientLost)
		if !ok || since.IsZero() || a.NextAllocation != "" {
			continue
		}
		if at := since.Add(grace); at.After(p.in.Now) {
			p.blocked = true
			if a.FollowupEvalID == "" {
				p.Later = append(p.Later, Delayed{Alloc: a, At: at, Kind: DelayStop})
			}
		}
	}
}

// stopGrace returns how long after its loss an allocation may still run on a client without contact, and
// whether its job cares.
func stopGrace(a *api.Allocation) (time.Duration, bool) {
	d := disconnectOf(a)
	if d == nil || d.StopOnClientAfter == nil {
		return 0, false
	}
	kill := time.Duration(0)
	for _, t := range a.Group().Tasks {
		if t != nil {
			kill = max(kill, t.KillTimeoutOrDefault())
		}
	}
	return *d.StopOnClientAfter + kill, true
}
