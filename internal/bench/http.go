// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"bufio"
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
	// requestRate is how many requests a second are sent for the latency of single reads, for readTime.
	requestRate = 1000
	readTime    = 5 * time.Second
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
	h := &loader{agent: a.agent, profiles: profile, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}}}
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
	http  *http.Client
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
		took, err := l.paced(ctx, what.path)
		err = errors.Join(err, profiled())
		if err != nil {
			return figures, err
		}
		figures = append(figures, Figure{
			Name: what.name, Unit: "ms", Target: 1, Value: ms(quantile(took, 0.99)),
			Detail: map[string]float64{"median": ms(quantile(took, 0.5)), "p99.9": ms(quantile(took, 0.999))},
		})
	}
	return figures, nil
}

func (l *loader) paced(ctx context.Context, path func(int) string) ([]time.Duration, error) {
	total := int(readTime.Seconds() * requestRate)
	took := make([]time.Duration, total)
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	start := time.Now()
	for n := range total {
		due := start.Add(time.Duration(n) * time.Second / requestRate)
		settle(ctx, time.Until(due))
		wg.Go(func() {
			sent := time.Now()
			if _, err := l.get(ctx, path(n)); err != nil {
				failed.Store(&err)
			}
			took[n] = time.Since(sent)
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	return took, nil
}

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
	path := fmt.Sprintf("/v1/job/bench-0000?index=%d&wait=300s", meta.Index)
	woken := make([]time.Time, watchers)
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	gate := make(chan struct{}, 200) // connections being opened at a time
	var sent atomic.Int64
	for n := range watchers {
		wg.Go(func() {
			gate <- struct{}{}
			time.AfterFunc(50*time.Millisecond, func() { <-gate })
			sent.Add(1)
			if _, err := l.get(ctx, path); err != nil {
				failed.Store(&err)
			}
			woken[n] = time.Now()
		})
	}
	for sent.Load() < watchers && failed.Load() == nil {
		settle(ctx, 100*time.Millisecond)
	}
	settle(ctx, 3*time.Second)
	memory := float64(proportional(l.agent.cmd.Process.Pid)-before) / 1e6
	alone, err := l.wakeOne(ctx, c)
	if err != nil {
		return nil, err
	}
	profiled := l.profile(ctx, "blocking")
	j := httpLoad.job(0)
	j.Meta = map[string]string{"changed": "yes"}
	changed := time.Now() // the commit to disk counts too: its end is not seen from outside
	if _, _, err := api.JobRegister.Call(ctx, c, &api.JobRegisterRequest{Job: j}); err != nil {
		return nil, err
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	if err := profiled(); err != nil {
		return nil, err
	}
	late := make([]time.Duration, watchers)
	for i, at := range woken {
		late[i] = at.Sub(changed)
	}
	return []Figure{
		{Name: "10,000 blocking queries, memory", Unit: "MB", Target: 200, Value: memory},
		{
			Name: "beside 10,000 blocking queries, change -> answer of the one concerned", Unit: "ms", Target: 50, Value: ms(quantile(alone, 0.5)),
			Detail: map[string]float64{"max": ms(quantile(alone, 1))},
		},
		{
			Name: "10,000 blocking queries on one job, change -> answer, median", Unit: "ms", Target: 50, Value: ms(quantile(late, 0.5)),
			Detail: map[string]float64{"p99": ms(quantile(late, 0.99)), "last": ms(quantile(late, 1))},
		},
	}, nil
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
	var lines, size atomic.Int64
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
		})
	}
	settle(ctx, time.Second)
	lines.Store(0)
	size.Store(0)
	p := httpLoad
	p.Edit = func(j *api.Job) { j.ID = "events-" + j.ID }
	profiled := l.profile(ctx, "events")
	start := time.Now()
	if _, err := p.submit(ctx, c); err != nil {
		return nil, err
	}
	want := int64(readers * p.Jobs * p.Count * 2) // placed, and reported running
	for lines.Load() < want && time.Since(start) < time.Minute {
		settle(ctx, time.Millisecond)
	}
	took := time.Since(start)
	got := lines.Load()
	err := profiled()
	cancel()
	wg.Wait()
	return []Figure{{
		Name: "events to 10 readers, each sent", Unit: "/s", Target: 50_000, More: true, Value: float64(got) / took.Seconds(),
		Detail: map[string]float64{"events": float64(got), "MB": float64(size.Load()) / 1e6, "s": took.Seconds()},
	}}, err
}

// countEvents counts the events in the lines of an event stream until it ends.
func countEvents(body io.Reader, events, size *atomic.Int64) {
	mark := []byte(`"Topic":"Allocation"`)
	r := bufio.NewReaderSize(body, 1<<20)
	for {
		line, err := r.ReadSlice('\n')
		size.Add(int64(len(line)))
		events.Add(int64(bytes.Count(line, mark)))
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func quantile(d []time.Duration, q float64) time.Duration {
	s := slices.Sorted(slices.Values(d))
	return s[min(len(s)-1, int(float64(len(s))*q))]
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
