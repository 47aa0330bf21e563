// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

const (
	// starts is how many single allocations are started for a median.
	starts = 21
	// together is how many allocations one job starts at once.
	together = 100
)

// BinarySize measures the binary.
func BinarySize(bin string) (Figure, error) {
	f := Figure{Name: "binary", Unit: "MB", Target: 60}
	info, err := os.Stat(bin)
	if err != nil {
		return f, err
	}
	f.Value = float64(info.Size()) / 1e6
	return f, nil
}

// DevAgent measures an agent in dev mode: how fast it is ready, what it takes when idle, how large its web interface
// is, how fast raw_exec tasks run and what each takes.
func DevAgent(ctx context.Context, bin string) (figures []Figure, err error) {
	a, err := startDev(ctx, bin)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	if err := a.await(ctx, a.nodeReady); err != nil {
		return nil, a.failed(err)
	}
	figures = append(figures, Figure{
		Name: "dev agent start -> node ready", Value: time.Since(a.started).Seconds(), Unit: "s", Target: 0.5,
	})
	settle(ctx, 20*time.Second) // drivers that nobody uses have ended their processes by then
	figures = append(figures, idle(a))
	ui, err := a.firstLoad(ctx)
	if err != nil {
		return figures, a.failed(err)
	}
	figures = append(figures, ui)

	single, err := a.single(ctx, "raw_exec", 60, rawExec)
	if err != nil {
		return figures, a.failed(err)
	}
	figures = append(figures, single)
	many, memory, err := a.many(ctx, "raw_exec", together, rawExec)
	if err != nil {
		return figures, a.failed(err)
	}
	figures = append(figures, many, memory)
	more, err := a.isolated(ctx)
	if err != nil {
		err = a.failed(err)
	}
	return append(figures, more...), err
}

// settle lets an agent that just started come to rest; it is no part of a measurement.
func settle(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// idle measures the memory that the agent and its driver processes occupy together: proportional sizes, so
// that pages of the binary, which they share, count once. The sum of the resident sizes, where they count
// for each, stands beside it.
func idle(a *agent) Figure {
	f := Figure{Name: "dev agent, idle, resident with its driver processes", Unit: "MB", Target: 60}
	pids := append([]int{a.cmd.Process.Pid}, descendants(a.cmd.Process.Pid)...)
	var shared, each int64
	for _, pid := range pids {
		shared += proportional(pid)
		each += resident(pid)
	}
	if shared == 0 {
		f.Error = "memory of processes is not known on this platform"
		return f
	}
	f.Value = float64(shared) / 1e6
	f.Detail = map[string]float64{"agent alone, RSS": float64(resident(pids[0])) / 1e6, "sum of RSS": float64(each) / 1e6}
	return f
}

func rawExec(id string, count int) *api.Job {
	return sleeper(id, count, "raw_exec", map[string]any{"command": "sleep", "args": []any{"3600"}})
}

// sleeper is a job of one group whose task waits.
func sleeper(id string, count int, driver string, config map[string]any) *api.Job {
	return &api.Job{
		ID: id, Name: id, Type: api.JobTypeService, Datacenters: []string{"*"},
		TaskGroups: []*api.TaskGroup{{
			Name: "g", Count: new(count), EphemeralDisk: &api.EphemeralDisk{SizeMB: new(10)},
			Tasks: []*api.Task{{
				Name: "t", Driver: driver, Config: config,
				LogConfig: &api.LogConfig{MaxFiles: new(1), MaxFileSizeMB: new(1)},
				Resources: &api.Resources{CPU: new(1), MemoryMB: new(10)},
			}},
		}},
	}
}

// run registers the job and returns how long it took until all its allocations run.
func (a *agent) run(ctx context.Context, j *api.Job) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	start := time.Now()
	if _, _, err := api.JobRegister.Call(ctx, a.http, &api.JobRegisterRequest{Job: j}); err != nil {
		return 0, err
	}
	want := *j.TaskGroups[0].Count
	req := &api.JobRequest{JobID: j.ID}
	for {
		req.MaxWait = 30 * time.Second
		s, meta, err := api.JobSummaryGet.Call(ctx, a.http, req)
		if err != nil {
			return 0, err
		}
		g := s.Summary["g"]
		switch {
		case g.Running == want:
			return time.Since(start), nil
		case g.Failed > 0:
			return 0, fmt.Errorf("%d allocations of %s failed", g.Failed, j.ID)
		}
		req.MinIndex = meta.Index
	}
}

// stopJob stops a job and waits until nothing of it runs.
func (a *agent) stopJob(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if _, _, err := api.JobDeregister.Call(ctx, a.http, &api.JobDeregisterRequest{JobID: id}); err != nil {
		return err
	}
	req := &api.JobRequest{JobID: id}
	for {
		req.MaxWait = 30 * time.Second
		s, meta, err := api.JobSummaryGet.Call(ctx, a.http, req)
		if err != nil {
			return err
		}
		if g := s.Summary["g"]; g.Running+g.Starting == 0 {
			return nil
		}
		req.MinIndex = meta.Index
	}
}

// single measures how long single allocations take to run, given what makes a job of so many of them.
func (a *agent) single(ctx context.Context, driver string, target float64, job func(string, int) *api.Job, others ...func(n int) error) (Figure, error) {
	f := Figure{Name: "submit -> running, one " + driver + " allocation, median", Unit: "ms", Target: target}
	var times []time.Duration
	for n := range starts {
		id := fmt.Sprintf("bench-%s-%d", driver, n)
		d, err := a.run(ctx, job(id, 1))
		if err != nil {
			return f, err
		}
		times = append(times, d)
		if err := a.stopJob(ctx, id); err != nil {
			return f, err
		}
		for _, other := range others {
			if err := other(n); err != nil {
				return f, err
			}
		}
	}
	f.Value, f.Detail = median(times)
	return f, nil
}

// median returns the median in milliseconds, and what stands beside it.
func median(times []time.Duration) (float64, map[string]float64) {
	slices.Sort(times)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return ms(times[len(times)/2]), map[string]float64{"fastest": ms(times[0]), "slowest": ms(times[len(times)-1])}
}

// many measures how fast a job with many allocations runs, and what each takes when it is idle.
func (a *agent) many(ctx context.Context, driver string, count int, job func(string, int) *api.Job) (running, memory Figure, err error) {
	running = Figure{Name: fmt.Sprintf("%d %s allocations all running", count, driver), Unit: "s", Target: 1}
	memory = Figure{Name: "memory per idle " + driver + " task, all helper processes (PSS)", Unit: "MB", Target: 2}
	before := descendants(a.cmd.Process.Pid)
	d, err := a.run(ctx, job("bench-many", count))
	if err != nil {
		return running, memory, err
	}
	running.Value = d.Seconds()
	settle(ctx, 3*time.Second)
	memory.Detail = map[string]float64{}
	for _, pid := range descendants(a.cmd.Process.Pid) {
		if slices.Contains(before, pid) || processName(pid) == "sleep" {
			continue
		}
		memory.Value += float64(proportional(pid)) / 1e6 / float64(count)
		memory.Detail["processes"] += 1.0 / float64(count)
	}
	if proportional(a.cmd.Process.Pid) == 0 {
		memory.Error = "memory of processes is not known on this platform"
	}
	return running, memory, a.stopJob(ctx, "bench-many")
}
