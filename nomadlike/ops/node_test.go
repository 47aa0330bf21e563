// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// manual is a node that the test plays itself.
type manual struct {
	c      *cluster
	id     string
	secret string
}

func (c *cluster) manual() *manual { return &manual{c: c, id: api.NewID(), secret: api.NewID()} }

// manualIn registers a node in a pool and reports it as ready.
func (c *cluster) manualIn(pool string) *manual {
	c.t.Helper()
	n := c.manual()
	node := n.describe()
	node.NodePool = pool
	if _, err := n.register(node, n.secret); err != nil {
		c.t.Fatal(err)
	}
	if _, err := n.beat(api.NodeStatusReady); err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (n *manual) describe() *api.Node {
	return &api.Node{
		ID: n.id, Name: "n", Datacenter: "dc1", NodePool: "default", Status: api.NodeStatusReady, HTTPAddr: "10.0.0.1:4646",
		Attributes: map[string]string{"kernel.name": "linux", "driver.mock_driver": "1", "nomad.version": "2.0.6"},
		Drivers:    map[string]*api.DriverInfo{"mock_driver": {Detected: true, Healthy: true}},
		NodeResources: &api.NodeResources{
			Cpu: api.NodeCpuResources{CpuShares: 4000, TotalCpuCores: 4}, Memory: api.NodeMemoryResources{MemoryMB: 4096}, Disk: api.NodeDiskResources{DiskMB: 10000},
			MinDynamicPort: 20000, MaxDynamicPort: 32000,
		},
		ReservedResources: &api.NodeReservedResources{},
	}
}

func (n *manual) register(node *api.Node, secret string) (*api.NodeHeartbeatResponse, error) {
	resp, _, err := api.NodeRegister.Call(n.c.ctx, n.c.caller, &api.NodeRegisterRequest{Node: node, SecretID: secret})
	return resp, err
}

func (n *manual) beat(status string) (*api.NodeHeartbeatResponse, error) {
	resp, _, err := api.NodeHeartbeat.Call(n.c.ctx, n.c.caller, &api.NodeHeartbeatRequest{NodeID: n.id, SecretID: n.secret, Status: status})
	return resp, err
}

func (n *manual) stored() *api.Node { return state.Nodes.Get(n.c.srv.Store().Snapshot(), n.id) }

func messages(n *api.Node) string {
	var out []string
	for _, e := range n.Events {
		out = append(out, e.Message)
	}
	return strings.Join(out, "; ")
}

// TestEndedAllocationsAreEvaluated has a node report allocations that ended: those of a system job, which is not
// rescheduled, wait for another evaluation, or one that cannot start would be replaced without end. A service that ended in
// order and what a client gave up are replaced, too.
func TestEndedAllocationsAreEvaluated(t *testing.T) {
	for _, tc := range []struct {
		kind, status string
		want         int
		runs         int // allocations in the end, 0 where a later evaluation makes them
	}{
		{"service", api.AllocClientFailed, 1, 0},
		{"batch", api.AllocClientFailed, 1, 0},
		{"system", api.AllocClientFailed, 0, 1},
		{"sysbatch", api.AllocClientFailed, 0, 1},
		{"service", api.AllocClientLost, 1, 2},
		{"batch", api.AllocClientLost, 1, 2},
		{"service", api.AllocClientComplete, 1, 2},
		{"batch", api.AllocClientComplete, 0, 1},
		{"sysbatch", api.AllocClientComplete, 0, 1},
	} {
		kind := tc.kind + ", " + tc.status
		c := start(t)
		n := c.manualIn("default")
		j := job("x", 1)
		j["Type"] = tc.kind
		c.register(j)
		var alloc *api.Allocation
		for a := range state.Allocs.By(c.srv.Store().Snapshot(), state.ByJob, "default", "x") {
			alloc = a
		}
		if alloc == nil {
			t.Fatalf("%s: nothing was placed", kind)
		}
		report := &api.Allocation{ID: alloc.ID, NodeID: n.id, ClientStatus: tc.status}
		if _, _, err := api.AllocUpdate.Call(c.ctx, c.caller, &api.AllocUpdateRequest{NodeID: n.id, SecretID: n.secret, Allocs: []*api.Allocation{report}}); err != nil {
			t.Fatal(err)
		}
		got := 0
		for e := range state.Evals.All(c.srv.Store().Snapshot()) {
			if e.TriggeredBy == api.TriggerAllocFailure && e.WaitUntil == nil {
				got++
			}
		}
		if got != tc.want {
			t.Errorf("%s: %d evaluations of the end, want %d", kind, got, tc.want)
		}
		if tc.runs == 0 {
			continue
		}
		c.settle0()
		count := 0
		for range state.Allocs.By(c.srv.Store().Snapshot(), state.ByJob, "default", "x") {
			count++
		}
		if count != tc.runs {
			t.Errorf("%s: %d allocations, want %d", kind, count, tc.runs)
		}
	}
}

// TestWatchOfForgottenNode keeps a client from waiting for allocations as a node that the servers forgot: it has to
// hear of that at once, so that it registers again.
func TestWatchOfForgottenNode(t *testing.T) {
	c := start(t)
	n := c.manual()
	ctx, cancel := context.WithTimeout(c.ctx, 30*time.Second)
	defer cancel()
	req := &api.NodeAllocsRequest{NodeID: n.id, SecretID: n.secret}
	req.MinIndex = 1 << 40
	if _, _, err := api.NodeAllocsWatch.Call(ctx, c.caller, req); !api.IsClass(err, api.ClassNotFound) {
		t.Errorf("a watch as an unknown node gives %v", err)
	}
}

// TestWatchAfterRestore: a client that goes by the state before is told of all allocations at once, whatever its index.
func TestWatchAfterRestore(t *testing.T) {
	c := start(t)
	n := c.manual()
	if _, err := n.register(n.describe(), n.secret); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(c.ctx, 30*time.Second)
	defer cancel()
	watch := func(restored int64, wait time.Duration) *api.NodeAllocsResponse {
		t.Helper()
		req := &api.NodeAllocsRequest{NodeID: n.id, SecretID: n.secret, Restored: restored, Known: 1}
		req.MinIndex, req.MaxWait = 1<<40, wait
		resp, _, err := api.NodeAllocsWatch.Call(ctx, c.caller, req)
		if err != nil {
			t.Error(err)
			return &api.NodeAllocsResponse{}
		}
		return resp
	}
	answer := make(chan *api.NodeAllocsResponse, 1)
	go func() { answer <- watch(1, time.Hour) }()
	if _, _, err := c.srv.Apply(ctx, fsm.ClusterRestored.Encode(&fsm.ClusterRestoredRequest{Time: 7})); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; got.Partial || got.Restored != 7 {
		t.Errorf("answer after a restore: %+v", got)
	}
	if got := watch(7, time.Millisecond); got.Restored != 7 {
		t.Errorf("answer to one who knows of the restore: %+v", got)
	}
	if got := watch(8, time.Hour); got.Partial || got.Restored != 7 {
		t.Errorf("answer to one who goes by servers that are no more: %+v", got)
	}
	if got := watch(0, time.Millisecond); got.Restored != 7 {
		t.Errorf("answer to one who does not ask: %+v", got)
	}
}

func TestNodeLife(t *testing.T) {
	c := start(t)
	n := c.manual()
	for name, edit := range map[string]func(*api.Node){
		"ID":         func(n *api.Node) { n.ID = "short" },
		"name":       func(n *api.Node) { n.Name = "" },
		"datacenter": func(n *api.Node) { n.Datacenter = "" },
		"pool all":   func(n *api.Node) { n.NodePool = api.NodePoolAll },
		"pool":       func(n *api.Node) { n.NodePool = "bad name\x00" },
	} {
		bad := n.describe()
		edit(bad)
		if _, err := n.register(bad, n.secret); !api.IsClass(err, api.ClassInvalid) {
			t.Errorf("registration with a bad %s gives %v", name, err)
		}
	}
	if _, err := n.register(n.describe(), ""); !api.IsClass(err, api.ClassInvalid) {
		t.Errorf("registration without a secret gives %v", err)
	}
	if _, err := n.beat(""); !api.IsClass(err, api.ClassNotFound) {
		t.Errorf("a heartbeat of an unknown node gives %v", err)
	}

	resp, err := n.register(n.describe(), n.secret)
	if err != nil || resp.TTL <= 0 || len(resp.Servers) != 1 {
		t.Fatalf("registered: %+v %v", resp, err)
	}
	if s := n.stored(); s.SchedulingEligibility != api.NodeEligible || s.ComputedClass == "" || s.SecretID != n.secret || messages(s) != "Node registered" || s.Events[0].Timestamp == nil {
		t.Errorf("stored %+v", s)
	}
	// Another secret cannot take the node over.
	if _, err := n.register(n.describe(), api.NewID()); !api.IsClass(err, api.ClassDenied) {
		t.Errorf("registration with another secret gives %v", err)
	}
	thief := &manual{c: c, id: n.id, secret: api.NewID()}
	if _, err := thief.beat(api.NodeStatusReady); !api.IsClass(err, api.ClassDenied) {
		t.Errorf("a heartbeat with another secret gives %v", err)
	}
	// What servers decided survives a new fingerprint, and events do not multiply.
	c.put("/v1/node/"+n.id+"/eligibility", object{"Eligibility": "ineligible"}, nil)
	again := n.describe()
	again.SchedulingEligibility = api.NodeEligible
	again.Attributes["new"] = "1"
	for range 3 {
		if _, err := n.register(again, n.secret); err != nil {
			t.Fatal(err)
		}
	}
	if s := n.stored(); s.SchedulingEligibility != api.NodeIneligible || s.Attributes["new"] != "1" || messages(s) != "Node registered; Node marked as ineligible for scheduling" {
		t.Errorf("stored %s, events %s", s.SchedulingEligibility, messages(s))
	}
	if _, err := n.beat("nonsense"); !api.IsClass(err, api.ClassInvalid) {
		t.Errorf("a heartbeat with a bad status gives %v", err)
	}
	before := c.srv.Store().Snapshot().Index()
	if r, err := n.beat(api.NodeStatusReady); err != nil || r.TTL <= 0 || c.srv.Store().Snapshot().Index() != before {
		t.Errorf("a plain heartbeat: %+v %v, wrote %v", r, err, c.srv.Store().Snapshot().Index() != before)
	}
	if _, err := n.beat(api.NodeStatusDown); err != nil {
		t.Fatal(err)
	}
	if s := n.stored(); s.Status != api.NodeStatusDown {
		t.Errorf("status is %s", s.Status)
	}
	if _, err := n.beat(api.NodeStatusReady); err != nil {
		t.Fatal(err)
	}
	if s := n.stored(); s.Status != api.NodeStatusReady || !strings.HasSuffix(messages(s), "Node reregistered by heartbeat") {
		t.Errorf("status is %s, events %s", s.Status, messages(s))
	}
	// The secret is never shown.
	if a := c.do("GET", "/v1/node/"+n.id, ""); strings.Contains(a.body, n.secret) {
		t.Error("the node's secret is in the answer")
	}
	var purged api.NodeUpdateResponse
	decode(t, c.do("PUT", "/v1/node/"+n.id+"/purge", ""), &purged)
	if n.stored() != nil || purged.NodeModifyIndex == 0 {
		t.Errorf("purged: %+v", purged)
	}
}

// TestNodeIsBack: a node that was down takes allocations again once it has told of those it has.
func TestNodeIsBack(t *testing.T) {
	c := start(t)
	n := c.manual()
	if _, err := n.register(n.describe(), n.secret); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.srv.Apply(c.ctx, fsm.NodeStatusUpdate.Encode(&fsm.NodeStatusUpdateRequest{
		NodeID: n.id, Status: api.NodeStatusDown, MissedHeartbeat: true,
	})); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{api.NodeStatusInit, api.NodeStatusReady} {
		if r, err := n.beat(api.NodeStatusReady); err != nil || r.Status != want || n.stored().Status != want {
			t.Fatalf("the heartbeat answers %+v %v, want status %s", r, err, want)
		}
		if _, _, err := api.AllocUpdate.Call(c.ctx, c.caller, &api.AllocUpdateRequest{NodeID: n.id, SecretID: n.secret}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNodeBecomesAnother: a system job comes to a node that begins to suit it, and stays when it does no more.
func TestNodeBecomesAnother(t *testing.T) {
	c := start(t)
	n := c.manual()
	if _, err := n.register(n.describe(), n.secret); err != nil {
		t.Fatal(err)
	}
	j := job("sys", 1)
	j["Type"], j["Constraints"] = "system", []any{object{"LTarget": "${meta.tag}", "RTarget": "bar", "Operand": "="}}
	if ev := c.done(c.register(j).EvalID); len(ev.FailedTGAllocs) != 1 || ev.BlockedEval != "" {
		t.Fatalf("the evaluation of a job that no node suits is %+v", ev)
	}
	for _, tag := range []string{"bar", "baz"} {
		again := n.describe()
		again.Meta = map[string]string{"tag": tag}
		resp, err := n.register(again, n.secret)
		if err != nil || len(resp.EvalIDs) != 1 {
			t.Fatalf("a node with another meta gives %+v %v", resp, err)
		}
		if ev := c.done(resp.EvalIDs[0]); len(ev.FailedTGAllocs) != 0 {
			t.Errorf("with tag %s the evaluation is %+v", tag, ev)
		}
		live := 0
		for a := range state.Allocs.By(c.srv.Store().Snapshot(), state.ByNode, n.id) {
			if a.DesiredStatus == api.AllocDesiredRun {
				live++
			}
		}
		if live != 1 {
			t.Errorf("with tag %s the node has %d allocations", tag, live)
		}
		if resp, err := n.register(again, n.secret); err != nil || len(resp.EvalIDs) != 0 {
			t.Errorf("a node that is the same gives %+v %v", resp, err)
		}
	}
}

// TestNodeEvals: what becomes of a node's jobs when it goes and comes.
func TestNodeEvals(t *testing.T) {
	c := start(t)
	n := c.manual()
	if _, err := n.register(n.describe(), n.secret); err != nil {
		t.Fatal(err)
	}
	reg := c.register(job("web", 1))
	if ev := c.done(reg.EvalID); len(ev.FailedTGAllocs) != 0 {
		t.Fatalf("not placed: %+v", ev.FailedTGAllocs)
	}
	resp, err := n.beat(api.NodeStatusDown)
	if err != nil || len(resp.EvalIDs) != 1 {
		t.Fatalf("a node that goes down with one job gives %+v %v", resp, err)
	}
	if ev := c.done(resp.EvalIDs[0]); ev.TriggeredBy != api.TriggerNodeUpdate || ev.JobID != "web" {
		t.Errorf("evaluation is %+v", ev)
	}
	c.until("the allocation is lost", func(tx *state.Tx) bool {
		for a := range state.Allocs.By(tx, state.ByNode, n.id) {
			return a.ClientStatus == api.AllocClientLost
		}
		return false
	})
	// Ineligible nodes get nothing, eligible ones get what waits.
	if _, err := n.beat(api.NodeStatusReady); err != nil {
		t.Fatal(err)
	}
	c.until("the job is placed again", func(tx *state.Tx) bool {
		live := 0
		for a := range state.Allocs.By(tx, state.ByNode, n.id) {
			if !a.TerminalStatus() {
				live++
			}
		}
		return live == 1
	})
	var elig api.NodeEligibilityResponse
	c.put("/v1/node/"+n.id+"/eligibility", object{"Eligibility": "ineligible"}, &elig)
	blocked := c.register(job("other", 1))
	if ev := c.done(blocked.EvalID); ev.BlockedEval == "" {
		t.Errorf("a job without an eligible node is not blocked: %+v", ev)
	}
	c.put("/v1/node/"+n.id+"/eligibility", object{"Eligibility": "eligible"}, &elig)
	c.until("the waiting job is placed", func(tx *state.Tx) bool {
		for range state.Allocs.By(tx, state.ByJob, "default", "other") {
			return true
		}
		return false
	})
}

// TestAllocUpdates: reports of many tasks become few log entries, reports of strangers none.
func TestAllocUpdates(t *testing.T) {
	c := start(t)
	n := c.manual()
	if _, err := n.register(n.describe(), n.secret); err != nil {
		t.Fatal(err)
	}
	const jobs = 20
	for i := range jobs {
		c.register(job(fmt.Sprintf("j%d", i), 1))
	}
	var allocs []*api.Allocation
	for a := range state.Allocs.By(c.srv.Store().Snapshot(), state.ByNode, n.id) {
		allocs = append(allocs, a)
	}
	if len(allocs) != jobs {
		t.Fatalf("%d allocations, want %d", len(allocs), jobs)
	}
	report := func(secret, nodeID string, a *api.Allocation, status string) error {
		_, _, err := api.AllocUpdate.Call(c.ctx, c.caller, &api.AllocUpdateRequest{
			NodeID: nodeID, SecretID: secret, Allocs: []*api.Allocation{{ID: a.ID, ClientStatus: status}},
		})
		return err
	}
	c.settle0()
	before := c.srv.Store().Snapshot().Index()
	var wg sync.WaitGroup
	for _, a := range allocs {
		wg.Go(func() {
			if err := report(n.secret, n.id, a, api.AllocClientRunning); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	snap := c.srv.Store().Snapshot()
	for _, a := range allocs {
		if got := state.Allocs.Get(snap, a.ID); got.ClientStatus != api.AllocClientRunning {
			t.Errorf("allocation %s is %s after its report returned", a.ID, got.ClientStatus)
		}
	}
	if writes := snap.Index() - before; writes >= jobs {
		t.Errorf("%d reports made %d log entries", jobs, writes)
	}

	if err := report(api.NewID(), n.id, allocs[0], api.AllocClientFailed); !api.IsClass(err, api.ClassDenied) {
		t.Errorf("a report with another secret gives %v", err)
	}
	other := c.manual()
	if _, err := other.register(other.describe(), other.secret); err != nil {
		t.Fatal(err)
	}
	if err := report(other.secret, other.id, allocs[0], api.AllocClientFailed); err != nil {
		t.Errorf("a report about a foreign allocation gives %v", err)
	}
	if got := state.Allocs.Get(c.srv.Store().Snapshot(), allocs[0].ID); got.ClientStatus != api.AllocClientRunning {
		t.Errorf("a foreign node set the status %s", got.ClientStatus)
	}
	if err := report(n.secret, n.id, &api.Allocation{ID: api.NewID()}, api.AllocClientFailed); err != nil {
		t.Errorf("a report about a collected allocation gives %v", err)
	}

	// A failure makes one evaluation of its job.
	if err := report(n.secret, n.id, allocs[0], api.AllocClientFailed); err != nil {
		t.Fatal(err)
	}
	found := 0
	for v := range state.Evals.By(c.srv.Store().Snapshot(), state.ByJob, "default", allocs[0].JobID) {
		if v.TriggeredBy == api.TriggerAllocFailure && v.WaitUntil == nil { // else a follow-up of the scheduler
			found++
		}
	}
	if found != 1 {
		t.Errorf("a failure made %d evaluations, want 1", found)
	}
}

// settle0 waits until no evaluation is under way.
func (c *cluster) settle0() {
	c.t.Helper()
	c.until("evaluations end", func(tx *state.Tx) bool {
		for v := range state.Evals.All(tx) {
			if !v.TerminalStatus() && v.Status != api.EvalStatusBlocked {
				return false
			}
		}
		return true
	})
}

func TestAllocStop(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.register(job("web", 1))
	a := c.running("web", 1)[0]
	var resp api.AllocStopResponse
	decode(t, c.do("PUT", "/v1/allocation/"+a.ID+"/stop", ""), &resp)
	if ev := c.done(resp.EvalID); ev.TriggeredBy != api.TriggerAllocStop || resp.Index == 0 {
		t.Errorf("stopped: %+v, %+v", resp, ev)
	}
	b := c.running("web", 1)[0]
	if b.ID == a.ID || b.PreviousAllocation != a.ID {
		t.Errorf("replaced by %s, previous %q, want a new one after %s", b.ID, b.PreviousAllocation, a.ID)
	}
	decode(t, c.do("PUT", "/v1/allocation/"+b.ID+"/stop?no_shutdown_delay=true", ""), &resp)
	c.done(resp.EvalID)
	if got := state.Allocs.Get(c.srv.Store().Snapshot(), b.ID); got.DesiredTransition.NoShutdownDelay == nil || !*got.DesiredTransition.NoShutdownDelay {
		t.Errorf("transition is %+v", got.DesiredTransition)
	}
	d := c.running("web", 1)[0]
	decode(t, c.do("PUT", "/v1/allocation/"+d.ID+"/stop?reschedule=true", ""), &resp)
	if ev := c.done(resp.EvalID); ev.TriggeredBy != api.TriggerAllocReschedule {
		t.Errorf("to be rescheduled: %+v", ev)
	}
	if e := c.running("web", 1)[0]; e.ID == d.ID || e.PreviousAllocation != d.ID {
		t.Errorf("replaced by %s, previous %q, want a new one after %s", e.ID, e.PreviousAllocation, d.ID)
	}

	// A sysbatch job runs once on each node, so that one that is stopped is replaced on demand only.
	j := job("once", 1)
	j["Type"] = api.JobTypeSysBatch
	c.register(j)
	f := c.running("once", 1)[0]
	decode(t, c.do("PUT", "/v1/allocation/"+f.ID+"/stop", ""), &resp)
	c.done(resp.EvalID)
	for a := range state.Allocs.By(c.srv.Store().Snapshot(), state.ByJob, "default", "once") {
		if !a.ServerTerminalStatus() {
			t.Errorf("%s follows a sysbatch allocation that was stopped", a.ID)
		}
	}
}
