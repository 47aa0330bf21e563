// SPDX-License-Identifier: MPL-2.0

package rpc

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
)

// twin is an api.Caller over handlers in this process.
type twin struct{ set *opset.Set }

func (t *twin) Call(ctx context.Context, op *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	v, err := t.set.Unary(op.Name)(ctx, req)
	if err != nil {
		return &api.Meta{Index: 5}, err
	}
	return &api.Meta{Index: 7, HasIndex: true, KnownLeader: true}, SetResponse(resp, v)
}

func (t *twin) Open(ctx context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	caller, end, finish := opset.Pipe(ctx)
	go func() { finish(t.set.Streaming(op.Name)(end.Context(), req, end)) }()
	return caller, nil
}

func newTwin() *twin {
	s := opset.New()
	opset.Handle(s, api.JobGet, func(_ context.Context, r *api.JobRequest) (*api.Job, error) {
		if r.JobID == "none" {
			return nil, &api.Error{Class: api.ClassNotFound, Message: "job not found", Index: 9}
		}
		if r.AuthToken != "secret" || r.MinIndex != 3 {
			return nil, errors.New("options were lost")
		}
		return &api.Job{ID: r.JobID, Meta: map[string]string{"a": "b"}}, nil
	})
	opset.HandleStream(s, api.AllocExec, func(_ context.Context, r *api.ExecRequest, st api.Stream) error {
		for {
			var in api.ExecInput
			if err := st.Recv(&in); err != nil {
				if errors.Is(err, io.EOF) {
					return api.Errorf(api.ClassConflict, "done with %s", r.Task)
				}
				return err
			}
			if err := st.Send(&api.ExecOutput{Stdout: in.Stdin}); err != nil {
				return err
			}
		}
	})
	return &twin{s}
}

func listen(t *testing.T, cfg ServerConfig) *Server {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(lis, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func exercise(t *testing.T, c api.Caller) {
	t.Helper()
	req := &api.JobRequest{JobID: "a/b"}
	req.AuthToken, req.MinIndex = "secret", 3
	job, meta, err := api.JobGet.Call(t.Context(), c, req)
	if err != nil || job.ID != "a/b" || job.Meta["a"] != "b" || meta.Index != 7 {
		t.Fatalf("got %+v %+v %v", job, meta, err)
	}
	_, _, err = api.JobGet.Call(t.Context(), c, &api.JobRequest{JobID: "none"})
	if e := api.AsError(err); !api.IsClass(err, api.ClassNotFound) || e.Message != "job not found" || e.Index != 9 {
		t.Fatalf("the error arrived as %#v", err)
	}
	s, err := api.AllocExec.Open(t.Context(), c, &api.ExecRequest{Task: "web"})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"one", "two"} {
		if err := s.Send(&api.ExecInput{Stdin: &api.ExecIO{Data: []byte(d)}}); err != nil {
			t.Fatal(err)
		}
		var out api.ExecOutput
		if err := s.Recv(&out); err != nil || string(out.Stdout.Data) != d {
			t.Fatalf("got %+v %v", out, err)
		}
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	var out api.ExecOutput
	if err := s.Recv(&out); !api.IsClass(err, api.ClassConflict) || err.Error() != "done with web" {
		t.Fatalf("the stream ended with %v", err)
	}
}

func TestCalls(t *testing.T) {
	s := listen(t, ServerConfig{Caller: newTwin()})
	pool := NewPool()
	defer pool.Close()
	c, err := pool.Caller(s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	exercise(t, c)
}

func TestNodeConnection(t *testing.T) {
	nodes := NewNodeConns(func(id, secret string) error {
		if secret != "s" {
			return errors.New("wrong secret")
		}
		return nil
	})
	s := listen(t, ServerConfig{Caller: newTwin(), Nodes: nodes})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- ServeNode(ctx, s.Addr().String(), "n1", "s", Timing{}, newTwin()) }()
	if err := ServeNode(ctx, s.Addr().String(), "n2", "bad", Timing{}, newTwin()); err != nil && ctx.Err() != nil {
		t.Fatal(err)
	}
	if _, ok := nodes.Caller("n2"); ok {
		t.Fatal("a node with a wrong secret was admitted")
	}
	exercise(t, eventually(t, nodes, "n1"))
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestNodeHandshake: the time that a connection has to say what it is counts for all that a node says.
func TestNodeHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lis := newQueueListener(&net.TCPAddr{})
		nodes := NewNodeConns(func(string, string) error { return nil })
		s := NewServer(lis, ServerConfig{Caller: newTwin(), Nodes: nodes, HandshakeTimeout: new(time.Minute), Logger: hclog.NewNullLogger()})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		near, far := net.Pipe()
		lis.put(far)
		if _, err := near.Write([]byte{byteNode}); err != nil {
			t.Fatal(err)
		}
		refused := make(chan time.Duration, 1)
		begun := time.Now()
		go func() {
			_, _ = near.Read(make([]byte, 1)) // until the server closes it
			refused <- time.Since(begun)
		}()
		if after := <-refused; after != time.Minute {
			t.Errorf("it was closed after %s", after)
		}
		cancel()
		<-ended
	})
}

// eventually polls a registry that has no event for a new connection.
func eventually(t *testing.T, nodes *NodeConns, id string) api.Caller {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		if c, ok := nodes.Caller(id); ok {
			return c
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the node never connected")
		}
	}
}

func TestRaftConnections(t *testing.T) {
	s := listen(t, ServerConfig{Caller: newTwin()})
	layer := s.RaftLayer(s.Addr())
	go func() {
		conn, err := layer.Dial("127.0.0.1:1", time.Second)
		if err == nil {
			conn.Close()
		}
	}()
	conn, err := s.RaftLayer(s.Addr()).Dial("", 0)
	if err == nil {
		conn.Close()
		t.Fatal("dialled nothing")
	}
	got := make(chan string, 1)
	go func() {
		in, err := layer.Accept()
		if err != nil {
			got <- err.Error()
			return
		}
		defer in.Close()
		buf := make([]byte, 5)
		if _, err := io.ReadFull(in, buf); err != nil {
			got <- err.Error()
			return
		}
		got <- string(buf)
	}()
	out, err := layer.Dial("x", time.Second)
	if err == nil {
		out.Close()
		t.Fatal("dialled a bad address")
	}
	out, err = net.DialTimeout("tcp", s.Addr().String(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := out.Write(append([]byte{byteRaft}, "hello"...)); err != nil {
		t.Fatal(err)
	}
	if g := <-got; g != "hello" {
		t.Fatalf("raft read %q", g)
	}
}

func TestServersMoveOn(t *testing.T) {
	s := listen(t, ServerConfig{Caller: newTwin()})
	pool := NewPool()
	defer pool.Close()
	c := NewServers(pool, []string{"127.0.0.1:1", s.Addr().String()})
	exercise(t, c)
	if c.Addrs()[0] != s.Addr().String() {
		t.Error("the caller went back to the dead server")
	}
	c.Set(nil)
	if len(c.Addrs()) != 2 {
		t.Error("an empty list made the client forget its servers")
	}
}

// beating is a server that takes heartbeats as take says.
func beating(t *testing.T, take func(context.Context) error) *Server {
	t.Helper()
	set := opset.New()
	opset.Handle(set, api.NodeHeartbeat, func(ctx context.Context, _ *api.NodeHeartbeatRequest) (*api.NodeHeartbeatResponse, error) {
		return &api.NodeHeartbeatResponse{}, take(ctx)
	})
	return listen(t, ServerConfig{Caller: &twin{set}})
}

// TestServersWithoutLeader: a client that reaches a server which is cut off from the others asks another one.
func TestServersWithoutLeader(t *testing.T) {
	lone := beating(t, func(context.Context) error { return api.Errorf(api.ClassNoLeader, "No cluster leader") })
	good := beating(t, func(context.Context) error { return nil })
	pool := NewPool()
	defer pool.Close()
	c := NewServers(pool, []string{lone.Addr().String(), good.Addr().String()})
	if _, _, err := api.NodeHeartbeat.Call(t.Context(), c, &api.NodeHeartbeatRequest{}); err != nil {
		t.Error(err)
	}
	if c.Addrs()[0] != good.Addr().String() {
		t.Error("the next call goes to the server without a leader again")
	}
}

// TestServersThatHang: a server that does not answer in time is not asked again first.
func TestServersThatHang(t *testing.T) {
	frozen := beating(t, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	good := beating(t, func(context.Context) error { return nil })
	pool := NewPool()
	defer pool.Close()
	c := NewServers(pool, []string{frozen.Addr().String(), good.Addr().String()})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, _, err := api.NodeHeartbeat.Call(ctx, c, &api.NodeHeartbeatRequest{}); err == nil || c.Addrs()[0] != frozen.Addr().String() {
		t.Errorf("after a call whose caller has left: %v, next is %s", err, c.Addrs()[0])
	}
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, _, err := api.NodeHeartbeat.Call(ctx, c, &api.NodeHeartbeatRequest{}); err == nil || c.Addrs()[0] != good.Addr().String() {
		t.Errorf("after a call that was not answered: %v, next is %s", err, c.Addrs()[0])
	}
}

// TestServersTakeWatchesAlong: a read that waits for a change is sent to the server that other calls have moved to.
func TestServersTakeWatchesAlong(t *testing.T) {
	asked := make(chan string, 10)
	serve := func(name string, heartbeat, wait bool) *Server {
		set := opset.New()
		opset.Handle(set, api.JobGet, func(ctx context.Context, _ *api.JobRequest) (*api.Job, error) {
			asked <- name
			if wait {
				<-ctx.Done()
			}
			return &api.Job{ID: name}, nil
		})
		opset.Handle(set, api.NodeHeartbeat, func(context.Context, *api.NodeHeartbeatRequest) (*api.NodeHeartbeatResponse, error) {
			if !heartbeat {
				return nil, api.Errorf(api.ClassNoLeader, "No cluster leader")
			}
			return &api.NodeHeartbeatResponse{}, nil
		})
		return listen(t, ServerConfig{Caller: &twin{set}})
	}
	lone, good := serve("lone", false, true), serve("good", true, false)
	pool := NewPool()
	defer pool.Close()
	c := NewServers(pool, []string{lone.Addr().String(), good.Addr().String()})
	got := make(chan string, 1)
	go func() {
		req := &api.JobRequest{JobID: "a"}
		req.MinIndex = 3
		job, _, err := api.JobGet.Call(t.Context(), c, req)
		if err != nil {
			got <- err.Error()
			return
		}
		got <- job.ID
	}()
	if name := <-asked; name != "lone" {
		t.Fatalf("%s was asked", name)
	}
	if _, _, err := api.NodeHeartbeat.Call(t.Context(), c, &api.NodeHeartbeatRequest{}); err != nil {
		t.Fatal(err)
	}
	select {
	case answer := <-got:
		if answer != "good" {
			t.Errorf("the answer is %s", answer)
		}
	case <-time.After(30 * time.Second):
		t.Error("the read still waits for the server that the others have left")
	}
}

// TestServersComeHome: when all the servers that a client was told of are gone, it asks those of its configuration.
func TestServersComeHome(t *testing.T) {
	home := beating(t, func(context.Context) error { return nil })
	pool := NewPool()
	defer pool.Close()
	c := NewServers(pool, []string{home.Addr().String()})
	c.Set([]string{"127.0.0.1:1"})
	if got := c.Addrs(); len(got) != 1 || got[0] != "127.0.0.1:1" {
		t.Errorf("known are %v", got)
	}
	if _, _, err := api.NodeHeartbeat.Call(t.Context(), c, &api.NodeHeartbeatRequest{}); err != nil {
		t.Error(err)
	}
}

// cutListener holds what it accepted, to be closed at once.
type cutListener struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (l *cutListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.conns = append(l.conns, c)
		l.mu.Unlock()
	}
	return c, err
}

func (l *cutListener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
}

// TestLostAnswer: when a server goes away in the middle of a call, the next one is asked for a read, and for a write
// only if it may be carried out once more.
func TestLostAnswer(t *testing.T) {
	calls := map[string]int{}
	var mu sync.Mutex
	count := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		calls[name]++
	}
	told := func(name string) int {
		mu.Lock()
		defer mu.Unlock()
		return calls[name]
	}
	serve := func(name string, cut func()) *opset.Set {
		set := opset.New()
		opset.Handle(set, api.JobGet, func(context.Context, *api.JobRequest) (*api.Job, error) {
			count(name + " read")
			cut()
			return &api.Job{}, nil
		})
		opset.Handle(set, api.JobDispatch, func(context.Context, *api.JobDispatchRequest) (*api.JobDispatchResponse, error) {
			count(name + " dispatch")
			cut()
			return &api.JobDispatchResponse{}, nil
		})
		opset.Handle(set, api.NodeHeartbeat, func(context.Context, *api.NodeHeartbeatRequest) (*api.NodeHeartbeatResponse, error) {
			count(name + " heartbeat")
			cut()
			return &api.NodeHeartbeatResponse{}, nil
		})
		return set
	}
	second := listen(t, ServerConfig{Caller: &twin{serve("second", func() {})}})
	for _, test := range []struct {
		name  string
		call  func(api.Caller) error
		twice bool
	}{
		{"read", func(c api.Caller) error {
			_, _, err := api.JobGet.Call(t.Context(), c, &api.JobRequest{JobID: "a"})
			return err
		}, true},
		{"dispatch", func(c api.Caller) error {
			_, _, err := api.JobDispatch.Call(t.Context(), c, &api.JobDispatchRequest{JobID: "a"})
			return err
		}, false},
		{"dispatch", func(c api.Caller) error {
			_, _, err := api.JobDispatch.Call(t.Context(), c, &api.JobDispatchRequest{JobID: "a", IdempotencyToken: "x"})
			return err
		}, true},
		{"heartbeat", func(c api.Caller) error {
			_, _, err := api.NodeHeartbeat.Call(t.Context(), c, &api.NodeHeartbeatRequest{})
			return err
		}, true},
	} {
		mu.Lock()
		clear(calls)
		mu.Unlock()
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		cut := &cutListener{Listener: lis}
		first := NewServer(cut, ServerConfig{Caller: &twin{serve("first", cut.cut)}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- first.Run(ctx) }()
		pool := NewPool()
		c := NewServers(pool, []string{lis.Addr().String(), second.Addr().String()})
		err = test.call(c)
		if test.twice {
			if n := told("second " + test.name); err != nil || n != 1 {
				t.Errorf("%s: %v, the second server was called %d times", test.name, err, n)
			}
		} else if n := told("second " + test.name); !api.IsClass(err, api.ClassUnknown) || n != 0 || c.Addrs()[0] != second.Addr().String() {
			t.Errorf("%s: %v, the second server was called %d times, next is %s", test.name, err, n, c.Addrs()[0])
		}
		if n := told("first " + test.name); n != 1 {
			t.Errorf("%s: the first server was called %d times", test.name, n)
		}
		want := api.ClassUnknown
		if test.twice { // nothing has happened that could not happen again
			want = api.ClassUnavailable
		}
		if err := test.call(NewServers(pool, []string{lis.Addr().String()})); !api.IsClass(err, want) {
			t.Errorf("%s of the first server alone: %v, want class %s", test.name, err, want)
		}
		pool.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
