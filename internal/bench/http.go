// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/sim"
)

const (
	// requestRate is how many requests a second are sent for the latency of single reads, for readTime in each round.
	requestRate = 1000
	readTime    = 2 * time.Second
	readRounds  = 7
	// watchers is how many blocking queries wait at once.
	watchers = 10_000
	// changes is how often one query beside them is woken.
	changes = 15
	// listings is how often the long list is read for a median.
	listings = 15
	// readers is how many event streams are open at once.
	readers = 10
)

// httpLoad is what lies in the state while the HTTP API is measured.
var httpLoad = Placement{Name: "http", Nodes: 200, Jobs: 10, Count: 1000}

// HTTP measures the HTTP API of a server with 10,000 allocations on simulated nodes: single reads at a fixed rate,
// a long list, many blocking queries, and the event stream. With a profile, that directory gets CPU profiles of the server
// at the work.
func HTTP(ctx context.Context, bin, profile string) (figures []Figure, err error) {
	a, err := startCluster(ctx, bin, serverConfig+"limits { http_max_conns_per_client = 0 }\n",
		sim.Config{Count: httpLoad.Nodes, CPU: 8000, MemoryMB: 16384})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	if err := a.run(ctx, &httpLoad); err != nil {
		return nil, a.failed(err)
	}
	settle(ctx, 2*time.Second)
	bare, stop, err := startBare(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	h := &loader{agent: a.agent, bare: bare, profiles: profile, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}}}
	for _, measure := range []func(context.Context, api.Caller) ([]Figure, error){h.reads, h.list, h.blocking, h.events} {
		f, err := measure(ctx, a.servers)
		figures = append(figures, f...)
		if err != nil {
			return figures, a.failed(err)
		}
	}
	return figures, nil
}

// loader sends requests to an agent.
type loader struct {
	agent *agent
	// bare is the address of a server that does nothing but net/http, for comparison.
	bare string
	http *http.Client
	// profiles is the directory for CPU profiles of the agent, "" for none.
	profiles string
}

// profile starts a CPU profile of the agent when profiles are wanted; the function that is returned waits for its end.
func (l *loader) profile(ctx context.Context, name string) (wait func() error) {
	if l.profiles == "" {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() { done <- l.agent.profile(ctx, filepath.Join(l.profiles, name+".pprof"), profileTime) }() // ends after profileTime
	settle(ctx, 200*time.Millisecond)                                                                   // until it runs
	return func() error { return <-done }
}

// get reads a path to its end and returns how many bytes came.
func (l *loader) get(ctx context.Context, path string) (int64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.agent.http.Address()+path, nil)
	if err != nil {
		return 0, err
	}
	resp, err := l.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }() // reading only
	return readAll(resp, path)
}

// readAll reads an answer to its end and returns how many bytes came.
func readAll(resp *http.Response, path string) (int64, error) {
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s answered %d", path, resp.StatusCode)
	}
	return n, err
}

// reads measures single reads that are sent at a fixed rate, whether earlier ones were answered or not.
func (l *loader) reads(ctx context.Context, _ api.Caller) ([]Figure, error) {
	req := &api.AllocListRequest{}
	req.PerPage = 100
	allocs, _, err := api.AllocList.Call(ctx, l.agent.http, req)
	if err != nil {
		return nil, err
	}
	var figures []Figure
	for _, what := range []struct {
		name string
		path func(n int) string
	}{
		{"GET a job, 1,000 requests/s, p99", func(n int) string { return fmt.Sprintf("/v1/job/bench-%04d", n%httpLoad.Jobs) }},
		{"GET an allocation, 1,000 requests/s, p99", func(n int) string { return "/v1/allocation/" + allocs[n%len(allocs)].ID }},
	} {
		profiled := l.profile(ctx, strings.ReplaceAll(what.name[:len("GET a job")], " ", "-"))
		r, err := l.rounds(ctx, what.path)
		if err := errors.Join(err, profiled()); err != nil {
			return figures, err
		}
		figures = append(figures, Figure{
			Name: what.name, Unit: "ms", Target: 1, Value: ms(quantile(r.p99, 0.5)),
			Detail: map[string]float64{
				"median": ms(quantile(r.all, 0.5)), "p99.9": ms(quantile(r.all, 0.999)), "us of server CPU each": r.used / float64(len(r.all)) * 1e6,
				"median of a bare server": ms(quantile(r.bare, 0.5)), "p99 of a bare server": ms(quantile(r.bareP99, 0.5)),
				"least p99 of a round": ms(quantile(r.p99, 0)), "most": ms(quantile(r.p99, 1)),
			},
		})
	}
	return figures, nil
}

// roundTimes are the times of the requests of all rounds, and the p99 of each round.
type roundTimes struct {
	all, p99, bare, bareP99 []time.Duration
	// used is the processor time of the agent, in seconds.
	used float64
}

// rounds sends requests to the agent and to the bare server in turns. The p99 that counts is that of the middle round:
// what else a machine does for a second is not the agent's.
func (l *loader) rounds(ctx context.Context, path func(n int) string) (*roundTimes, error) {
	t := &roundTimes{}
	for range readRounds {
		used := processorTime(l.agent.cmd.Process.Pid)
		took, size, err := paced(ctx, l.host(), path)
		if err != nil {
			return nil, err
		}
		t.used += processorTime(l.agent.cmd.Process.Pid) - used
		bare, _, err := paced(ctx, l.bare, func(int) string { return fmt.Sprintf("/bytes?n=%d", size) })
		if err != nil {
			return nil, err
		}
		t.all, t.p99 = append(t.all, took...), append(t.p99, quantile(took, 0.99))
		t.bare, t.bareP99 = append(t.bare, bare...), append(t.bareP99, quantile(bare, 0.99))
	}
	return t, nil
}

// host returns the address of the agent as host:port.
func (l *loader) host() string { return strings.TrimPrefix(l.agent.http.Address(), "http://") }

// list measures the list of all allocations, and how much memory ten at a time cost the server.
func (l *loader) list(ctx context.Context, _ api.Caller) ([]Figure, error) {
	var took []time.Duration
	var size int64
	for range listings {
		begun := time.Now()
		n, err := l.get(ctx, "/v1/allocations")
		if err != nil {
			return nil, err
		}
		took, size = append(took, time.Since(begun)), n
	}
	before := resident(l.agent.cmd.Process.Pid)
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, err := l.get(ctx, "/v1/allocations"); err != nil {
				failed.Store(&err)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	return []Figure{{
		Name: "list of 10,000 allocations", Unit: "ms", Target: 100, Value: ms(quantile(took, 0.5)),
		Detail: map[string]float64{
			"MB sent": float64(size) / 1e6, "MB of memory that 10 at once add": float64(resident(l.agent.cmd.Process.Pid)-before) / 1e6,
		},
	}}, nil
}

// blocking measures many blocking queries on one job: the memory they take, and how soon the last one is answered
// after a change.
func (l *loader) blocking(ctx context.Context, c api.Caller) ([]Figure, error) {
	_, meta, err := api.JobGet.Call(ctx, l.agent.http, &api.JobRequest{JobID: "bench-0000"})
	if err != nil {
		return nil, err
	}
	before := proportional(l.agent.cmd.Process.Pid)
	host := l.host()
	body, err := l.get(ctx, "/v1/job/bench-0000")
	if err != nil {
		return nil, err
	}
	answers, err := held(ctx, host, fmt.Sprintf("/v1/job/bench-0000?index=%d&wait=300s", meta.Index), watchers)
	if err != nil {
		return nil, err
	}
	settle(ctx, 3*time.Second)
	memory := float64(proportional(l.agent.cmd.Process.Pid)-before) / 1e6
	alone, err := l.wakeOne(ctx, c)
	if err != nil {
		return nil, err
	}
	profiled, used := l.profile(ctx, "blocking"), processorTime(l.agent.cmd.Process.Pid)
	j := httpLoad.job(0)
	j.Meta = map[string]string{"changed": "yes"}
	changed := time.Now() // the commit to disk counts too: its end is not seen from outside
	if _, _, err := api.JobRegister.Call(ctx, c, &api.JobRegisterRequest{Job: j}); err != nil {
		return nil, err
	}
	late, err := lateness(answers, changed)
	used = processorTime(l.agent.cmd.Process.Pid) - used
	if err := errors.Join(err, profiled()); err != nil {
		return nil, err
	}
	bare, err := l.wakeBare(ctx, "wait", body)
	if err != nil {
		return nil, err
	}
	writes, err := l.wakeBare(ctx, "taken", body)
	if err != nil {
		return nil, err
	}
	return []Figure{
		{Name: "10,000 blocking queries, memory", Unit: "MB", Target: 200, Value: memory},
		{
			Name: "beside 10,000 blocking queries, change -> answer of the one concerned", Unit: "ms", Target: 50, Value: ms(quantile(alone, 0.5)),
			Detail: map[string]float64{"max": ms(quantile(alone, 1))},
		},
		{
			Name: "10,000 blocking queries on one job, change -> answer, median", Unit: "ms", Target: 50, Value: ms(quantile(late, 0.5)),
			Detail: map[string]float64{
				"s of server CPU": used, "last": ms(quantile(late, 1)), "median of a bare server": ms(quantile(bare, 0.5)), "last of a bare server": ms(quantile(bare, 1)),
				"median of the writes alone": ms(quantile(writes, 0.5)), "last of the writes alone": ms(quantile(writes, 1)),
			},
		},
	}, nil
}

// lateness returns how long after a moment the answers came.
func lateness(answers func() ([]time.Time, error), changed time.Time) ([]time.Duration, error) {
	came, err := answers()
	late := make([]time.Duration, len(came))
	for i, at := range came {
		late[i] = at.Sub(changed)
	}
	return late, err
}

// wakeBare does with the bare server's /wait or /taken what blocking does with the agent.
func (l *loader) wakeBare(ctx context.Context, path string, size int64) ([]time.Duration, error) {
	answers, err := held(ctx, l.bare, fmt.Sprintf("/%s?n=%d", path, size), watchers)
	if err != nil {
		return nil, err
	}
	settle(ctx, 3*time.Second)
	c, err := dial(ctx, l.bare)
	if err != nil {
		return nil, err
	}
	defer c.close()
	changed := time.Now()
	if _, err := c.get("/wake"); err != nil {
		return nil, err
	}
	return lateness(answers, changed)
}

// wakeOne measures how soon a blocking query is answered when the job that it alone waits for changes.
func (l *loader) wakeOne(ctx context.Context, c api.Caller) ([]time.Duration, error) {
	var took []time.Duration
	for n := range changes {
		_, meta, err := api.JobGet.Call(ctx, l.agent.http, &api.JobRequest{JobID: "bench-0001"})
		if err != nil {
			return nil, err
		}
		answered := make(chan error, 1)
		var at time.Time
		go func() { // ends with the query
			_, err := l.get(ctx, fmt.Sprintf("/v1/job/bench-0001?index=%d&wait=60s", meta.Index))
			at = time.Now()
			answered <- err
		}()
		settle(ctx, 50*time.Millisecond)
		j := httpLoad.job(1)
		j.Meta = map[string]string{"changed": fmt.Sprint(n)}
		changed := time.Now() // the commit to disk counts too
		if _, _, err := api.JobRegister.Call(ctx, c, &api.JobRegisterRequest{Job: j}); err != nil {
			return nil, err
		}
		if err := <-answered; err != nil {
			return nil, err
		}
		took = append(took, at.Sub(changed))
	}
	return took, nil
}

// events measures the event stream while jobs are placed: what ten readers together receive a second.
func (l *loader) events(ctx context.Context, c api.Caller) ([]Figure, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var lines, size, ended atomic.Int64
	var wg sync.WaitGroup
	for range readers {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.agent.http.Address()+"/v1/event/stream?topic=Allocation", nil)
		if err != nil {
			return nil, err
		}
		resp, err := l.http.Do(r)
		if err != nil {
			return nil, err
		}
		wg.Go(func() {
			defer func() { _ = resp.Body.Close() }() // reading only
			countEvents(resp.Body, &lines, &size)
			ended.Add(1)
		})
	}
	settle(ctx, time.Second)
	lines.Store(0)
	size.Store(0)
	p := httpLoad
	p.Edit = func(j *api.Job) { j.ID = "events-" + j.ID }
	profiled := l.profile(ctx, "events")
	used := processorTime(l.agent.cmd.Process.Pid)
	start := time.Now()
	if _, err := p.submit(ctx, c); err != nil {
		return nil, err
	}
	want := int64(readers * p.Jobs * p.Count * 2) // placed, and reported running
	for lines.Load() < want && ended.Load() == 0 && time.Since(start) < time.Minute {
		settle(ctx, time.Millisecond)
	}
	took := time.Since(start)
	got := lines.Load()
	if dropped := ended.Load(); dropped > 0 {
		return nil, fmt.Errorf("the server dropped %d of %d event streams after %d events", dropped, readers, got)
	}
	err := profiled()
	cancel()
	wg.Wait()
	return []Figure{{
		Name: "events to 10 readers, each sent", Unit: "/s", Target: 50_000, More: true, Value: float64(got) / took.Seconds(),
		Detail: map[string]float64{"events": float64(got), "MB": float64(size.Load()) / 1e6, "s": took.Seconds(), "s of server CPU": processorTime(l.agent.cmd.Process.Pid) - used},
	}}, err
}

// countEvents counts the events in an event stream until it ends.
func countEvents(body io.Reader, events, size *atomic.Int64) {
	mark := []byte(`"Topic":"Allocation"`)
	buf := make([]byte, 1<<20)
	kept := 0 // bytes at the start of buf that may be the beginning of a mark
	for {
		n, err := body.Read(buf[kept:])
		size.Add(int64(n))
		text := buf[:kept+n]
		events.Add(int64(bytes.Count(text, mark)))
		kept = copy(buf, text[len(text)-min(len(text), len(mark)-1):])
		if err != nil {
			return
		}
	}
}

func quantile(d []time.Duration, q float64) time.Duration {
	s := slices.Sorted(slices.Values(d))
	return s[min(len(s)-1, int(float64(len(s))*q))]
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
