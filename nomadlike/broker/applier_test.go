// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/broker/brokertest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// rig is an applier over a state machine, with a broker that is not asked.
type rig struct {
	*brokertest.Raft
	t       *testing.T
	applier *Applier
	job     *api.Job
	stop    func()
}

func newRig(t *testing.T, nodes int, cpu int64) *rig {
	r := &rig{Raft: brokertest.NewRaft(), t: t}
	l := newLedger(r.Store)
	r.Store.Subscribe(l.observe)
	r.applier = newApplier(NewBroker(Config{}), l, r.Raft, RejectionConfig{}, hclog.NewNullLogger(), metrics.Default())
	r.AddNodes(t, nodes, cpu, 1<<20)
	r.job = brokertest.Job("j", 1, 1, 1)
	r.Register(t, r.job)
	r.job = state.Jobs.Get(r.Store.Snapshot(), "default", "j")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	r.applier.open()
	go func() { done <- r.applier.run(ctx) }()
	r.stop = func() {
		cancel()
		<-done
	}
	return r
}

// place returns a placement of cpu MHz on the n-th node.
func (r *rig) place(n int, cpu int64, ports ...int) *api.Allocation {
	a := &api.Allocation{
		ID: api.NewID(), Namespace: "default", JobID: "j", Job: r.job, TaskGroup: "g", Name: "j.g[0]",
		NodeID: brokertest.Node(n, 0, 0).ID, DesiredStatus: "run", ClientStatus: "pending",
		AllocatedResources: &api.AllocatedResources{
			Tasks: map[string]*api.AllocatedTaskResources{"t": {
				Cpu:    api.AllocatedCpuResources{CpuShares: cpu},
				Memory: api.AllocatedMemoryResources{MemoryMB: 1},
			}},
		},
	}
	for _, p := range ports {
		a.AllocatedResources.Shared.Ports = append(a.AllocatedResources.Shared.Ports,
			&api.AllocatedPortMapping{Label: "p", Value: p, HostIP: fmt.Sprintf("10.0.%d.%d", n>>8, n&255)})
	}
	return a
}

func (r *rig) plan(allocs ...*api.Allocation) *api.Plan {
	p := &api.Plan{EvalID: "e", Priority: 50, Job: r.job, NodeAllocation: map[string][]*api.Allocation{}}
	for _, a := range allocs {
		p.NodeAllocation[a.NodeID] = append(p.NodeAllocation[a.NodeID], a)
	}
	return p
}

func (r *rig) submit(p *api.Plan) Result {
	res := <-r.applier.Submit(&Submission{Plan: p})
	if res.Err != nil {
		r.t.Fatal(res.Err)
	}
	return res
}

// summary tells what of a plan was committed: nodes with their numbers of placements, and refusals.
func summary(res Result) string {
	var parts []string
	for n := range 10 {
		id := brokertest.Node(n, 0, 0).ID
		if k := len(res.Plan.NodeAllocation[id]); k > 0 {
			parts = append(parts, fmt.Sprintf("%d:%d", n, k))
		}
		if k := len(res.Plan.NodeUpdate[id]); k > 0 {
			parts = append(parts, fmt.Sprintf("%d:stop%d", n, k))
		}
		if k := len(res.Plan.NodePreemptions[id]); k > 0 {
			parts = append(parts, fmt.Sprintf("%d:evict%d", n, k))
		}
	}
	for _, id := range res.Plan.RejectedNodes {
		parts = append(parts, "-"+strings.TrimLeft(id[:8], "0")+"!")
	}
	if !res.Full() {
		parts = append(parts, "refresh")
	}
	return strings.Join(parts, " ")
}

func TestApplier(t *testing.T) {
	stop := func(a *api.Allocation) *api.Allocation {
		c := *a
		c.DesiredStatus = "stop"
		return &c
	}
	set := func(r *rig, n int, status, eligibility string) {
		id := brokertest.Node(n, 0, 0).ID
		if status != "" {
			r.Must(r.t, fsm.NodeStatusUpdate.Encode(&fsm.NodeStatusUpdateRequest{NodeID: id, Status: status}))
		}
		if eligibility != "" {
			r.Must(r.t, fsm.NodeEligibility.Encode(&fsm.NodeEligibilityRequest{NodeID: id, Eligibility: eligibility}))
		}
	}
	for _, c := range []struct {
		name string
		run  func(r *rig) string
		want string
	}{
		{"fits", func(r *rig) string {
			return summary(r.submit(r.plan(r.place(1, 60), r.place(2, 100))))
		}, "1:1 2:1"},
		{"partial commit", func(r *rig) string {
			r.submit(r.plan(r.place(1, 60)))
			return summary(r.submit(r.plan(r.place(1, 60), r.place(2, 100))))
		}, "2:1 -1! refresh"},
		{"all at once drops everything", func(r *rig) string {
			r.submit(r.plan(r.place(1, 60)))
			p := r.plan(r.place(1, 60), r.place(2, 100))
			p.AllAtOnce = true
			return summary(r.submit(p))
		}, "-1! refresh"},
		{"static port", func(r *rig) string {
			r.submit(r.plan(r.place(1, 1, 80)))
			return summary(r.submit(r.plan(r.place(1, 1, 80), r.place(2, 1, 80))))
		}, "2:1 -1! refresh"},
		{"node that does not exist", func(r *rig) string {
			return summary(r.submit(r.plan(r.place(9, 1))))
		}, "-9! refresh"},
		{"node that is down, ineligible", func(r *rig) string {
			set(r, 1, "down", "")
			set(r, 2, "", "ineligible")
			return summary(r.submit(r.plan(r.place(1, 1), r.place(2, 1), r.place(3, 1))))
		}, "3:1 -1! -2! refresh"},
		{"updates on an ineligible node are accepted", func(r *rig) string {
			a := r.place(1, 50)
			r.submit(r.plan(a))
			set(r, 1, "", "ineligible")
			again := *a
			return summary(r.submit(r.plan(&again)))
		}, "1:1"},
		{"stops always succeed", func(r *rig) string {
			a := r.place(1, 100)
			r.submit(r.plan(a))
			set(r, 1, "down", "")
			return summary(r.submit(&api.Plan{NodeUpdate: map[string][]*api.Allocation{a.NodeID: {stop(a)}}}))
		}, "1:stop1"},
		{"a plan may replace what it stops", func(r *rig) string {
			a := r.place(1, 100)
			r.submit(r.plan(a))
			p := r.plan(r.place(1, 100))
			p.NodeUpdate = map[string][]*api.Allocation{a.NodeID: {stop(a)}}
			return summary(r.submit(p))
		}, "1:1 1:stop1"},
		{"what is stopped by another plan counts until the client is done", func(r *rig) string {
			a := r.place(1, 100)
			r.submit(r.plan(a))
			r.submit(&api.Plan{NodeUpdate: map[string][]*api.Allocation{a.NodeID: {stop(a)}}})
			before := summary(r.submit(r.plan(r.place(1, 100))))
			r.Must(r.t, fsm.AllocsClientUpdate.Encode(&fsm.AllocsClientUpdateRequest{
				Allocs: []*fsm.AllocUpdate{{ID: a.ID, ClientStatus: "complete"}},
			}))
			return before + ", " + summary(r.submit(r.plan(r.place(1, 100))))
		}, "-1! refresh, 1:1"},
		{"preemption makes room, of what still runs", func(r *rig) string {
			a, gone := r.place(1, 100), r.place(2, 10)
			r.submit(r.plan(a, gone))
			r.submit(&api.Plan{NodeUpdate: map[string][]*api.Allocation{gone.NodeID: {stop(gone)}}})
			p := r.plan(r.place(1, 100), r.place(2, 10))
			evict := func(a *api.Allocation) *api.Allocation {
				c := *a
				c.DesiredStatus = "evict"
				return &c
			}
			p.NodePreemptions = map[string][]*api.Allocation{a.NodeID: {evict(a)}, gone.NodeID: {evict(gone)}}
			text := summary(r.submit(p))
			for e := range state.Evals.All(r.Store.Snapshot()) {
				if e.TriggeredBy == api.TriggerPreemption {
					text += " eval for " + e.JobID
				}
			}
			return text
		}, "1:1 1:evict1 2:1 eval for j"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, 5, 100)
			defer r.stop()
			if got := c.run(r); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestFinalEvaluationsRideWithTheWholePlan(t *testing.T) {
	r := newRig(t, 2, 100)
	defer r.stop()
	eval := func(id string) *api.Evaluation {
		return &api.Evaluation{ID: id, Namespace: "default", JobID: "j", Type: "service", Status: "complete"}
	}
	has := func(id string) bool { return state.Evals.Get(r.Store.Snapshot(), id) != nil }
	send := func(p *api.Plan, n string) Result {
		return <-r.applier.Submit(&Submission{
			Plan: p, Always: []*api.Evaluation{eval("always-" + n)}, Final: []*api.Evaluation{eval("final-" + n)},
		})
	}
	before := r.Entries()
	if res := send(r.plan(r.place(0, 60)), "1"); !res.Full() || !has("always-1") || !has("final-1") || res.Index == 0 {
		t.Fatalf("full plan: %+v", res)
	}
	if n := r.Entries() - before; n != 1 {
		t.Fatalf("%d raft entries, want one for plan and evaluations", n)
	}
	res := send(r.plan(r.place(0, 60), r.place(1, 60)), "2")
	if res.Full() || !has("always-2") || has("final-2") || res.Plan.RefreshIndex < res.Index {
		t.Fatalf("partial plan: %+v", res)
	}
	if res := send(&api.Plan{}, "3"); !res.Full() || !has("final-3") {
		t.Fatalf("no plan: %+v", res)
	}
}

// TestNeverOverCapacity lets many submitters place, update and stop at random without regard for each
// other, while writes are slow and some fail. No node may ever hold more than it can, and what was
// answered as committed must be in the state.
func TestNeverOverCapacity(t *testing.T) {
	for seed := range uint64(6) {
		synctest.Test(t, func(t *testing.T) { overCapacity(t, seed) })
	}
}

func overCapacity(t *testing.T, seed uint64) {
	const nodes, capacity = 8, 1000
	r := newRig(t, nodes, capacity)
	defer r.stop()
	var fail struct {
		sync.Mutex
		*rand.Rand
	}
	fail.Rand = rand.New(rand.NewPCG(seed, 0))
	r.Intercept(func(cmd []byte) error {
		fail.Lock()
		delay, bad := fail.IntN(5), fail.IntN(10) == 0
		fail.Unlock()
		for range delay {
			sleep()
		}
		if bad {
			return errors.New("refused by the test")
		}
		return nil
	})
	check := func() {
		use := r.Store.Snapshot().Usage()
		for ord := range use.Len() {
			if cpu, _, _, _ := use.Used(ord); cpu > capacity {
				t.Errorf("seed %d: node %s holds %d of %d MHz", seed, use.NodeID(ord), cpu, capacity)
			}
			for p := range use.UsedPorts(ord, fmt.Sprintf("10.0.0.%d", ord)).All {
				if n := use.UsedPorts(ord, fmt.Sprintf("10.0.0.%d", ord)).Count(p); n > 1 {
					t.Errorf("seed %d: port %d is taken %d times", seed, p, n)
				}
			}
		}
	}
	var wg sync.WaitGroup
	for worker := range uint64(6) {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, worker+1))
			var mine []*api.Allocation
			for range 60 {
				var plan *api.Plan
				if len(mine) > 0 && rnd.IntN(4) == 0 {
					a := mine[0]
					mine = mine[1:]
					r.end(a.ID)
					plan = &api.Plan{}
				} else {
					var allocs []*api.Allocation
					for range 1 + rnd.IntN(4) {
						var ports []int
						if rnd.IntN(3) == 0 {
							ports = append(ports, 80+rnd.IntN(5))
						}
						allocs = append(allocs, r.place(rnd.IntN(nodes), int64(1+rnd.IntN(300)), ports...))
					}
					plan = r.plan(allocs...)
					plan.AllAtOnce = rnd.IntN(5) == 0
				}
				res := <-r.applier.Submit(&Submission{Plan: plan})
				if res.Err == nil {
					snap := r.Store.Snapshot()
					for _, placed := range res.Plan.NodeAllocation {
						for _, a := range placed {
							if state.Allocs.Get(snap, a.ID) == nil {
								t.Errorf("seed %d: committed allocation is not stored", seed)
							}
							mine = append(mine, a)
						}
					}
				}
				check()
			}
		})
	}
	wg.Wait()
	if n := len(r.applier.ledger.mu.flying); n != 0 {
		t.Errorf("%d allocations are still in flight at the end", n)
	}
	used := int64(0)
	for ord := range nodes {
		cpu, _, _, _ := r.Store.Snapshot().Usage().Used(ord)
		used += cpu
	}
	if used < nodes*capacity/3 {
		t.Errorf("only %d of %d MHz used: the test exercises nothing", used, nodes*capacity)
	}
}

// end has the client report the allocation as complete.
func (r *rig) end(id string) {
	for {
		_, _, err := r.Apply(r.t.Context(), fsm.AllocsClientUpdate.Encode(&fsm.AllocsClientUpdateRequest{
			Allocs: []*fsm.AllocUpdate{{ID: id, ClientStatus: "complete"}},
		}))
		if err == nil {
			return
		}
	}
}

// TestPlansShareEntries holds the first writes back and checks that what queued meanwhile is written
// together, by priority.
func TestPlansShareEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10, 1000)
		defer r.stop()
		gate := make(chan struct{})
		r.Intercept(func([]byte) error { <-gate; return nil })
		before := r.Entries()
		var results []<-chan Result
		for i := range 50 {
			results = append(results, r.applier.Submit(&Submission{Plan: r.plan(r.place(i%10, 1))}))
			synctest.Wait()
		}
		close(gate)
		for _, c := range results {
			if res := <-c; res.Err != nil || !res.Full() {
				t.Fatalf("%+v", res)
			}
		}
		if n := r.Entries() - before; n != maxWriting+1 {
			t.Fatalf("%d entries for 50 plans, want %d", n, maxWriting+1)
		}
	})
}

func TestStaleTokenIsRefused(t *testing.T) {
	r := newRig(t, 1, 100)
	defer r.stop()
	res := <-r.applier.Submit(&Submission{Plan: r.plan(r.place(0, 1)), Token: "old"})
	if !errors.Is(res.Err, ErrNotOutstanding) {
		t.Fatalf("error %v, want %v", res.Err, ErrNotOutstanding)
	}
	if n := state.Allocs.Len(r.Store.Snapshot()); n != 0 {
		t.Fatal("the plan was applied")
	}
}

func TestPlacementOnALostNodeIsEvaluatedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, 100)
		defer r.stop()
		gate := make(chan struct{})
		r.Intercept(func([]byte) error { <-gate; return nil })
		c := r.applier.Submit(&Submission{Plan: r.plan(r.place(0, 1), r.place(1, 1))})
		synctest.Wait() // checked, and on its way to raft
		r.Intercept(nil)
		node := brokertest.Node(1, 0, 0).ID
		r.Must(t, fsm.NodeStatusUpdate.Encode(&fsm.NodeStatusUpdateRequest{NodeID: node, Status: "down"}))
		close(gate)
		if res := <-c; !res.Full() {
			t.Fatalf("%+v", res)
		}
		synctest.Wait()
		found := 0
		for e := range state.Evals.All(r.Store.Snapshot()) {
			if e.TriggeredBy == api.TriggerNodeUpdate && e.NodeID == node && e.JobID == "j" {
				found++
			}
		}
		if found != 1 {
			t.Fatalf("%d evaluations for the node that went down during the write, want 1", found)
		}
	})
}

func TestShutdownAnswersEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, 100)
		gate := make(chan struct{})
		r.Intercept(func([]byte) error { <-gate; return errors.New("leadership lost") })
		var results []<-chan Result
		for range 5 {
			results = append(results, r.applier.Submit(&Submission{Plan: r.plan(r.place(0, 1))}))
			synctest.Wait()
		}
		go func() { synctest.Wait(); close(gate) }()
		r.stop()
		for _, c := range results {
			if res := <-c; res.Err == nil {
				t.Fatal("plan succeeded after the end")
			}
		}
		if res := <-r.applier.Submit(&Submission{Plan: &api.Plan{}}); !errors.Is(res.Err, errDisabled) {
			t.Fatalf("error %v, want %v", res.Err, errDisabled)
		}
	})
}

func TestNodesThatRefuseTooMuchBecomeIneligible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, 100)
		defer r.stop()
		r.applier.rejected.cfg.Enabled, r.applier.rejected.cfg.Threshold = true, 3
		eligibility := func() string {
			synctest.Wait()
			return state.Nodes.Get(r.Store.Snapshot(), brokertest.Node(0, 0, 0).ID).SchedulingEligibility
		}
		refuse := func() { r.submit(r.plan(r.place(0, 1000))) }
		refuse()
		refuse()
		time.Sleep(6 * time.Minute)
		refuse()
		refuse()
		if eligibility() != api.NodeEligible {
			t.Fatal("ineligible although the first refusals are old")
		}
		refuse()
		if eligibility() != api.NodeIneligible {
			t.Fatal("still eligible after three refusals")
		}
		if state.Nodes.Get(r.Store.Snapshot(), brokertest.Node(1, 0, 0).ID).SchedulingEligibility != api.NodeEligible {
			t.Fatal("the other node became ineligible, too")
		}
	})
}
