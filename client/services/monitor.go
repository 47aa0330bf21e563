// SPDX-License-Identifier: MPL-2.0

package services

import (
	"context"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// Monitor runs the checks of one allocation. Its methods may be called from anywhere.
type Monitor struct {
	// group is the name of the allocation.
	group   string
	changed func()
	probe   func(context.Context, *Check) Outcome
	running sync.WaitGroup

	mu struct {
		sync.Mutex
		stopped bool
		// order has the checks in the order of the job.
		order []*Check
		runs  map[string]*checkRun
	}
}

// checkRun is one check that is being run.
type checkRun struct {
	check  *Check
	cancel context.CancelFunc
	result api.CheckResult
	// since is when the status became what it is.
	since time.Time
}

// State is how a check stands.
type State struct {
	*Check
	Status, Output string
	// Since is when the status became what it is.
	Since time.Time
}

// NewMonitor returns a monitor without checks. changed is called when the status of a check has changed; it
// must not block. probe runs a check once.
func NewMonitor(allocName string, changed func(), probe func(context.Context, *Check) Outcome) *Monitor {
	m := &Monitor{group: allocName, changed: changed, probe: probe}
	m.mu.runs = map[string]*checkRun{}
	return m
}

// Set makes the list the checks that run, until the context ends or Stop is called. Those that run already
// go on.
func (m *Monitor) Set(ctx context.Context, list []*Check) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.stopped {
		return
	}
	wanted := map[string]bool{}
	for _, c := range list {
		wanted[c.ID] = true
	}
	for id, run := range m.mu.runs {
		if !wanted[id] {
			run.cancel()
			delete(m.mu.runs, id)
		}
	}
	m.mu.order = nil
	for _, c := range list {
		if run := m.mu.runs[c.ID]; run != nil {
			m.mu.order = append(m.mu.order, run.check)
			continue
		}
		m.mu.order = append(m.mu.order, c)
		runCtx, cancel := context.WithCancel(ctx)
		now := time.Now()
		run := &checkRun{check: c, cancel: cancel, since: now, result: api.CheckResult{
			ID: c.ID, Mode: c.mode(), Status: c.initial, Timestamp: now.Unix(), Group: m.group, Task: c.Task, Service: c.Service, Check: c.Name,
		}}
		m.mu.runs[c.ID] = run
		m.running.Go(func() { m.run(runCtx, run) })
	}
}

// Stop ends all checks and removes their results.
func (m *Monitor) Stop() {
	m.mu.Lock()
	m.mu.stopped = true
	for id, run := range m.mu.runs {
		run.cancel()
		delete(m.mu.runs, id)
	}
	m.mu.order = nil
	m.mu.Unlock()
	m.running.Wait()
}

// run runs one check, first after half its interval (runtime.md 7.2).
func (m *Monitor) run(ctx context.Context, run *checkRun) {
	t := time.NewTimer(run.check.Interval / 2)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		// The next run does not wait for a slow one to be over, but never are there two at once.
		t.Reset(run.check.Interval)
		found := m.probe(ctx, run.check)
		if ctx.Err() != nil {
			return
		}
		m.note(run, found)
	}
}

func (m *Monitor) note(run *checkRun, found Outcome) {
	now := time.Now()
	m.mu.Lock()
	changed := run.result.Status != found.Status
	if changed {
		run.since = now
	}
	run.result.Status, run.result.StatusCode, run.result.Output, run.result.Timestamp = found.Status, found.Code, found.Output, now.Unix()
	m.mu.Unlock()
	if changed {
		m.changed()
	}
}

// Results returns the latest result of each check by its ID.
func (m *Monitor) Results() map[string]*api.CheckResult {
	out := map[string]*api.CheckResult{}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, run := range m.mu.runs {
		result := run.result
		out[id] = &result
	}
	return out
}

// States returns how the checks stand, in the order of the job.
func (m *Monitor) States() []State {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]State, 0, len(m.mu.order))
	for _, c := range m.mu.order {
		if run := m.mu.runs[c.ID]; run != nil {
			out = append(out, State{Check: run.check, Status: run.result.Status, Output: run.result.Output, Since: run.since})
		}
	}
	return out
}
