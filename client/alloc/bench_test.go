// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/client/clienttest"
	"github.com/nomadlike/nomadlike/client/logs"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/client/task"
	"github.com/nomadlike/nomadlike/client/users"
)

const testID = "b4176635-bd7f-3b9c-47d2-f2d8a714cc74"

// bench runs allocations on a machine of timers, in a bubble.
type bench struct {
	t        *testing.T
	machine  *clienttest.Machine
	networks *clienttest.Networks
	state    *statedb.DB
	dirs     *allocdir.Root
	views    string
	deps     *Deps
	runners  map[string]*Runner
	stop     context.CancelFunc
	ctx      context.Context
	// collected is how the output of tasks is collected, in order; tasks start at the same time.
	collecting sync.Mutex
	collected  []logs.Config
	// templates and artifacts are what tasks need for them.
	templates task.Templates
	artifacts task.Artifacts
}

type noGroups struct{}

func (noGroups) Create(string, string, []uint16) (string, error) { return "", nil }
func (noGroups) Remove(string, string) error                     { return nil }

// inBench runs fn in a bubble with a bench.
func inBench(t *testing.T, fn func(t *testing.T, b *bench)) {
	t.Helper()
	base := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		dirs, err := allocdir.OpenRoot(filepath.Join(base, "alloc"), hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{t: t, machine: clienttest.NewMachine(), networks: clienttest.NewNetworks(), state: statedb.OpenMemory(), dirs: dirs, views: filepath.Join(base, "views")}
		b.boot()
		fn(t, b)
		b.halt()
		if err := b.state.Close(); err != nil {
			t.Error(err)
		}
		ids, err := dirs.List()
		if err != nil {
			t.Error(err)
		}
		for _, id := range ids {
			if err := dirs.Destroy(id); err != nil {
				t.Error(err)
			}
		}
		_ = dirs.Close()
	})
}

// boot makes what an agent has.
func (b *bench) boot() {
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.runners = map[string]*Runner{}
	node := &task.Node{Node: &api.Node{ID: "node", Name: "node-1", Datacenter: "dc1"}, Region: "global", UsableCompute: 1000}
	b.deps = &Deps{
		Networks: b.networks,
		Dirs:     b.dirs, Report: func(*Runner) {}, Previous: func(id string) *Runner { return b.runners[id] },
		Tasks: &task.Deps{
			Logger: hclog.NewNullLogger(), Drivers: b.machine, State: b.state, Cgroups: noGroups{}, Node: func() *task.Node { return node },
			MaxKillTimeout: 30 * time.Second, Random: func() float64 { return 0 },
			StartLogs: func(cfg logs.Config) (*logs.Collector, error) {
				cfg.Logger = nil
				b.collecting.Lock()
				defer b.collecting.Unlock()
				b.collected = append(b.collected, cfg)
				c := &logs.Collector{Stdout: os.DevNull, Stderr: os.DevNull}
				if cfg.Outlive {
					c.Record = fmt.Sprint("collector ", len(b.collected))
				}
				return c, nil
			},
			Templates: b.templates, Artifacts: b.artifacts, Views: allocdir.NewViews(b.views), Users: users.NewPool(80000, 80009), DeniedUsers: []string{"root"}, CheckedDrivers: []string{clienttest.DriverName},
		},
	}
}

// halt stops the agent and leaves the tasks running.
func (b *bench) halt() {
	b.stop()
	for _, r := range b.runners {
		<-r.Done()
	}
}

// run starts an allocation and waits until nothing happens any more.
func (b *bench) run(a *api.Allocation) *Runner {
	b.t.Helper()
	if err := b.state.PutAlloc(a); err != nil {
		b.t.Fatal(err)
	}
	return b.start(Config{Deps: b.deps, Alloc: a})
}

func (b *bench) start(cfg Config) *Runner {
	r := New(cfg)
	b.runners[r.ID()] = r
	go r.Run(b.ctx)
	synctest.Wait()
	return r
}

// restart stops the agent and starts another one with the stored state.
func (b *bench) restart() *Runner {
	b.t.Helper()
	b.halt()
	b.machine.CrashPlugin()
	b.boot()
	records, err := b.state.Allocs()
	if err != nil {
		b.t.Fatal(err)
	}
	var last *Runner
	for _, rec := range records {
		last = b.start(Config{Deps: b.deps, Alloc: rec.Alloc, Restored: rec})
	}
	synctest.Wait()
	return last
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// job makes a job of one group with the tasks.
func job(kind string, tasks ...*api.Task) *api.Job {
	return &api.Job{ID: "j", Name: "j", Type: kind, TaskGroups: []*api.TaskGroup{{Name: "g", Tasks: tasks}}}
}

// tk makes a task; config is "key=value" pairs.
func tk(name string, config ...string) *api.Task {
	t := &api.Task{Name: name, Driver: clienttest.DriverName, Config: map[string]any{}}
	for _, kv := range config {
		k, v, _ := strings.Cut(kv, "=")
		t.Config[k] = v
	}
	return t
}

func hooked(t *api.Task, hook string, sidecar bool) *api.Task {
	t.Lifecycle = &api.Lifecycle{Hook: hook, Sidecar: sidecar}
	return t
}

func allocation(j *api.Job) *api.Allocation {
	a := &api.Allocation{
		ID: testID, Namespace: "default", Name: j.ID + ".g[0]", JobID: j.ID, Job: j, TaskGroup: "g", NodeID: "node",
		DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientPending, AllocModifyIndex: 10,
		AllocatedResources: &api.AllocatedResources{Tasks: map[string]*api.AllocatedTaskResources{}},
	}
	for _, t := range j.TaskGroups[0].Tasks {
		a.AllocatedResources.Tasks[t.Name] = &api.AllocatedTaskResources{
			Cpu: api.AllocatedCpuResources{CpuShares: 100}, Memory: api.AllocatedMemoryResources{MemoryMB: 64},
		}
	}
	return a
}

// stopped is the version of the allocation that the servers want stopped.
func stopped(r *Runner) *api.Allocation {
	a := *r.Alloc()
	a.DesiredStatus, a.AllocModifyIndex = api.AllocDesiredStop, a.AllocModifyIndex+1
	return &a
}

// timeline renders what was asked of the driver, with the time since the first call.
func (b *bench) timeline() string {
	var lines []string
	calls := b.machine.Calls()
	for _, c := range calls {
		lines = append(lines, fmt.Sprintf("%v %s", c.At.Sub(calls[0].At), c))
	}
	return strings.Join(lines, "\n")
}

func (b *bench) wantTimeline(want string) {
	b.t.Helper()
	if got := b.timeline(); got != strings.ReplaceAll(strings.TrimSpace(want), "\t", "") {
		b.t.Errorf("driver was asked\n%s\nwant\n%s", got, strings.ReplaceAll(strings.TrimSpace(want), "\t", ""))
	}
}

// events renders the events of a task.
func events(r *Runner, name string) string {
	var lines []string
	for _, e := range r.Report().TaskStates[name].Events {
		lines = append(lines, e.Type+": "+e.DisplayMessage)
	}
	return strings.Join(lines, "\n")
}

func wantEvents(t *testing.T, r *Runner, name, want string) {
	t.Helper()
	want = strings.ReplaceAll(strings.TrimSpace(want), "\t", "")
	if got := events(r, name); got != want {
		t.Errorf("events of %s\n%s\nwant\n%s", name, got, want)
	}
}

func wantStatus(t *testing.T, r *Runner, status, description string) {
	t.Helper()
	report := r.Report()
	if report.ClientStatus != status || report.ClientDescription != description {
		t.Errorf("status %q (%s), want %q (%s)", report.ClientStatus, report.ClientDescription, status, description)
	}
}

func wantState(t *testing.T, r *Runner, name, state string, failed bool, restarts int) {
	t.Helper()
	s := r.Report().TaskStates[name]
	if s.State != state || s.Failed != failed || s.Restarts != restarts {
		t.Errorf("task %s is %s, failed %t, %d restarts, want %s, %t, %d", name, s.State, s.Failed, s.Restarts, state, failed, restarts)
	}
}
