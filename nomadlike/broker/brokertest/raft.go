// SPDX-License-Identifier: MPL-2.0

// Package brokertest gives tests of the leader's machinery a state machine without a raft log, and nodes
// and jobs to put into it.
package brokertest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// Raft applies commands at once to a store of its own.
type Raft struct {
	Store *state.Store

	before  atomic.Pointer[func(cmd []byte) error]
	machine *fsm.FSM
	mu      struct {
		sync.Mutex
		index   uint64
		entries int
	}
}

// NewRaft returns a twin of raft with an empty state.
func NewRaft() *Raft {
	store := state.New()
	r := &Raft{Store: store, machine: fsm.New(store, hclog.NewNullLogger(), "memory")}
	r.mu.index = store.Index()
	return r
}

// Intercept has fn called before each command, outside all locks; an error refuses the command. It may block.
// Nil ends that.
func (r *Raft) Intercept(fn func(cmd []byte) error) { r.before.Store(&fn) }

// Apply implements the interface of the applier and the controllers.
func (r *Raft) Apply(_ context.Context, cmd []byte) (any, uint64, error) {
	if before := r.before.Load(); before != nil && *before != nil {
		if err := (*before)(cmd); err != nil {
			return nil, 0, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.index++
	r.mu.entries++
	answer := r.machine.Apply(&raft.Log{Index: r.mu.index, Type: raft.LogCommand, Data: cmd})
	if err, ok := answer.(error); ok {
		return nil, 0, err
	}
	return answer, r.mu.index, nil
}

// Entries returns how many commands were applied.
func (r *Raft) Entries() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.entries
}

// Must applies a command and ends the test when it is refused.
func (r *Raft) Must(t testing.TB, cmd []byte) any {
	t.Helper()
	answer, _, err := r.Apply(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// Node returns a ready node that nothing runs on.
func Node(n int, cpu, memory int64) *api.Node {
	return &api.Node{
		ID: fmt.Sprintf("%08d-0000-4000-8000-000000000000", n), Name: fmt.Sprintf("node-%d", n), Datacenter: "dc1",
		NodePool: api.NodePoolDefault, Status: api.NodeStatusReady, SchedulingEligibility: api.NodeEligible,
		ComputedClass: "v1:a", Attributes: map[string]string{"kernel.name": "linux"},
		Drivers: map[string]*api.DriverInfo{"mock_driver": {Detected: true, Healthy: true}},
		NodeResources: &api.NodeResources{
			Cpu: api.NodeCpuResources{CpuShares: cpu}, Memory: api.NodeMemoryResources{MemoryMB: memory},
			Disk: api.NodeDiskResources{DiskMB: 1 << 20},
			NodeNetworks: []*api.NodeNetworkResource{{
				Mode: api.NetworkModeHost, Device: "eth0",
				Addresses: []api.NodeNetworkAddress{{Family: "ipv4", Alias: "default", Address: fmt.Sprintf("10.0.%d.%d", n>>8, n&255)}},
			}},
		},
	}
}

// AddNodes registers nodes of one size.
func (r *Raft) AddNodes(t testing.TB, count int, cpu, memory int64) {
	t.Helper()
	for i := range count {
		r.Must(t, fsm.NodeRegister.Encode(&fsm.NodeRegisterRequest{Node: Node(i, cpu, memory)}))
	}
}

// Job returns a job of one group with count allocations that each want cpu MHz and memory MiB.
func Job(id string, count, cpu, memory int) *api.Job {
	j := &api.Job{
		ID: id, Name: id, Type: api.JobTypeService, Datacenters: []string{"*"},
		TaskGroups: []*api.TaskGroup{{
			Name: "g", Count: new(count), EphemeralDisk: &api.EphemeralDisk{SizeMB: new(10)},
			Tasks: []*api.Task{{
				Name: "t", Driver: "mock_driver",
				Resources: &api.Resources{CPU: new(cpu), MemoryMB: new(memory)},
			}},
		}},
	}
	j.Canonicalize()
	for _, g := range j.TaskGroups {
		g.Update = nil
	}
	return j
}

// Eval returns a pending evaluation of the job.
func Eval(j *api.Job, trigger string) *api.Evaluation {
	return &api.Evaluation{
		ID: api.NewID(), Namespace: j.Namespace, JobID: j.ID, Type: j.Type, Priority: j.PriorityOrDefault(),
		TriggeredBy: trigger, Status: api.EvalStatusPending,
	}
}

// Register stores the job with an evaluation and returns that.
func (r *Raft) Register(t testing.TB, j *api.Job) *api.Evaluation {
	t.Helper()
	e := Eval(j, api.TriggerJobRegister)
	r.Must(t, fsm.JobRegister.Encode(&fsm.JobRegisterRequest{Job: j, Eval: e}))
	return e
}

// Await waits until the evaluation reached a final status or is blocked, and returns it.
func (r *Raft) Await(t testing.TB, ctx context.Context, id string) *api.Evaluation {
	t.Helper()
	for {
		tx := r.Store.Read()
		e := state.Evals.Get(tx, id)
		if e != nil && (e.TerminalStatus() || e.Status == api.EvalStatusBlocked) {
			return e
		}
		if err := tx.Watch(ctx); err != nil {
			t.Fatalf("evaluation %s is %+v: %v", id, e, err)
		}
	}
}

// CatchUp moves the index on after a write that went past Apply.
func (r *Raft) CatchUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.index = max(r.mu.index, r.Store.Index())
}
