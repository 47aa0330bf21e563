// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nomadlike/nomadlike/api"
)

const (
	// StrainName is what the measurement of many tasks, of what dies under them and of their output is called.
	StrainName = "tasks under strain"

	// crowd is how many tasks one node runs.
	crowd = 1000
	// lines is how many numbered lines a task writes, of 10 bytes each and more; flood is how many bytes.
	lines, flood = 100_000_000, 988_888_898
)

// strainConfig is a server and a client whose tasks outlive the process. Its log says when they are found again.
var strainConfig = strings.Replace(serverConfig, "WARN", "INFO", 1) + `
client {
  enabled            = true
  gc_max_allocs      = 5000
  max_dynamic_port   = 32000
  cpu_total_compute  = 100000
  memory_total_mb    = 100000
}
limits { http_max_conns_per_client = 0 }
plugin "raw_exec" {
  config {
    enabled = true
  }
}
`

// Strain measures a node with a thousand tasks: what they take, how fast a killed driver and a killed agent are
// back, and how fast a task may write.
func Strain(ctx context.Context, bin string) (figures []Figure, err error) {
	a, err := start(ctx, bin, strainConfig)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	if err := a.await(ctx, a.nodeReady); err != nil {
		return nil, a.failed(err)
	}
	for _, measure := range []func(context.Context, string) ([]Figure, error){a.output, a.crowded} {
		more, err := measure(ctx, bin)
		figures = append(figures, more...)
		if err != nil {
			return figures, a.failed(err)
		}
	}
	return figures, nil
}

// crowded starts a thousand tasks, and kills the driver and the agent under them.
func (a *agent) crowded(ctx context.Context, bin string) (figures []Figure, err error) {
	running := Figure{Name: fmt.Sprintf("%d raw_exec allocations all running", crowd), Unit: "s"}
	memory := Figure{Name: fmt.Sprintf("memory of %d raw_exec tasks with agent, driver and the tasks themselves (PSS)", crowd), Unit: "MB", Target: 3000}
	plugin := Figure{Name: "driver plugin killed -> a new task runs", Unit: "s", Target: 1}
	attach := Figure{Name: fmt.Sprintf("agent killed, started again -> %d tasks re-attached", crowd), Unit: "s", Target: 1}
	took, err := a.run(ctx, rawExec("crowd", crowd))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.stopJob(ctx, "crowd")) }()
	running.Value = took.Seconds()
	settle(ctx, 5*time.Second)
	pids := append([]int{a.cmd.Process.Pid}, descendants(a.cmd.Process.Pid)...)
	for _, pid := range pids {
		memory.Value += float64(proportional(pid)) / 1e6
	}
	figures = append(figures, running, memory)

	driver, err := a.plugin("raw_exec")
	if err != nil {
		return figures, err
	}
	if process, err := os.FindProcess(driver); err != nil {
		return figures, err
	} else if err := process.Kill(); err != nil {
		return figures, err
	}
	if took, err = a.run(ctx, rawExec("after", 1)); err != nil {
		return figures, err
	}
	plugin.Value = took.Seconds()
	if err := a.stopJob(ctx, "after"); err != nil {
		return figures, err
	}
	figures = append(figures, plugin)

	before, err := a.tasks(ctx)
	if err != nil {
		return figures, err
	}
	old, err := os.Stat(path.Join(a.dir, "log"))
	if err != nil {
		return figures, err
	}
	if err := errors.Join(a.kill(), a.relaunch(bin)); err != nil {
		return figures, err
	}
	if err := a.await(ctx, a.toldOf(old.Size(), "task is running still", crowd)); err != nil {
		return figures, err
	}
	attach.Value = time.Since(a.started).Seconds()
	// That it says so is checked, by a question that takes longer than the attaching.
	if err := a.await(ctx, a.attached("crowd")); err != nil {
		return figures, err
	}
	after, err := a.tasks(ctx)
	if err != nil {
		return figures, err
	}
	for pid := range before {
		if !after[pid] {
			return figures, fmt.Errorf("task %d did not outlive the agent", pid)
		}
	}
	return append(figures, attach), nil
}

// output lets a task write numbered lines as fast as it can, through three rotated files, and looks whether their
// end is whole.
func (a *agent) output(ctx context.Context, _ string) (figures []Figure, err error) {
	speed := Figure{Name: "output of a task, with rotation", Unit: "MB/s", Target: 200, More: true}
	memory := Figure{Name: "memory of the shim after 1 GB of output (PSS)", Unit: "MB", Target: 2}
	j := sleeper("flood", 1, "raw_exec", map[string]any{
		"command": "/bin/sh", "args": []any{"-c", fmt.Sprintf("seq %d; echo done >local/done; exec sleep 3600", lines)},
	})
	t := j.TaskGroups[0].Tasks[0]
	t.LogConfig = &api.LogConfig{MaxFiles: new(3), MaxFileSizeMB: new(10)}
	j.TaskGroups[0].EphemeralDisk.SizeMB = new(100)
	if _, err := a.run(ctx, j); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.stopJob(ctx, "flood")) }()
	allocs, _, err := api.JobAllocations.Call(ctx, a.http, &api.JobAllocationsRequest{JobID: "flood"})
	if err != nil {
		return nil, err
	}
	id := allocs[0].ID
	start := *allocs[0].TaskStates["t"].StartedAt
	if err := a.await(ctx, func(ctx context.Context) bool {
		_, _, err := api.FSStat.Call(ctx, a.http, &api.FSRequest{AllocID: id, Path: "t/local/done"})
		return err == nil
	}); err != nil {
		return nil, err
	}
	speed.Value = float64(flood) / 1e6 / time.Since(start).Seconds()
	settle(ctx, 3*time.Second)
	if err := a.wholeEnd(ctx, id); err != nil {
		return nil, err
	}
	for _, pid := range descendants(a.cmd.Process.Pid) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.HasPrefix(string(line), "nomadlike-shim") {
			memory.Value += float64(proportional(pid)) / 1e6
		}
	}
	return []Figure{speed, memory}, nil
}

// wholeEnd returns an error if the kept output is not the end of what was written.
func (a *agent) wholeEnd(ctx context.Context, id string) error {
	files, _, err := api.FSList.Call(ctx, a.http, &api.FSRequest{AllocID: id, Path: "alloc/logs"})
	if err != nil {
		return err
	}
	var newest []int
	for _, f := range files {
		if n, ok := strings.CutPrefix(path.Base(f.Name), "t.stdout."); ok {
			number, err := strconv.Atoi(n)
			if err != nil {
				return err
			}
			newest = append(newest, number)
		}
	}
	if len(newest) != 3 {
		return fmt.Errorf("%d files of output are kept, want 3", len(newest))
	}
	var text []byte
	for n := min(newest[0], newest[1], newest[2]); n <= max(newest[0], newest[1], newest[2]); n++ {
		part, err := a.file(ctx, id, fmt.Sprintf("alloc/logs/t.stdout.%d", n))
		if err != nil {
			return err
		}
		text = append(text, part...)
	}
	list := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for i, line := range list[1:] { // the first may be cut
		if want := lines - (len(list) - 2) + i; string(line) != strconv.Itoa(want) {
			return fmt.Errorf("line %d of the kept output is %q, want %d", i+1, line, want)
		}
	}
	return nil
}

// file reads a file of an allocation.
func (a *agent) file(ctx context.Context, id, name string) ([]byte, error) {
	resp, err := a.http.Raw(ctx, http.MethodGet, "/v1/client/fs/cat/"+id+"?path="+name, nil, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // reading only
	return io.ReadAll(resp.Body)
}

// plugin finds the process of a driver.
func (a *agent) plugin(driver string) (int, error) {
	for _, pid := range descendants(a.cmd.Process.Pid) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.HasSuffix(strings.TrimRight(string(line), "\x00"), "driver\x00"+driver) {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("the driver %s has no process", driver)
}

// tasks are the processes that wait as tasks do.
func (a *agent) tasks(context.Context) (map[int]bool, error) {
	found := map[int]bool{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || processName(pid) != "sleep" {
			continue
		}
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && bytes.Contains(environ, []byte("NOMAD_JOB_ID=crowd\x00")) && bytes.Contains(environ, []byte(a.dir)) {
			found[pid] = true
		}
	}
	if len(found) < crowd {
		return nil, fmt.Errorf("%d tasks run, want %d", len(found), crowd)
	}
	return found, nil
}

// kill ends the agent's process at once.
func (a *agent) kill() error {
	if err := a.cmd.Process.Kill(); err != nil {
		return err
	}
	<-a.done
	return nil
}

// relaunch starts the agent again after its process has ended.
func (a *agent) relaunch(bin string) error {
	log, err := os.OpenFile(path.Join(a.dir, "log"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the child has its own handle
	return a.launch(bin, log)
}

// toldOf returns what reports whether the log, from there on, has that many lines with the words.
func (a *agent) toldOf(from int64, words string, times int) func(context.Context) bool {
	return func(context.Context) bool {
		log, err := os.Open(path.Join(a.dir, "log"))
		if err != nil {
			return false
		}
		defer func() { _ = log.Close() }() // reading only
		text, err := io.ReadAll(io.NewSectionReader(log, from, 1<<30))
		if err != nil {
			return false
		}
		whole := text[:bytes.LastIndexByte(text, '\n')+1]
		from += int64(len(whole))
		times -= bytes.Count(whole, []byte(words))
		return times <= 0
	}
}

// attached returns what reports whether the agent knows the processes of all tasks of a job: it can say what each uses.
func (a *agent) attached(job string) func(context.Context) bool {
	var waiting []string
	listed := false
	return func(ctx context.Context) bool {
		if !listed {
			allocs, _, err := api.JobAllocations.Call(ctx, a.http, &api.JobAllocationsRequest{JobID: job})
			if err != nil {
				return false
			}
			for _, s := range allocs {
				waiting = append(waiting, s.ID)
			}
			listed = true
		}
		// A first question may have to wait until the driver has measured, so all are asked at once.
		var group errgroup.Group
		missing := make([]bool, len(waiting))
		for i, id := range waiting {
			group.Go(func() error {
				usage, _, err := api.AllocStats.Call(ctx, a.http, &api.AllocStatsRequest{AllocID: id})
				missing[i] = err != nil || len(usage.Tasks) == 0
				return nil //nolint:nilerr // it is asked again
			})
		}
		_ = group.Wait() // of errors that are asked again
		var left []string
		for i, id := range waiting {
			if missing[i] {
				left = append(left, id)
			}
		}
		if waiting = left; len(left) > 0 {
			return false
		}
		return true
	}
}
