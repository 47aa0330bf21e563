// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"time"

	"github.com/nomadlike/nomadlike/api"
)

const (
	// nowTolerance is how far in the future a reschedule still happens at once.
	nowTolerance = time.Second
	// keptEvents is how many events the tracker of an unlimited policy keeps.
	keptEvents = 5
)

// Values of RescheduleTracker.LastReschedule.
const (
	RescheduleOK          = "ok"
	ReschedulePending     = "pending"
	RescheduleNoPlacement = "no placement"
)

// decision is what the reschedule policy says about a failed allocation.
type decision struct {
	// allowed is false when the allocation stays failed.
	allowed bool
	at      time.Time
	delay   time.Duration
}

// policy applies the reschedule policy of the group to an allocation that failed, or went away, at that
// time.
func (p *groupPass) policy(a *api.Allocation, failedAt time.Time) decision {
	return reschedule(a, p.TaskGroup.ReschedulePolicy, failedAt)
}

func reschedule(a *api.Allocation, policy *api.ReschedulePolicy, failedAt time.Time) decision {
	if a.DesiredTransition.ShouldForceReschedule() {
		return decision{allowed: true, at: failedAt}
	}
	if !policy.Enabled() {
		return decision{}
	}
	delay := NextDelay(policy, a.RescheduleTracker, failedAt)
	d := decision{allowed: true, at: failedAt.Add(delay), delay: delay}
	if policy.UnlimitedAttempts() {
		return d
	}
	interval := policy.IntervalOrDefault()
	d.allowed = attemptsSince(a.RescheduleTracker, failedAt.Add(-interval)) < policy.AttemptsOrDefault() && delay < interval
	return d
}

// failureTime is the end of the task that finished last, else the last change of the allocation.
func failureTime(a *api.Allocation) time.Time {
	var last time.Time
	for _, state := range a.TaskStates {
		if state != nil && state.FinishedAt != nil && state.FinishedAt.After(last) {
			last = *state.FinishedAt
		}
	}
	if last.IsZero() {
		return time.Unix(0, a.ModifyTime).UTC()
	}
	return last
}

func attemptsSince(t *api.RescheduleTracker, since time.Time) int {
	if t == nil {
		return 0
	}
	n := 0
	for _, e := range t.Events {
		if e.RescheduleTime > since.UnixNano() {
			n++
		}
	}
	return n
}

// NextDelay returns how long after its failure an allocation is replaced, by the delay function of the
// policy and the reschedules before (scheduler.md 3.4): constant; exponential doubles; fibonacci adds the
// last two. max_delay bounds them, and a chain that was left alone for longer starts over.
func NextDelay(policy *api.ReschedulePolicy, tracker *api.RescheduleTracker, failedAt time.Time) time.Duration {
	first := policy.DelayOrDefault()
	if tracker == nil || len(tracker.Events) == 0 {
		return first
	}
	events := tracker.Events
	last := events[len(events)-1]
	var delay time.Duration
	switch policy.DelayFunction {
	case "exponential":
		delay = last.Delay * 2
	case "fibonacci":
		if len(events) < 2 {
			return first
		}
		delay = last.Delay + events[len(events)-2].Delay
	default:
		return first
	}
	ceiling := policy.MaxDelayOrDefault()
	if ceiling <= 0 {
		return max(delay, first)
	}
	if failedAt.Sub(time.Unix(0, last.RescheduleTime)) > ceiling {
		return first
	}
	return min(max(delay, first), ceiling)
}

// Track returns the reschedule history of the successor of a failed allocation.
func Track(previous *api.Allocation, policy *api.ReschedulePolicy, delay time.Duration, now time.Time) *api.RescheduleTracker {
	var events []*api.RescheduleEvent
	if previous.RescheduleTracker != nil {
		events = previous.RescheduleTracker.Events
	}
	if policy.UnlimitedAttempts() {
		events = events[max(0, len(events)-(keptEvents-1)):]
	} else {
		since := now.Add(-policy.IntervalOrDefault()).UnixNano()
		for len(events) > 0 && events[0].RescheduleTime < since {
			events = events[1:]
		}
	}
	kept := make([]*api.RescheduleEvent, len(events), len(events)+1)
	copy(kept, events)
	return &api.RescheduleTracker{
		LastReschedule: RescheduleOK,
		Events: append(kept, &api.RescheduleEvent{
			RescheduleTime: now.UnixNano(),
			PrevAllocID:    previous.ID,
			PrevNodeID:     previous.NodeID,
			Delay:          delay,
		}),
	}
}

// Undelayed returns the reschedule history of an allocation that no replacement waits for any more.
func Undelayed(t *api.RescheduleTracker) *api.RescheduleTracker {
	if t == nil || t.LastReschedule != ReschedulePending {
		return t
	}
	c := *t
	c.LastReschedule = ""
	if len(c.Events) > 0 {
		c.LastReschedule = RescheduleOK
	}
	return &c
}
