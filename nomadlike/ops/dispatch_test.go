// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/internal/rpc"
	"github.com/nomadlike/nomadlike/nomadlike/ops"
)

// fakeServer is what a dispatcher sees of its server.
type fakeServer struct {
	mu      sync.Mutex
	leader  string
	self    bool
	contact time.Duration
	regions map[string][]string
	peers   []string
	nodeOf  map[string]string
	nodes   map[string]bool
	// servers are addresses by name, "self" for the server itself.
	servers map[string]string
}

func (f *fakeServer) Leader() (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.leader, f.self
}

func (f *fakeServer) elect(leader string, self bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leader, f.self = leader, self
}

func (f *fakeServer) LastContact() time.Duration           { return f.contact }
func (f *fakeServer) RegionServers(region string) []string { return f.regions[region] }
func (f *fakeServer) NodeOf(allocID string) string         { return f.nodeOf[allocID] }
func (f *fakeServer) NodeKnown(nodeID string) bool         { return f.nodes[nodeID] }
func (f *fakeServer) Peers() []string                      { return f.peers }

func (f *fakeServer) FindServer(name string) (string, bool) {
	return f.servers[name], f.servers[name] == "self"
}

// who returns a set whose reads and writes answer with a name.
func who(name string) *opset.Set {
	set := opset.New()
	opset.Handle(set, api.JobGet, func(_ context.Context, r *api.JobRequest) (*api.Job, error) {
		return &api.Job{ID: r.JobID, Name: name, Region: r.Region}, nil
	})
	opset.Handle(set, api.JobDeregister, func(_ context.Context, _ *api.JobDeregisterRequest) (*api.JobDeregisterResponse, error) {
		return &api.JobDeregisterResponse{EvalID: name}, nil
	})
	opset.Handle(set, api.NamespaceApply, func(_ context.Context, r *api.NamespaceApplyRequest) (api.Empty, error) {
		r.Object.Description = name
		return api.Empty{}, api.Errorf(api.ClassConflict, "%s was asked for region %q", name, r.Region)
	})
	opset.Handle(set, api.StatusLeader, func(context.Context, *api.AgentRequest) (string, error) { return name, nil })
	opset.Handle(set, api.FSStat, func(_ context.Context, r *api.FSRequest) (*api.AllocFileInfo, error) {
		return &api.AllocFileInfo{Name: name}, nil
	})
	opset.Handle(set, api.ClientStats, func(context.Context, *api.ClientRequest) (*api.HostStats, error) {
		return &api.HostStats{Uptime: uint64(len(name))}, nil
	})
	opset.HandleStream(set, api.FSCat, func(_ context.Context, _ *api.FSRequest, s api.Stream) error {
		return s.Send(&api.StreamFrame{Data: []byte(name)})
	})
	return set
}

// agent is a dispatcher that answers RPC at an address.
func agent(t *testing.T, cfg ops.Config) (*ops.Dispatcher, string) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pool := rpc.NewPool()
	t.Cleanup(pool.Close)
	cfg.Pool = pool
	d := ops.NewDispatcher(cfg)
	srv := rpc.NewServer(lis, rpc.ServerConfig{Caller: d, Nodes: cfg.Nodes})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return d, lis.Addr().String()
}

func jobRead(name string) *api.JobRequest { return &api.JobRequest{JobID: name} }

func TestForwarding(t *testing.T) {
	boss := &fakeServer{self: true}
	_, lead := agent(t, ops.Config{Region: "global", Server: boss, ServerOps: who("leader")})
	boss.elect(lead, true)
	_, far := agent(t, ops.Config{Region: "mars", Server: &fakeServer{leader: "x", self: true}, ServerOps: who("mars")})
	side := &fakeServer{leader: lead, contact: 7 * time.Millisecond, regions: map[string][]string{"mars": {"127.0.0.1:1", far}}}
	follower, second := agent(t, ops.Config{Region: "global", Server: side, ServerOps: who("follower")})
	ctx := t.Context()

	j, meta, err := api.JobGet.Call(ctx, follower, jobRead("a"))
	if err != nil || j.Name != "leader" || !meta.KnownLeader || meta.LastContact != 0 {
		t.Errorf("a read went to %+v %+v %v, want the leader", j, meta, err)
	}
	stale := jobRead("a")
	stale.AllowStale = true
	j, meta, err = api.JobGet.Call(ctx, follower, stale)
	if err != nil || j.Name != "follower" || !meta.KnownLeader || meta.LastContact != 7*time.Millisecond {
		t.Errorf("a stale read went to %+v %+v %v", j, meta, err)
	}
	w, _, err := api.JobDeregister.Call(ctx, follower, &api.JobDeregisterRequest{JobID: "a"})
	if err != nil || w.EvalID != "leader" {
		t.Errorf("a write went to %+v %v, want the leader", w, err)
	}
	if name, _, err := api.StatusLeader.Call(ctx, follower, &api.AgentRequest{}); err != nil || name != "follower" {
		t.Errorf("what tells of the server went to %q %v, want the server that was asked", name, err)
	}

	// An agent without a server asks any server, which passes writes on.
	plain := ops.NewDispatcher(ops.Config{Region: "global", Servers: rpc.NewServers(poolOf(t), []string{second})})
	if w, _, err := api.JobDeregister.Call(ctx, plain, &api.JobDeregisterRequest{JobID: "a"}); err != nil || w.EvalID != "leader" {
		t.Errorf("a client agent's write went to %+v %v, want the leader", w, err)
	}

	// Regions: by the request, and for a job that is registered by the job.
	there := jobRead("a")
	there.Region = "mars"
	if j, _, err := api.JobGet.Call(ctx, follower, there); err != nil || j.Name != "mars" {
		t.Errorf("a read of another region went to %+v %v", j, err)
	}
	there = jobRead("a")
	there.Region = "mars"
	if j, _, err := api.JobGet.Call(ctx, plain, there); err != nil || j.Name != "mars" {
		t.Errorf("a client agent's read of another region went to %+v %v", j, err)
	}
	nowhere := jobRead("a")
	nowhere.Region = "pluto"
	if _, _, err := api.JobGet.Call(ctx, follower, nowhere); err == nil || err.Error() != "No path to region" || api.AsError(err).HTTPCode() != 500 {
		t.Errorf("an unknown region gives %v", err)
	}
	_, _, err = api.JobRegister.Call(ctx, follower, &api.JobRegisterRequest{Job: &api.Job{ID: "a", Region: "pluto"}})
	if err == nil || err.Error() != "No path to region" {
		t.Errorf("a job of an unknown region gives %v", err)
	}
	_, _, err = api.JobRegister.Call(ctx, follower, &api.JobRegisterRequest{Job: &api.Job{ID: "a", Region: "global"}})
	if !api.IsClass(err, api.ClassUnsupported) { // the fake leader has no such handler: it arrived
		t.Errorf("a job of the default region gives %v", err)
	}
}

// leaver is a server that loses its leader, and ever more contact with it, when it is asked.
type leaver struct {
	*fakeServer
	asked time.Duration
}

func (l *leaver) LastContact() time.Duration {
	l.elect("", false)
	l.asked += time.Second
	return l.asked
}

// TestContactAfterWait: a read that has waited tells how the server stands with the leader then.
func TestContactAfterWait(t *testing.T) {
	c := start(t)
	for _, want := range []struct {
		index   uint64
		known   bool
		contact time.Duration
	}{{0, true, time.Second}, {1 << 60, false, 2 * time.Second}} {
		d := ops.NewDispatcher(ops.Config{Region: "global", Server: &leaver{fakeServer: &fakeServer{leader: "x"}}, ServerOps: c.env.Handlers()})
		req := jobRead("web")
		req.AllowStale, req.MinIndex, req.MaxWait = true, want.index, time.Millisecond
		_, meta, err := api.JobGet.Call(t.Context(), d, req)
		if !api.IsClass(err, api.ClassNotFound) || meta.KnownLeader != want.known || meta.LastContact != want.contact {
			t.Errorf("at index %d: leader known %v, contact %s, %v", want.index, meta.KnownLeader, meta.LastContact, err)
		}
	}
}

// TestUnknownOutcome: a leader that is lost in the middle of a write is not asked once more, nor is the next one; for
// a read and for a job that is registered whatever is there, they are.
func TestUnknownOutcome(t *testing.T) {
	var reads, writes, registers int
	set := opset.New()
	lost := func(n *int) error {
		if *n++; *n == 1 {
			return api.Errorf(api.ClassUnknown, "leadership was lost")
		}
		return nil
	}
	opset.Handle(set, api.JobGet, func(context.Context, *api.JobRequest) (*api.Job, error) { return &api.Job{}, lost(&reads) })
	opset.Handle(set, api.JobDeregister, func(context.Context, *api.JobDeregisterRequest) (*api.JobDeregisterResponse, error) {
		return &api.JobDeregisterResponse{}, lost(&writes)
	})
	opset.Handle(set, api.JobRegister, func(context.Context, *api.JobRegisterRequest) (*api.JobRegisterResponse, error) {
		return &api.JobRegisterResponse{}, lost(&registers)
	})
	boss := &fakeServer{self: true}
	_, lead := agent(t, ops.Config{Region: "global", Server: boss, ServerOps: set})
	boss.elect(lead, true)
	follower, _ := agent(t, ops.Config{Region: "global", Server: &fakeServer{leader: lead}, ServerOps: opset.New()})

	if _, _, err := api.JobGet.Call(t.Context(), follower, jobRead("a")); err != nil || reads != 2 {
		t.Errorf("a read was tried %d times: %v", reads, err)
	}
	_, _, err := api.JobDeregister.Call(t.Context(), follower, &api.JobDeregisterRequest{JobID: "a"})
	if !api.IsClass(err, api.ClassUnknown) || api.AsError(err).HTTPCode() != 500 || writes != 1 {
		t.Errorf("a write was tried %d times: %v", writes, err)
	}
	job := &api.Job{ID: "a"}
	if _, _, err := api.JobRegister.Call(t.Context(), follower, &api.JobRegisterRequest{Job: job}); err != nil || registers != 2 {
		t.Errorf("a registration was tried %d times: %v", registers, err)
	}
	registers = 0
	_, _, err = api.JobRegister.Call(t.Context(), follower, &api.JobRegisterRequest{Job: job, EnforceIndex: true, JobModifyIndex: 3})
	if !api.IsClass(err, api.ClassUnknown) || registers != 1 {
		t.Errorf("a registration of a certain version was tried %d times: %v", registers, err)
	}
}

func poolOf(t *testing.T) *rpc.Pool {
	p := rpc.NewPool()
	t.Cleanup(p.Close)
	return p
}

// TestNoLeader: a call waits a bounded time for a leader, in virtual time.
func TestNoLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		side := &fakeServer{contact: time.Hour}
		d := ops.NewDispatcher(ops.Config{Region: "global", Server: side, ServerOps: who("me"), Pool: rpc.NewPool()})
		began := time.Now()
		_, _, err := api.JobGet.Call(t.Context(), d, jobRead("a"))
		if err == nil || err.Error() != "No cluster leader" || api.AsError(err).HTTPCode() != 500 {
			t.Errorf("without a leader: %v", err)
		}
		if waited := time.Since(began); waited < time.Second || waited > 30*time.Second {
			t.Errorf("waited %s for a leader", waited)
		}
		stale := jobRead("a")
		stale.AllowStale = true
		j, meta, err := api.JobGet.Call(t.Context(), d, stale)
		if err != nil || j.Name != "me" || meta.KnownLeader || meta.LastContact != time.Hour {
			t.Errorf("a stale read without a leader: %+v %+v %v", j, meta, err)
		}
		if _, _, err := api.StatusLeader.Call(t.Context(), d, &api.AgentRequest{}); err != nil {
			t.Errorf("the status without a leader: %v", err)
		}

		// A leader that turns up in time gets the call.
		time.AfterFunc(2*time.Second, func() { side.elect("127.0.0.1:1", true) })
		if w, _, err := api.JobDeregister.Call(t.Context(), d, &api.JobDeregisterRequest{JobID: "a"}); err != nil || w.EvalID != "me" {
			t.Errorf("a write during an election: %+v %v", w, err)
		}

		// The caller may go earlier.
		side.elect("", false)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := api.JobGet.Call(ctx, d, jobRead("a")); !api.IsClass(err, api.ClassTimeout) {
			t.Errorf("a caller that left got %v", err)
		}
	})
}

// TestForwardedOnce: a call that was forwarded to a server that leads no more is not forwarded again.
func TestForwardedOnce(t *testing.T) {
	d := ops.NewDispatcher(ops.Config{
		Region: "global", Server: &fakeServer{leader: "127.0.0.1:1"}, ServerOps: who("me"), Pool: poolOf(t),
	})
	r := jobRead("a")
	r.Forwarded = true
	if _, _, err := api.JobGet.Call(t.Context(), d, r); !api.IsClass(err, api.ClassNoLeader) {
		t.Errorf("a forwarded call on a follower gives %v", err)
	}
}

// fakeClient is a client in the same process.
type fakeClient struct {
	id     string
	allocs map[string]bool
	set    *opset.Set
}

func (f *fakeClient) NodeID() string          { return f.id }
func (f *fakeClient) HasAlloc(id string) bool { return f.allocs[id] }
func (f *fakeClient) Handlers() *opset.Set    { return f.set }

const (
	hereAlloc = "11111111-1111-1111-1111-111111111111"
	farAlloc  = "22222222-2222-2222-2222-222222222222"
	lostAlloc = "33333333-3333-3333-3333-333333333333"
	noAlloc   = "44444444-4444-4444-4444-444444444444"
	farNode   = "55555555-5555-5555-5555-555555555555"
	lostNode  = "66666666-6666-6666-6666-666666666666"
	farSecret = "77777777-7777-7777-7777-777777777777"
)

func TestNodeHop(t *testing.T) {
	ctx := t.Context()
	nodes := rpc.NewNodeConns(func(string, string) error { return nil })
	known := &fakeServer{
		leader: "x", self: true,
		nodeOf: map[string]string{farAlloc: farNode, lostAlloc: lostNode},
		nodes:  map[string]bool{farNode: true, lostNode: true},
	}
	// The node is connected with the other server only.
	_, other := agent(t, ops.Config{Region: "global", Server: known, ServerOps: who("other"), Nodes: nodes})
	client := ops.NewDispatcher(ops.Config{
		Region: "global", Client: &fakeClient{id: farNode, allocs: map[string]bool{farAlloc: true}, set: who("far")},
		Servers: rpc.NewServers(poolOf(t), []string{other}),
	})
	nctx, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() { left <- rpc.ServeNode(nctx, other, farNode, farSecret, rpc.Timing{}, client) }()
	t.Cleanup(func() { leave(); <-left })
	for {
		if _, ok := nodes.Caller(farNode); ok {
			break
		}
		select {
		case err := <-left:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
	// Of the peers one is gone, and one runs but the node is not connected with it.
	_, without := agent(t, ops.Config{Region: "global", Server: known, ServerOps: who("without"), Nodes: rpc.NewNodeConns(func(string, string) error { return nil })})
	mine := &fakeServer{leader: "x", self: true, nodeOf: known.nodeOf, nodes: known.nodes, peers: []string{"127.0.0.1:1", without, other}}
	here, _ := agent(t, ops.Config{
		Region: "global", Server: mine, ServerOps: who("here"), Nodes: rpc.NewNodeConns(func(string, string) error { return nil }),
		Client: &fakeClient{id: "me", allocs: map[string]bool{hereAlloc: true}, set: who("here")},
	})
	stat := func(c api.Caller, id string) (string, error) {
		info, _, err := api.FSStat.Call(ctx, c, &api.FSRequest{AllocID: id})
		if err != nil {
			return "", err
		}
		return info.Name, nil
	}
	for _, c := range []struct {
		name   string
		caller api.Caller
		id     string
		want   string
		err    string
		code   int
	}{
		{"own client", here, hereAlloc, "here", "", 0},
		{"through a peer", here, farAlloc, "far", "", 0},
		{"client agent, own allocation", client, farAlloc, "far", "", 0},
		{"node not connected", here, lostAlloc, "", "No path to node.", 404},
		{"unknown allocation", here, noAlloc, "", `Unknown allocation "` + noAlloc + `"`, 404},
		{"client agent, unknown allocation", client, noAlloc, "", `Unknown allocation "` + noAlloc + `"`, 404},
		{"client agent, lost node", client, lostAlloc, "", "No path to node.", 404},
		{"no ID", here, "zzz", "", "alloc lookup failed: index error: UUID must be 36 characters", 500},
	} {
		got, err := stat(c.caller, c.id)
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%s: %q %v, want %q", c.name, got, err, c.want)
		case c.err != "" && (err == nil || !strings.HasPrefix(err.Error(), c.err) || api.AsError(err).HTTPCode() != c.code):
			t.Errorf("%s: %v, want %d %s", c.name, err, c.code, c.err)
		}
	}
	if s, _, err := api.ClientStats.Call(ctx, here, &api.ClientRequest{NodeID: farNode}); err != nil || s.Uptime != 3 {
		t.Errorf("a node by its ID: %+v %v", s, err)
	}
	if s, _, err := api.ClientStats.Call(ctx, here, &api.ClientRequest{}); err != nil || s.Uptime != 4 {
		t.Errorf("the own node: %+v %v", s, err)
	}
	stream, err := api.FSCat.Open(ctx, here, &api.FSRequest{AllocID: farAlloc})
	if err != nil {
		t.Fatal(err)
	}
	var f api.StreamFrame
	if err := stream.Recv(&f); err != nil || string(f.Data) != "far" {
		t.Errorf("a stream of a far node: %q %v", f.Data, err)
	}
	if err := stream.Recv(&f); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v", err)
	}
}

func TestPanics(t *testing.T) {
	set := opset.New()
	opset.Handle(set, api.JobGet, func(_ context.Context, r *api.JobRequest) (*api.Job, error) {
		if r.JobID == "bad" {
			panic("boom with a secret")
		}
		return &api.Job{}, nil
	})
	opset.HandleStream(set, api.EventStream, func(context.Context, *api.EventStreamRequest, api.Stream) error { panic("boom") })
	d := ops.NewDispatcher(ops.Config{Region: "global", Server: &fakeServer{leader: "x", self: true}, ServerOps: set})
	_, _, err := api.JobGet.Call(t.Context(), d, jobRead("bad"))
	if !api.IsClass(err, api.ClassInternal) || api.AsError(err).HTTPCode() != 500 || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "Job.Get") {
		t.Errorf("a panic gives %v", err)
	}
	if _, _, err := api.JobGet.Call(t.Context(), d, jobRead("good")); err != nil {
		t.Errorf("after a panic: %v", err)
	}
	s, err := api.EventStream.Open(t.Context(), d, &api.EventStreamRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var b api.EventBatch
	if err := s.Recv(&b); !api.IsClass(err, api.ClassInternal) {
		t.Errorf("a stream's panic gives %v", err)
	}
	if _, _, err := api.JobSummaryGet.Call(t.Context(), d, jobRead("x")); !api.IsClass(err, api.ClassUnsupported) {
		t.Errorf("an operation without handler gives %v", err)
	}
}

// denyAll refuses everybody.
type denyAll struct{ asked []string }

func (a *denyAll) Authorise(_ context.Context, op *api.OpInfo, _ api.Request) error {
	a.asked = append(a.asked, op.Name)
	return api.Errorf(api.ClassDenied, "Permission denied")
}

func TestAuthorisation(t *testing.T) {
	auth := &denyAll{}
	d := ops.NewDispatcher(ops.Config{Region: "global", Server: &fakeServer{leader: "x", self: true}, ServerOps: who("me"), Auth: auth})
	if _, _, err := api.JobGet.Call(t.Context(), d, jobRead("a")); !api.IsClass(err, api.ClassDenied) {
		t.Errorf("a read gives %v", err)
	}
	if _, _, err := api.JobDeregister.Call(t.Context(), d, &api.JobDeregisterRequest{}); !api.IsClass(err, api.ClassDenied) {
		t.Errorf("a write gives %v", err)
	}
	if len(auth.asked) != 2 || auth.asked[0] != "Job.Get" {
		t.Errorf("asked for %q", auth.asked)
	}
}

// TestAuthoritativeRegion: what all regions share is written by the leader of one region, whichever was asked.
func TestAuthoritativeRegion(t *testing.T) {
	earth := &fakeServer{self: true}
	_, lead := agent(t, ops.Config{Region: "earth", Authoritative: "earth", Server: earth, ServerOps: who("earth")})
	earth.elect(lead, true)
	_, second := agent(t, ops.Config{Region: "earth", Authoritative: "earth", Server: &fakeServer{leader: lead}, ServerOps: who("second")})
	mars := &fakeServer{self: true, leader: "x", regions: map[string][]string{"earth": {second}}}
	far, farAddr := agent(t, ops.Config{Region: "mars", Authoritative: "earth", Server: mars, ServerOps: who("mars")})
	apply := func(d *ops.Dispatcher, region string) string {
		r := &api.NamespaceApplyRequest{Object: &api.Namespace{Name: "n"}}
		r.Region = region
		_, _, err := api.NamespaceApply.Call(t.Context(), d, r)
		return err.Error()
	}
	for _, region := range []string{"", "mars", "earth"} {
		if got := apply(far, region); got != `earth was asked for region "earth"` {
			t.Errorf("in region %q: %s", region, got)
		}
	}
	if got := apply(far, "pluto"); got != "No path to region" {
		t.Errorf("in an unknown region: %s", got)
	}
	// Regions that name each other would pass a request in circles.
	venus := &fakeServer{self: true, leader: "x", regions: map[string][]string{"mars": {farAddr}}}
	confused, _ := agent(t, ops.Config{Region: "venus", Authoritative: "mars", Server: venus, ServerOps: who("venus")})
	if got := apply(confused, ""); !strings.Contains(got, `region "mars" was asked as the authoritative region, but its servers name "earth"`) {
		t.Errorf("regions that disagree: %s", got)
	}
}

// named returns local operations that say whose they are.
func named(name string) *opset.Set {
	set := opset.New()
	opset.Handle(set, api.AgentHost, func(context.Context, *api.AgentTargetRequest) (*api.AgentHostResponse, error) {
		return &api.AgentHostResponse{AgentID: name}, nil
	})
	return set
}

// TestAgentHop asks agents by name, from a server and from a client's agent.
func TestAgentHop(t *testing.T) {
	nodes := rpc.NewNodeConns(func(string, string) error { return nil })
	first := &fakeServer{leader: "x", self: true, nodes: map[string]bool{farNode: true, lostNode: true}, servers: map[string]string{"one": "self"}}
	_, one := agent(t, ops.Config{Region: "global", Server: first, Local: named("one"), Nodes: nodes})
	second := &fakeServer{leader: one, nodes: first.nodes, servers: map[string]string{"two": "self", "one": one, "gone": "127.0.0.1:1"}, peers: []string{one}}
	two, addr := agent(t, ops.Config{Region: "global", Server: second, Local: named("two"), Nodes: rpc.NewNodeConns(func(string, string) error { return nil })})
	client := ops.NewDispatcher(ops.Config{
		Region: "global", Client: &fakeClient{id: farNode, set: opset.New()}, Local: named("far"), Servers: rpc.NewServers(poolOf(t), []string{addr}),
	})
	nctx, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() { left <- rpc.ServeNode(nctx, one, farNode, farSecret, rpc.Timing{}, client) }()
	t.Cleanup(func() { leave(); <-left })
	for {
		if _, ok := nodes.Caller(farNode); ok {
			break
		}
		select {
		case err := <-left:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
	for _, c := range []struct {
		name         string
		caller       api.Caller
		node, server string
		want, err    string
		code         int
	}{
		{"nobody named", two, "", "", "two", "", 0},
		{"nobody named, client", client, "", "", "far", "", 0},
		{"itself", two, "", "two", "two", "", 0},
		{"another server", two, "", "one", "one", "", 0},
		{"the leader", two, "", "leader", "one", "", 0},
		{"own node", client, farNode, "", "far", "", 0},
		{"a node, through a peer", two, farNode, "", "far", "", 0},
		{"a server, from a client", client, "", "one", "one", "", 0},
		{"the leader, from a client", client, "", "leader", "one", "", 0},
		{"both", two, farNode, "one", "", "Cannot target node and server simultaneously", 400},
		{"unknown server", two, "", "three", "", `unknown server "three"`, 404},
		{"unknown node", two, noAlloc, "", "", `Unknown node "` + noAlloc + `"`, 404},
		{"node not connected", client, lostNode, "", "", "No path to node.", 404},
		{"no ID", two, "zzz", "", "", "node lookup failed: index error: UUID must be 36 characters", 500},
		{"server that is away", two, "", "gone", "", "agent at 127.0.0.1:1 is not reachable", 503},
	} {
		r, _, err := api.AgentHost.Call(t.Context(), c.caller, &api.AgentTargetRequest{NodeID: c.node, ServerID: c.server})
		switch {
		case c.err == "" && (err != nil || r.AgentID != c.want):
			t.Errorf("%s: %+v %v, want %q", c.name, r, err, c.want)
		case c.err != "" && (err == nil || !strings.HasPrefix(err.Error(), c.err) || api.AsError(err).HTTPCode() != c.code):
			t.Errorf("%s: %v, want %d %s", c.name, err, c.code, c.err)
		}
	}
}
