// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"slices"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func tracker(last time.Time, delays ...time.Duration) *api.RescheduleTracker {
	t := &api.RescheduleTracker{}
	for _, d := range delays {
		t.Events = append(t.Events, &api.RescheduleEvent{RescheduleTime: last.UnixNano(), Delay: d, PrevNodeID: "n"})
	}
	return t
}

func TestNextDelay(t *testing.T) {
	const s = time.Second
	for _, test := range []struct {
		name     string
		function string
		max      time.Duration
		tracker  *api.RescheduleTracker
		want     time.Duration
	}{
		{"first", "exponential", time.Hour, nil, 30 * s},
		{"constant", "constant", 0, tracker(epoch, 30*s, 30*s), 30 * s},
		{"doubles", "exponential", time.Hour, tracker(epoch, 30*s), 60 * s},
		{"doubles again", "exponential", time.Hour, tracker(epoch, 30*s, 60*s), 120 * s},
		{"ceiling", "exponential", 100 * s, tracker(epoch, 30*s, 60*s), 100 * s},
		{"stays at the ceiling", "exponential", 100 * s, tracker(epoch, 100*s), 100 * s},
		{"quiet for longer than the ceiling", "exponential", 100 * s, tracker(epoch.Add(-101*s), 60*s), 30 * s},
		{"no ceiling", "exponential", 0, tracker(epoch, 4000*s), 8000 * s},
		{"fibonacci second", "fibonacci", time.Hour, tracker(epoch, 30*s), 30 * s},
		{"fibonacci third", "fibonacci", time.Hour, tracker(epoch, 30*s, 30*s), 60 * s},
		{"fibonacci fifth", "fibonacci", time.Hour, tracker(epoch, 30*s, 30*s, 60*s, 90*s), 150 * s},
	} {
		policy := &api.ReschedulePolicy{DelayFunction: test.function, Delay: new(30 * s), MaxDelay: new(test.max)}
		if got := NextDelay(policy, test.tracker, epoch); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestReschedulePolicy(t *testing.T) {
	limited := &api.ReschedulePolicy{
		Attempts: new(2), Interval: new(time.Hour), Delay: new(5 * time.Second), DelayFunction: "constant",
	}
	unlimited := &api.ReschedulePolicy{Unlimited: new(true), Delay: new(5 * time.Second), DelayFunction: "constant"}
	finished := func(at time.Time) map[string]*api.TaskState {
		early := at.Add(-time.Minute)
		return map[string]*api.TaskState{"a": {FinishedAt: &at}, "b": {FinishedAt: &early}, "c": {}}
	}
	for _, test := range []struct {
		name    string
		alloc   *api.Allocation
		policy  *api.ReschedulePolicy
		allowed bool
		at      time.Time
	}{
		{"last task to finish", &api.Allocation{TaskStates: finished(epoch)}, unlimited, true, epoch.Add(5 * time.Second)},
		{"without task states", &api.Allocation{ModifyTime: epoch.UnixNano()}, unlimited, true, epoch.Add(5 * time.Second)},
		{"no policy", &api.Allocation{TaskStates: finished(epoch)}, nil, false, time.Time{}},
		{"inactive policy", &api.Allocation{TaskStates: finished(epoch)}, &api.ReschedulePolicy{}, false, time.Time{}},
		{"forced without policy", &api.Allocation{
			TaskStates: finished(epoch), DesiredTransition: api.DesiredTransition{ForceReschedule: new(true)},
		}, nil, true, epoch},
		{"one attempt of two used", &api.Allocation{
			TaskStates: finished(epoch), RescheduleTracker: tracker(epoch.Add(-time.Minute), 5*time.Second),
		}, limited, true, epoch.Add(5 * time.Second)},
		{"attempts used up", &api.Allocation{
			TaskStates: finished(epoch), RescheduleTracker: tracker(epoch.Add(-time.Minute), 5*time.Second, 5*time.Second),
		}, limited, false, epoch.Add(5 * time.Second)},
		{"attempts outside the interval", &api.Allocation{
			TaskStates: finished(epoch), RescheduleTracker: tracker(epoch.Add(-2*time.Hour), 5*time.Second, 5*time.Second),
		}, limited, true, epoch.Add(5 * time.Second)},
		{"delay longer than the interval", &api.Allocation{TaskStates: finished(epoch)}, &api.ReschedulePolicy{
			Attempts: new(2), Interval: new(4 * time.Second), Delay: new(5 * time.Second),
		}, false, epoch.Add(5 * time.Second)},
	} {
		d := reschedule(test.alloc, test.policy, failureTime(test.alloc))
		if d.allowed != test.allowed || !d.at.Equal(test.at) {
			t.Errorf("%s: allowed %v at %v, want %v at %v", test.name, d.allowed, d.at, test.allowed, test.at)
		}
	}
}

func TestTrack(t *testing.T) {
	unlimited := &api.ReschedulePolicy{Unlimited: new(true)}
	limited := &api.ReschedulePolicy{Attempts: new(9), Interval: new(time.Hour)}
	previous := &api.Allocation{ID: "p", NodeID: "n9", RescheduleTracker: tracker(epoch, 1, 2, 3, 4, 5, 6)}
	got := Track(previous, unlimited, 7, epoch)
	if n := len(got.Events); n != 5 || got.Events[0].Delay != 3 || got.Events[4].Delay != 7 {
		t.Errorf("unlimited keeps %d events: %+v", n, got.Events)
	}
	last := got.Events[4]
	if last.PrevAllocID != "p" || last.PrevNodeID != "n9" || last.RescheduleTime != epoch.UnixNano() || got.LastReschedule != RescheduleOK {
		t.Errorf("last event %+v, %q", last, got.LastReschedule)
	}
	if n := len(previous.RescheduleTracker.Events); n != 6 {
		t.Errorf("the tracker of the predecessor changed: %d events", n)
	}
	previous.RescheduleTracker.Events[0].RescheduleTime = epoch.Add(-2 * time.Hour).UnixNano()
	if n := len(Track(previous, limited, 7, epoch).Events); n != 6 {
		t.Errorf("limited keeps %d events, want the 5 of the interval and the new one", n)
	}
}

// TestStatesAreBounded: a node that comes and goes leaves the newest changes with its allocations, and no row that was
// handed out changes.
func TestStatesAreBounded(t *testing.T) {
	a := &api.Allocation{}
	for i := range 3 * maxStates {
		before, kept := a, slices.Clone(a.AllocStates)
		a = &api.Allocation{AllocStates: WithState(a, api.AllocClientUnknown, epoch.Add(time.Duration(i)*time.Second))}
		if !slices.Equal(before.AllocStates, kept) {
			t.Fatal("the states of the row before changed")
		}
	}
	if n := len(a.AllocStates); n != maxStates {
		t.Errorf("%d states are kept, want %d", n, maxStates)
	}
	if got, want := unknownSince(a), epoch.Add((3*maxStates-1)*time.Second); !got.Equal(want) {
		t.Errorf("unknown since %v, want %v", got, want)
	}
	if oldest := *a.AllocStates[0].Time; !oldest.Equal(epoch.Add(2 * maxStates * time.Second)) {
		t.Errorf("the oldest that is kept is of %v", oldest)
	}
}
