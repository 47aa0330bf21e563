// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// stage is how far stopping the tasks has come (runtime.md 4.4).
type stage uint8

const (
	// stageNone: nobody wants them stopped.
	stageNone stage = iota
	// stageDelay: the shutdown delay of the group runs.
	stageDelay
	// stageLeader: the leader is being stopped, and awaited.
	stageLeader
	// stageRest: all but sidecars are being stopped.
	stageRest
	// stageSidecars: the sidecars are being stopped.
	stageSidecars
	// stageDone: everything but poststop tasks has ended.
	stageDone
)

// stopper stops the tasks in order. It belongs to the goroutine of the runner.
type stopper struct {
	stage stage
	// event returns the reason for each task, nil when there is none to tell.
	event func(t *api.Task) *api.TaskEvent
	// noDelay skips shutdown delays; hurry says that tasks have not heard of it.
	noDelay, hurry bool
	// until is when the shutdown delay of the group ends.
	until time.Time
	// asked are the tasks that were told to stop.
	asked map[string]bool
	// poststop says that poststop tasks run at the end.
	poststop bool
}

// stopSpec says how to stop.
type stopSpec struct {
	event   func(t *api.Task) *api.TaskEvent
	delay   time.Duration
	noDelay bool
	// skipPoststop ends poststop tasks as well, also such as run already.
	skipPoststop bool
}

// stop begins to stop the tasks, or hurries up a stop that is under way.
func (s *stopper) stop(spec stopSpec, now time.Time) {
	if spec.skipPoststop {
		s.poststop = false
	}
	if s.stage != stageNone {
		s.hurry = s.hurry || spec.noDelay && !s.noDelay
		s.noDelay = s.noDelay || spec.noDelay
		return
	}
	s.event, s.noDelay, s.asked = spec.event, spec.noDelay, map[string]bool{}
	s.poststop = !spec.skipPoststop
	s.stage, s.until = stageDelay, now.Add(spec.delay)
}

// advance goes on as far as the tasks allow. It returns when to look again, zero when only a task can
// bring that about. kill is called for each task to stop, again for those to hurry.
func (s *stopper) advance(v view, now time.Time, kill func(t *api.Task, event *api.TaskEvent, noDelay bool)) time.Time {
	hurry := s.hurry
	s.hurry = false
	for {
		var wave func(t *api.Task) bool
		switch s.stage {
		case stageNone:
			return time.Time{}
		case stageDone:
			s.endPoststop(v, kill)
			return time.Time{}
		case stageDelay:
			if !s.noDelay && now.Before(s.until) {
				return s.until
			}
			s.stage = stageLeader
			continue
		case stageLeader:
			wave = func(t *api.Task) bool { return t.Leader }
		case stageRest:
			wave = func(t *api.Task) bool { return !t.IsSidecar() }
		case stageSidecars:
			wave = func(t *api.Task) bool { return true }
		}
		waiting := false
		for _, t := range v.tasks {
			if isPoststop(t) || v.dead(t) || !wave(t) {
				continue
			}
			waiting = true
			var event *api.TaskEvent
			if !s.asked[t.Name] {
				s.asked[t.Name] = true
				if s.event != nil {
					event = s.event(t)
				}
				kill(t, event, s.noDelay)
			} else if hurry {
				kill(t, nil, true)
			}
		}
		if waiting {
			return time.Time{}
		}
		s.stage++
	}
}

// endPoststop ends poststop tasks that are not to run.
func (s *stopper) endPoststop(v view, kill func(t *api.Task, event *api.TaskEvent, noDelay bool)) {
	if s.poststop {
		return
	}
	for _, t := range v.tasks {
		if isPoststop(t) && !v.dead(t) && !s.asked[t.Name] {
			s.asked[t.Name] = true
			kill(t, nil, true)
		}
	}
}

// active reports whether the tasks are being or have been stopped.
func (s *stopper) active() bool { return s.stage != stageNone }
