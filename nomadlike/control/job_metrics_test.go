// SPDX-License-Identifier: MPL-2.0

package control

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/testkit/sink"
	"github.com/nomadlike/nomadlike/nomadlike/broker/brokertest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
)

// TestJobMetrics publishes the gauges of a job, of one that was dispatched and of a periodic launch.
func TestJobMetrics(t *testing.T) {
	r := brokertest.NewRaft()
	for _, j := range []*api.Job{
		{ID: "web"},
		{ID: "par/dispatch-17-ab", ParentID: "par", Dispatched: true},
		{ID: "per/periodic-18", ParentID: "per"},
	} {
		j.Namespace, j.Type, j.Name = api.DefaultNamespace, api.JobTypeBatch, j.ID
		j.TaskGroups = []*api.TaskGroup{{Name: "g", Count: new(3), Tasks: []*api.Task{{Name: "t", Resources: &api.Resources{CPU: new(100), MemoryMB: new(64)}}}}}
		r.Register(t, j)
	}
	// An evaluation that found no node for two of web.
	e := brokertest.Eval(&api.Job{ID: "web", Namespace: api.DefaultNamespace, Type: api.JobTypeBatch, Priority: new(50)}, api.TriggerJobRegister)
	e.Status, e.QueuedAllocations = api.EvalStatusComplete, map[string]int{"g": 2}
	r.Must(t, fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: []*api.Evaluation{e}}))
	for _, c := range []struct {
		dispatched bool
		want       []string
	}{
		{true, []string{
			"nomad.nomad.job_summary.queued;job=par/dispatch-17-ab;namespace=default;parent_id=par;dispatch_id=17-ab;task_group=g",
			"nomad.nomad.job_summary.queued;job=per/periodic-18;namespace=default;parent_id=per;periodic_id=18;task_group=g",
			"nomad.nomad.job_summary.queued;job=web;namespace=default;task_group=g",
		}},
		{false, []string{
			"nomad.nomad.job_summary.queued;job=per/periodic-18;namespace=default;parent_id=per;periodic_id=18;task_group=g",
			"nomad.nomad.job_summary.queued;job=web;namespace=default;task_group=g",
		}},
	} {
		published, kept := sink.New(t)
		m := NewJobMetrics(r.Store, c.dispatched, published)
		m.Write(published)
		if n := len(kept.Data()[0].Gauges); n != 0 {
			t.Errorf("%d gauges of a server that does not lead", n)
		}
		m.leading.Store(true)
		m.Write(published)
		gauges := kept.Data()[0].Gauges
		if n := gauges["nomad.nomad.job_status.pending"].Value; n != 3 {
			t.Errorf("%v jobs are pending", n)
		}
		for _, state := range []string{"queued", "complete", "failed", "running", "starting", "lost", "unknown"} {
			if _, ok := gauges["nomad.nomad.job_summary."+state+";job=web;namespace=default;task_group=g"]; !ok {
				t.Errorf("no gauge of what is %s", state)
			}
		}
		for name, want := range map[string]float32{
			"nomad.nomad.blocked_evals.cpu": 200, "nomad.nomad.blocked_evals.memory": 128,
			"nomad.nomad.blocked_evals.job.cpu;job=web;namespace=default": 200, "nomad.nomad.blocked_evals.job.memory;job=web;namespace=default": 128,
		} {
			if g, ok := gauges[name]; !ok || g.Value != want {
				t.Errorf("%s is %v, %t, want %v", name, g.Value, ok, want)
			}
		}
		got := slices.DeleteFunc(slices.Sorted(maps.Keys(gauges)), func(k string) bool { return !strings.Contains(k, ".queued;") })
		if !slices.Equal(got, c.want) {
			t.Errorf("with dispatched %v: %q", c.dispatched, got)
		}
	}
}
