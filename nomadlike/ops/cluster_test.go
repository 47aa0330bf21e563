// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/internal/rpc"
	"github.com/nomadlike/nomadlike/internal/sim"
	"github.com/nomadlike/nomadlike/nomadlike"
	"github.com/nomadlike/nomadlike/nomadlike/broker"
	"github.com/nomadlike/nomadlike/nomadlike/control"
	"github.com/nomadlike/nomadlike/nomadlike/ops"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// cluster is one server in memory with its HTTP API in front, composed as an agent composes it.
type cluster struct {
	t      *testing.T
	ctx    context.Context
	srv    *nomadlike.Server
	env    *ops.Env
	caller *ops.Dispatcher
	web    *httptest.Server
}

// limit is how long a test may wait for anything.
const limit = time.Minute

func start(t *testing.T) *cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	_, trans := raft.NewInmemTransport("127.0.0.1:4647")
	network := &memberlist.MockNetwork{}
	srv, err := nomadlike.New(nomadlike.Config{
		Name: "node-1", BootstrapExpect: 1, RPCAdvertise: "127.0.0.1:4647", SerfBind: "127.0.0.1:4648", Build: "2.0.6",
	}, nomadlike.Deps{RaftTransport: trans, GossipTransport: network.NewTransport("node-1")})
	if err != nil {
		t.Fatal(err)
	}
	log := hclog.NewNullLogger()
	evals := broker.New(broker.ServiceConfig{Store: srv.Store(), Raft: srv, Workers: 1})
	srv.Store().Subscribe(evals.Observe)
	heartbeats := control.NewHeartbeats(control.DefaultHeartbeats(), srv.Store(), srv, log, nil)
	gc := control.NewGC(control.DefaultGC(), srv.Store(), srv, log)
	upkeep := control.NewEvals(evals, srv.Store(), srv, log, nil)
	ready := make(chan struct{})
	for name, run := range map[string]func(context.Context) error{
		"scheduling": evals.Run, "heartbeats": heartbeats.Run, "upkeep": upkeep.Run, "gc": gc.Run,
		"periodic": control.NewPeriodic(srv.Store(), srv, log).Run,
		"ready":    func(ctx context.Context) error { close(ready); <-ctx.Done(); return ctx.Err() },
	} {
		srv.AddDuty(nomadlike.Duty{Name: name, Run: run})
	}
	env := &ops.Env{
		Region: "global", Datacenter: "dc1", Limits: api.DefaultLimits(), MaxSource: 1 << 20, TrackedVersions: 6,
		Store: srv.Store(), Raft: srv, Heartbeats: heartbeats, NodeEvals: control.NodeEvals, Collector: gc,
		Members: members{srv}, Events: srv.Events(), ServerAddrs: srv.ServerAddresses, Now: time.Now,
	}
	local := opset.New()
	ops.JobTools(local)
	pool := rpc.NewPool()
	c := &cluster{t: t, ctx: ctx, srv: srv, env: env}
	c.caller = ops.NewDispatcher(ops.Config{Region: "global", Server: srv, ServerOps: env.Handlers(), Local: local, Pool: pool})
	c.web = httptest.NewServer(httpd.New(httpd.Config{Caller: c.caller}))
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		c.web.CloseClientConnections()
		c.web.Close()
		pool.Close()
		if err := <-ended; err != nil && !strings.Contains(err.Error(), "context") {
			t.Errorf("server ended with %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("server ended: %v", err)
	}
	return c
}

type members struct{ *nomadlike.Server }

func (m members) Members() []*api.Member { return m.Server.Members().Members() }

// nodes adds simulated nodes and waits until they are ready.
func (c *cluster) nodes(n int) []*api.Node {
	c.t.Helper()
	fleet, err := sim.New(sim.Config{Caller: c.caller, Count: n})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(c.ctx)
	ended := make(chan error, 1)
	go func() { ended <- fleet.Run(ctx) }()
	c.t.Cleanup(func() { cancel(); <-ended })
	select {
	case <-fleet.Ready():
	case err := <-ended:
		ended <- err
		c.t.Fatalf("nodes ended: %v", err)
	}
	c.until("nodes are ready", func(tx *state.Tx) bool {
		ready := 0
		for node := range state.Nodes.All(tx) {
			if node.Status == api.NodeStatusReady {
				ready++
			}
		}
		return ready >= n
	})
	var out []*api.Node
	for node := range state.Nodes.All(c.srv.Store().Snapshot()) {
		out = append(out, node)
	}
	return out
}

// until waits until the state is as wanted.
func (c *cluster) until(what string, ok func(*state.Tx) bool) {
	c.t.Helper()
	for {
		tx := c.srv.Store().Read()
		if ok(tx) {
			return
		}
		if err := tx.Watch(c.ctx); err != nil {
			c.t.Fatalf("%s: %v", what, err)
		}
	}
}

// running waits until n allocations of the job run.
func (c *cluster) running(job string, n int) []*api.Allocation {
	c.t.Helper()
	var out []*api.Allocation
	c.until("allocations of "+job+" run", func(tx *state.Tx) bool {
		out = nil
		for a := range state.Allocs.By(tx, state.ByJob, "default", job) {
			if a.ClientStatus == api.AllocClientRunning && a.DesiredStatus == api.AllocDesiredRun {
				out = append(out, a)
			}
		}
		return len(out) == n
	})
	return out
}

// done waits until the evaluation is complete.
func (c *cluster) done(evalID string) *api.Evaluation {
	c.t.Helper()
	var ev *api.Evaluation
	c.until("evaluation ends", func(tx *state.Tx) bool {
		ev = state.Evals.Get(tx, evalID)
		return ev != nil && ev.TerminalStatus()
	})
	return ev
}

// answer is what the API said.
type answer struct {
	code   int
	header http.Header
	body   string
}

// do sends a request to the HTTP API; an empty body sends none. It may be called from any goroutine.
func (c *cluster) do(method, path, body string, header ...string) answer {
	c.t.Helper()
	a, err := c.try(method, path, body, header...)
	if err != nil {
		c.t.Errorf("%s %s: %v", method, path, err)
	}
	return a
}

func (c *cluster) try(method, path, body string, header ...string) (answer, error) {
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(c.ctx, method, c.web.URL+path, rd)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := httpClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(b)}, err
}

var httpClient = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{DisableCompression: true},
}

// get reads JSON and fails on anything but success.
func (c *cluster) get(path string, v any) answer {
	c.t.Helper()
	a := c.do("GET", path, "")
	if a.code != 200 {
		c.t.Fatalf("GET %s: %d %s", path, a.code, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		c.t.Fatalf("GET %s: %v in %.200s", path, err, a.body)
	}
	return a
}

// put writes JSON and fails on anything but success.
func (c *cluster) put(path string, in, v any) answer {
	c.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		c.t.Fatal(err)
	}
	a := c.do("PUT", path, string(body))
	if a.code != 200 {
		c.t.Fatalf("PUT %s: %d %s", path, a.code, a.body)
	}
	if v != nil {
		if err := json.Unmarshal([]byte(a.body), v); err != nil {
			c.t.Fatalf("PUT %s: %v in %.200s", path, err, a.body)
		}
	}
	return a
}

// object is a JSON object.
type object = map[string]any

// job is a service job for simulated nodes, in the JSON that a client sends.
func job(id string, count int) object {
	return object{
		"ID": id, "Datacenters": []string{"*"},
		"TaskGroups": []any{object{
			"Name": "g", "Count": count,
			"Tasks": []any{object{
				"Name": "t", "Driver": "mock_driver", "Config": object{"run_for": "1h"},
				"Resources": object{"CPU": 50, "MemoryMB": 32},
			}},
		}},
	}
}

// atOnce returns the job without rolling updates, so that no deployment is in the way of what is tested.
func atOnce(j object) object {
	j["TaskGroups"].([]any)[0].(object)["Update"] = object{"MaxParallel": 0}
	return j
}

// register registers a job and waits for its evaluation.
func (c *cluster) register(j object) *api.JobRegisterResponse {
	c.t.Helper()
	resp := &api.JobRegisterResponse{}
	c.put("/v1/jobs", object{"Job": j}, resp)
	c.done(resp.EvalID)
	return resp
}

func index(i uint64) string { return strconv.FormatUint(i, 10) }

func parse(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func unmarshal(t *testing.T, body string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), v); err != nil {
		t.Fatalf("%v in %.200s", err, body)
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
