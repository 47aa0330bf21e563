// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/broker/brokertest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// clockwork is a state with a leader that launches periodic jobs, in a bubble.
type clockwork struct {
	*brokertest.Raft
	t    *testing.T
	stop func()
}

func newClockwork(t *testing.T) *clockwork {
	return &clockwork{Raft: brokertest.NewRaft(), t: t}
}

// lead starts the controller; resign ends it.
func (c *clockwork) lead() {
	ctx, cancel := context.WithCancel(c.t.Context())
	ended := make(chan error, 1)
	p := NewPeriodic(c.Store, c.Raft, hclog.NewNullLogger())
	go func() { ended <- p.Run(ctx) }()
	c.stop = func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			c.t.Errorf("the controller ended with %v", err)
		}
	}
	synctest.Wait()
}

func (c *clockwork) resign() { c.stop() }

// pass lets time go by.
func (c *clockwork) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (c *clockwork) register(id string, p api.Periodic, edit ...func(*api.Job)) {
	c.t.Helper()
	j := &api.Job{
		ID: id, Type: "batch", Periodic: &p,
		TaskGroups: []*api.TaskGroup{{Name: "g", Tasks: []*api.Task{{Name: "t", Driver: "mock_driver"}}}},
	}
	for _, fn := range edit {
		fn(j)
	}
	j.Canonicalize()
	j.SubmitTime = time.Now().UnixNano()
	c.Must(c.t, fsm.JobRegister.Encode(&fsm.JobRegisterRequest{Job: j}))
	synctest.Wait()
}

func (c *clockwork) deregister(id string, purge bool) {
	c.t.Helper()
	c.Must(c.t, fsm.JobDeregister.Encode(&fsm.JobDeregisterRequest{Namespace: "default", JobID: id, Purge: purge, SubmitTime: time.Now().UnixNano()}))
	synctest.Wait()
}

// finish ends the evaluations of the job's children, so that they are dead.
func (c *clockwork) finish(id string) {
	c.t.Helper()
	var evals []*api.Evaluation
	for child := range state.Jobs.By(c.Store.Snapshot(), state.ByParent, "default", id) {
		for e := range state.Evals.By(c.Store.Snapshot(), state.ByJob, "default", child.ID) {
			done := *e
			done.Status = api.EvalStatusComplete
			evals = append(evals, &done)
		}
	}
	c.Must(c.t, fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: evals}))
}

// launched checks at which times, after the start of the bubble, the job was launched.
func (c *clockwork) launched(id string, want ...string) {
	c.t.Helper()
	var got []string
	for child := range state.Jobs.By(c.Store.Snapshot(), state.ByParent, "default", id) {
		var unix int64
		if _, err := fmt.Sscanf(strings.TrimPrefix(child.ID, id+"/periodic-"), "%d", &unix); err != nil {
			c.t.Fatalf("child %s", child.ID)
		}
		got = append(got, time.Unix(unix, 0).UTC().Format("15:04:05"))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		c.t.Fatalf("%s launched at %q, want %q", id, got, want)
	}
}

// The bubble begins at 2000-01-01 00:00:00 UTC.

func TestPeriodicSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClockwork(t)
		c.lead()
		defer c.resign()
		c.register("hourly", api.Periodic{Specs: []string{"0 * * * *"}})
		c.register("two", api.Periodic{Specs: []string{"30 * * * *", "45 1 * * *"}})
		c.register("tokyo", api.Periodic{Specs: []string{"0 10 * * *"}, TimeZone: "Asia/Tokyo"})
		c.register("seconds", api.Periodic{Spec: "*/20 59 2 * * * *"})
		c.register("off", api.Periodic{Enabled: new(false), Specs: []string{"* * * * *"}})
		c.register("template", api.Periodic{Specs: []string{"* * * * *"}}, func(j *api.Job) { j.ParameterizedJob = &api.ParameterizedJob{} })
		c.pass(59 * time.Minute)
		c.launched("hourly")
		c.launched("two", "00:30:00")
		c.pass(time.Minute)
		c.launched("hourly", "01:00:00")
		c.launched("tokyo", "01:00:00")
		c.pass(2 * time.Hour)
		c.launched("hourly", "01:00:00", "02:00:00", "03:00:00")
		c.launched("two", "00:30:00", "01:30:00", "01:45:00", "02:30:00")
		c.launched("seconds", "02:59:00", "02:59:20", "02:59:40")
		c.launched("off")
		c.launched("template")

		child := state.Jobs.Get(c.Store.Snapshot(), "default", "hourly/periodic-946688400")
		if child == nil || child.Periodic != nil || child.ParentID != "hourly" || child.Name != child.ID || child.Status != "pending" || child.Version != 0 {
			t.Fatalf("child %+v", child)
		}
		for e := range state.Evals.By(c.Store.Snapshot(), state.ByJob, "default", child.ID) {
			if e.TriggeredBy != api.TriggerPeriodicJob || e.JobModifyIndex != child.JobModifyIndex || e.Type != "batch" {
				t.Errorf("evaluation %+v", e)
			}
		}
		parent, sum := state.Jobs.Get(c.Store.Snapshot(), "default", "hourly"), state.JobSummaries.Get(c.Store.Snapshot(), "default", "hourly")
		if parent.Status != "running" || sum.Children.Pending != 3 {
			t.Errorf("parent is %s with %+v", parent.Status, sum.Children)
		}
		if l := state.PeriodicLaunches.Get(c.Store.Snapshot(), "default", "hourly"); l.Launch != time.Now().UnixNano() {
			t.Errorf("last launch %+v", l)
		}
	})
}

func TestPeriodicOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClockwork(t)
		c.lead()
		c.register("j", api.Periodic{Specs: []string{"0 * * * *"}, ProhibitOverlap: true})
		c.pass(3 * time.Hour)
		c.launched("j", "01:00:00")
		c.finish("j")
		c.pass(time.Hour)
		c.launched("j", "01:00:00", "04:00:00")
		// What was left out is not made up for, neither now nor by the next leader.
		c.pass(time.Hour)
		c.resign()
		c.finish("j")
		c.lead()
		defer c.resign()
		c.launched("j", "01:00:00", "04:00:00")
		c.pass(time.Hour)
		c.launched("j", "01:00:00", "04:00:00", "06:00:00")
	})
}

func TestPeriodicMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClockwork(t)
		c.lead()
		c.register("j", api.Periodic{Specs: []string{"0 * * * *"}})
		c.register("once", api.Periodic{Specs: []string{"0 * * * *"}, ProhibitOverlap: true})
		c.pass(time.Hour)
		c.resign()
		c.pass(3*time.Hour + 30*time.Minute)
		c.lead()
		c.launched("j", "01:00:00", "04:00:00")
		c.launched("once", "01:00:00")
		c.pass(30 * time.Minute)
		c.launched("j", "01:00:00", "04:00:00", "05:00:00")
		c.resign()
		// Nothing was missed this time.
		c.pass(30 * time.Minute)
		c.lead()
		c.launched("j", "01:00:00", "04:00:00", "05:00:00")
		c.resign()
		// A job that was registered while nobody launched has missed nothing before.
		c.register("late", api.Periodic{Specs: []string{"0 * * * *"}})
		c.pass(10 * time.Minute)
		c.lead()
		defer c.resign()
		c.launched("late")
		c.pass(30 * time.Minute)
		c.launched("late", "06:00:00")
	})
}

func TestPeriodicChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClockwork(t)
		c.lead()
		c.register("j", api.Periodic{Specs: []string{"0 * * * *"}})
		c.pass(90 * time.Minute)
		c.register("j", api.Periodic{Specs: []string{"45 * * * *"}})
		c.pass(30 * time.Minute)
		c.launched("j", "01:00:00", "01:45:00")
		c.register("j", api.Periodic{Enabled: new(false), Specs: []string{"45 * * * *"}})
		c.pass(2 * time.Hour)
		c.launched("j", "01:00:00", "01:45:00")
		c.register("j", api.Periodic{Specs: []string{"45 * * * *"}})
		c.resign()
		c.lead()
		c.launched("j", "01:00:00", "01:45:00")
		c.pass(time.Hour)
		c.launched("j", "01:00:00", "01:45:00", "04:45:00")
		c.deregister("j", false)
		c.pass(time.Hour)
		c.launched("j", "01:00:00", "01:45:00", "04:45:00")
		if j := state.Jobs.Get(c.Store.Snapshot(), "default", "j"); j.Status != "dead" {
			t.Errorf("the stopped job is %s", j.Status)
		}
		c.register("j", api.Periodic{Specs: []string{"45 * * * *"}})
		c.pass(time.Hour)
		c.launched("j", "01:00:00", "01:45:00", "04:45:00", "06:45:00")
		c.deregister("j", true)
		if l := state.PeriodicLaunches.Get(c.Store.Snapshot(), "default", "j"); l != nil {
			t.Errorf("the purged job left %+v", l)
		}
		c.pass(2 * time.Hour)
		c.launched("j", "01:00:00", "01:45:00", "04:45:00", "06:45:00")
		c.resign()
	})
}

// TestPeriodicRetries: a launch that cannot be written is tried again, and is made once.
func TestPeriodicRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClockwork(t)
		c.lead()
		defer c.resign()
		c.register("a", api.Periodic{Specs: []string{"0 * * * *"}})
		c.register("b", api.Periodic{Specs: []string{"30 * * * *"}})
		c.Intercept(func([]byte) error { return errors.New("no disk") })
		c.pass(65 * time.Minute)
		c.launched("a")
		c.Intercept(nil)
		c.pass(2 * time.Second)
		c.launched("a", "01:00:00")
		c.launched("b", "00:30:00")
		c.pass(time.Hour)
		c.launched("a", "01:00:00", "02:00:00")
	})
}

// TestPeriodicDispatched: the child that a dispatch makes of a job that is both follows the clock.
func TestPeriodicDispatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClockwork(t)
		c.lead()
		defer c.resign()
		c.register("both", api.Periodic{Specs: []string{"0 * * * *"}}, func(j *api.Job) { j.ParameterizedJob = &api.ParameterizedJob{} })
		child := state.Jobs.Get(c.Store.Snapshot(), "default", "both").DispatchedChild("", time.Now(), "01234567", map[string]string{"a": "b"}, []byte("x"))
		child.SubmitTime = time.Now().UnixNano()
		c.Must(t, fsm.JobDispatch.Encode(&fsm.JobDispatchRequest{Job: child}))
		c.pass(2 * time.Hour)
		c.launched(child.ID, "01:00:00", "02:00:00")
		grandchild := state.Jobs.Get(c.Store.Snapshot(), "default", child.ID+"/periodic-946688400")
		if string(grandchild.Payload) != "x" || grandchild.Meta["a"] != "b" || grandchild.Status != "pending" {
			t.Errorf("grandchild %+v", grandchild)
		}
	})
}

// TestPeriodicClocksChange: clocks in Berlin went from 02:00 to 03:00 on 2000-03-26.
func TestPeriodicClocksChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClockwork(t)
		c.pass(time.Until(time.Date(2000, 3, 26, 0, 0, 0, 0, time.UTC)))
		c.lead()
		defer c.resign()
		c.register("hourly", api.Periodic{Specs: []string{"0 * * * *"}, TimeZone: "Europe/Berlin"})
		c.register("left out", api.Periodic{Specs: []string{"30 2 * * *"}, TimeZone: "Europe/Berlin"})
		c.register("morning", api.Periodic{Specs: []string{"0 9 * * *"}, TimeZone: "Europe/Berlin"})
		c.pass(3 * time.Hour)
		c.launched("hourly", "01:00:00", "02:00:00", "03:00:00")
		c.pass(5 * time.Hour)
		c.launched("left out")
		c.launched("morning", "07:00:00")
	})
}

// TestPeriodicClockSet: launches of a clock that ran ahead by years do not keep a job from its schedule until then, and a
// clock that is set a little back makes none again.
func TestPeriodicClockSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClockwork(t)
		for id, ahead := range map[string]time.Duration{"years": 5 * 366 * 24 * time.Hour, "hours": 2 * time.Hour} {
			c.register(id, api.Periodic{Specs: []string{"0 * * * *"}})
			c.Must(t, fsm.PeriodicLaunch.Encode(&fsm.PeriodicLaunchRequest{Namespace: "default", ParentID: id, Launch: time.Now().Add(ahead).UnixNano()}))
		}
		c.lead()
		defer c.resign()
		c.pass(2*time.Hour + 30*time.Minute)
		c.launched("years", "01:00:00", "02:00:00")
		c.launched("hours")
		c.pass(time.Hour)
		c.launched("hours", "03:00:00")
	})
}

// TestPeriodicLooks: a timer does not see that the clock is set, so none is long.
func TestPeriodicLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClockwork(t)
		p := NewPeriodic(c.Store, c.Raft, hclog.NewNullLogger())
		for _, next := range []time.Time{{}, time.Now().Add(24 * time.Hour)} {
			began := time.Now()
			if err := p.sleep(t.Context(), c.Store.Read(), next); err != nil {
				t.Fatal(err)
			}
			if slept := time.Since(began); slept > time.Minute {
				t.Errorf("it looked at the clock after %v", slept)
			}
		}
	})
}
