// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// shellJob is a job of one raw_exec task that runs a shell script.
func shellJob(id, kind string, count int, script string) *nomad.Job {
	job := nomad.NewServiceJob(id, id, "global", 50)
	if kind == "batch" {
		job = nomad.NewBatchJob(id, id, "global", 50)
	}
	task := nomad.NewTask("main", "raw_exec").SetConfig("command", "/bin/sh").SetConfig("args", []string{"-c", script})
	cpu, mem := 20, 16
	task.Require(&nomad.Resources{CPU: &cpu, MemoryMB: &mem})
	group := nomad.NewTaskGroup("g", count).AddTask(task)
	return job.AddDatacenter("*").AddTaskGroup(group)
}

func (a *agent) register(job *nomad.Job) *nomad.JobRegisterResponse {
	a.t.Helper()
	resp, meta, err := a.client.Jobs().Register(job, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	if resp.EvalID == "" || meta.LastIndex == 0 {
		a.t.Fatalf("register answered %+v %+v", resp, meta)
	}
	return resp
}

// running waits until count allocations of the job run and returns them.
func (a *agent) running(job string, count int) []*nomad.AllocationListStub {
	a.t.Helper()
	var out []*nomad.AllocationListStub
	a.eventually(fmt.Sprintf("%d allocations of %s run", count, job), func() error {
		allocs, _, err := a.client.Jobs().Allocations(job, false, nil)
		if err != nil {
			return err
		}
		out = nil
		states, failed := map[string]int{}, ""
		for _, s := range allocs {
			states[s.DesiredStatus+"/"+s.ClientStatus]++
			switch {
			case s.DesiredStatus == "run" && s.ClientStatus == "running":
				out = append(out, s)
			case s.ClientStatus == "failed":
				for _, task := range s.TaskStates {
					failed += eventText(task)
				}
			}
		}
		if len(out) != count {
			return fmt.Errorf("allocations are %v%s", states, failed)
		}
		return nil
	})
	return out
}

func (a *agent) logs(alloc *nomad.Allocation, task string) string {
	a.t.Helper()
	stop := make(chan struct{})
	defer close(stop)
	frames, errs := a.client.AllocFS().Logs(alloc, false, task, "stdout", "start", 0, stop, nil)
	var b strings.Builder
	for {
		select {
		case f, ok := <-frames:
			if !ok {
				return b.String()
			}
			b.Write(f.Data)
		case err := <-errs:
			if err != nil && !errors.Is(err, io.EOF) {
				a.t.Fatalf("logs: %v", err)
			}
			return b.String()
		case <-time.After(patience):
			a.t.Fatal("logs never ended")
		}
	}
}

func TestServiceJob(t *testing.T) {
	a := newAgent(t, true, "").start()
	resp := a.register(shellJob("web", "service", 2, `echo data > "$NOMAD_TASK_DIR/file"; echo "hello from $NOMAD_ALLOC_NAME"; exec sleep 1000`))
	allocs := a.running("web", 2)
	a.eventually("the evaluation is complete", func() error {
		ev, _, err := a.client.Evaluations().Info(resp.EvalID, nil)
		if err == nil && ev.Status != "complete" {
			err = errors.New(ev.Status)
		}
		return err
	})

	job, _, err := a.client.Jobs().Info("web", nil)
	if err != nil || *job.Status != "running" || *job.Version != 0 || *job.Priority != 50 || *job.TaskGroups[0].RestartPolicy.Attempts != 2 {
		t.Fatalf("job is %+v %v", job, err)
	}
	sum, _, err := a.client.Jobs().Summary("web", nil)
	if err != nil || sum.Summary["g"].Running != 2 {
		t.Errorf("summary is %+v %v", sum, err)
	}
	full, _, err := a.client.Allocations().Info(allocs[0].ID, nil)
	if err != nil || full.TaskStates["main"].State != "running" || full.Job == nil || full.AllocatedResources.Tasks["main"].Cpu.CpuShares != 20 {
		t.Fatalf("allocation is %+v %v", full, err)
	}
	a.eventually("the log arrived", func() error {
		if got := a.logs(full, "main"); got != "hello from "+full.Name+"\n" {
			return fmt.Errorf("the log is %q", got)
		}
		return nil
	})
	files, _, err := a.client.AllocFS().List(full, "main/local", nil)
	if err != nil || len(files) != 1 || files[0].Name != "file" || files[0].Size != 5 {
		t.Errorf("files are %+v %v", files, err)
	}
	body, err := a.client.AllocFS().Cat(full, "main/local/file", nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(body); err != nil || string(text) != "data\n" {
		t.Errorf("file is %q %v", text, err)
	}
	if _, _, err := a.client.AllocFS().Stat(full, "../../../etc/passwd", nil); err == nil || !strings.Contains(err.Error(), "escapes") {
		t.Errorf("a path outside answers %v", err)
	}

	if err := a.client.Allocations().Restart(full, "main", nil); err != nil {
		t.Error(err)
	}
	a.eventually("the task restarted", func() error {
		now, _, err := a.client.Allocations().Info(full.ID, nil)
		if err == nil && now.TaskStates["main"].Restarts != 1 {
			err = fmt.Errorf("restarts: %d", now.TaskStates["main"].Restarts)
		}
		return err
	})
	if _, err := a.client.Allocations().Stop(full, nil); err != nil {
		t.Error(err)
	}
	a.eventually("the stopped allocation was replaced", func() error {
		for _, s := range a.running("web", 2) {
			if s.ID == full.ID {
				return errors.New("it still runs")
			}
		}
		return nil
	})
	if _, _, err := a.client.Jobs().Deregister("web", true, nil); err != nil {
		t.Error(err)
	}
	a.eventually("the job is gone", func() error {
		if _, _, err := a.client.Jobs().Info("web", nil); err == nil || !strings.Contains(err.Error(), "404 (job not found)") {
			return fmt.Errorf("reading it: %v", err)
		}
		return nil
	})
}

func TestUpdateAndPlan(t *testing.T) {
	a := newAgent(t, true, "").start()
	job := shellJob("app", "service", 2, "exec sleep 1000")
	plan, _, err := a.client.Jobs().Plan(job, true, nil)
	if err != nil || plan.Diff.Type != "Added" || plan.Annotations.DesiredTGUpdates["g"].Place != 2 || plan.JobModifyIndex != 0 {
		t.Fatalf("plan of a new job is %+v %v", plan, err)
	}
	a.register(job)
	first := a.running("app", 2)

	again := shellJob("app", "service", 2, "exec sleep 1000")
	a.register(again)
	if stored, _, err := a.client.Jobs().Info("app", nil); err != nil || *stored.Version != 0 {
		t.Errorf("the same job made version %d %v", *stored.Version, err)
	}
	bigger := shellJob("app", "service", 3, "exec sleep 1000")
	plan, _, err = a.client.Jobs().Plan(bigger, true, nil)
	if err != nil || plan.Diff.Type != "Edited" || plan.Annotations.DesiredTGUpdates["g"].Place != 1 || plan.Annotations.DesiredTGUpdates["g"].DestructiveUpdate != 0 {
		t.Fatalf("plan of a bigger count is %+v %v", plan.Annotations.DesiredTGUpdates["g"], err)
	}
	a.register(bigger)
	kept := 0
	for _, s := range a.running("app", 3) {
		for _, f := range first {
			if s.ID == f.ID {
				kept++
			}
		}
	}
	if kept != 2 {
		t.Errorf("a bigger count kept %d of 2 allocations", kept)
	}
	changed := shellJob("app", "service", 3, "exec sleep 2000")
	if _, _, err := a.client.Jobs().EnforceRegister(changed, 1, nil); err == nil || !strings.Contains(err.Error(), "conflicting job modify index") {
		t.Errorf("a wrong index answers %v", err)
	}
	a.register(changed)
	a.eventually("every instance was replaced", func() error {
		for _, s := range a.running("app", 3) {
			if s.JobVersion != 2 {
				return fmt.Errorf("allocation %s is of version %d", s.ID, s.JobVersion)
			}
		}
		return nil
	})
	versions, diffs, _, err := a.client.Jobs().Versions("app", true, nil)
	if err != nil || len(versions) != 3 || len(diffs) != 2 || *versions[0].Version != 2 {
		t.Errorf("versions: %d, diffs: %d, %v", len(versions), len(diffs), err)
	}
}

func TestBatchJob(t *testing.T) {
	a := newAgent(t, true, "").start()
	a.register(shellJob("sum", "batch", 3, `echo "index $NOMAD_ALLOC_INDEX"`))
	a.eventually("the batch job is dead and complete", func() error {
		sum, _, err := a.client.Jobs().Summary("sum", nil)
		if err != nil {
			return err
		}
		job, _, err := a.client.Jobs().Info("sum", nil)
		if err != nil {
			return err
		}
		if sum.Summary["g"].Complete != 3 || *job.Status != "dead" {
			return fmt.Errorf("status %s, %+v", *job.Status, sum.Summary["g"])
		}
		return nil
	})
	fail := shellJob("fail", "batch", 1, "exit 3")
	attempts, delay, interval, mode := 1, time.Second, time.Minute, "fail"
	fail.TaskGroups[0].RestartPolicy = &nomad.RestartPolicy{Attempts: &attempts, Delay: &delay, Interval: &interval, Mode: &mode}
	none, unlimited := 0, false
	fail.TaskGroups[0].ReschedulePolicy = &nomad.ReschedulePolicy{Attempts: &none, Unlimited: &unlimited}
	a.register(fail)
	a.eventually("the failing task was restarted once and failed", func() error {
		allocs, _, err := a.client.Jobs().Allocations("fail", false, nil)
		if err != nil || len(allocs) == 0 {
			return fmt.Errorf("%d allocations, %v", len(allocs), err)
		}
		st := allocs[0].TaskStates["main"]
		if allocs[0].ClientStatus != "failed" || st == nil || st.Restarts != 1 || !st.Failed {
			return fmt.Errorf("%s %+v", allocs[0].ClientStatus, st)
		}
		return nil
	})
}

func TestBlockedAndUnblocked(t *testing.T) {
	a := newAgent(t, true, "").start()
	nodes, _, err := a.client.Nodes().List(nil)
	if err != nil {
		t.Fatal(err)
	}
	big := shellJob("big", "service", 1, "exec sleep 1000")
	mem := 1 << 24
	big.TaskGroups[0].Tasks[0].Resources.MemoryMB = &mem
	resp := a.register(big)
	a.eventually("the evaluation failed to place", func() error {
		ev, _, err := a.client.Evaluations().Info(resp.EvalID, nil)
		if err != nil {
			return err
		}
		m := ev.FailedTGAllocs["g"]
		if ev.Status != "complete" || m == nil || m.DimensionExhausted["memory"] != 1 || ev.BlockedEval == "" {
			return fmt.Errorf("evaluation is %s %+v", ev.Status, m)
		}
		return nil
	})
	if _, err := a.client.Nodes().ToggleEligibility(nodes[0].ID, false, nil); err != nil {
		t.Fatal(err)
	}
	a.register(shellJob("later", "service", 1, "exec sleep 1000"))
	a.eventually("the second job is blocked", func() error {
		evals, _, err := a.client.Jobs().Evaluations("later", nil)
		if err != nil {
			return err
		}
		for _, e := range evals {
			if e.Status == "blocked" {
				return nil
			}
		}
		return errors.New("nothing is blocked")
	})
	if _, err := a.client.Nodes().ToggleEligibility(nodes[0].ID, true, nil); err != nil {
		t.Fatal(err)
	}
	a.running("later", 1)
}

func TestBlockingQueryAndEvents(t *testing.T) {
	a := newAgent(t, true, "").start()
	_, meta, err := a.client.Jobs().List(nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		jobs, m, err := a.client.Jobs().List(&nomad.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: patience})
		if err == nil && (len(jobs) != 1 || m.LastIndex <= meta.LastIndex) {
			err = fmt.Errorf("woke with %d jobs at %d", len(jobs), m.LastIndex)
		}
		got <- err
	}()
	events, err := a.client.EventStream().Stream(t.Context(), map[nomad.Topic][]string{nomad.TopicJob: {"*"}}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.register(shellJob("seen", "service", 1, "exec sleep 1000"))
	if err := <-got; err != nil {
		t.Error(err)
	}
	deadline := time.After(patience)
	for {
		select {
		case e := <-events:
			if e.Err != nil {
				t.Fatal(e.Err)
			}
			for _, ev := range e.Events {
				if ev.Type == "JobRegistered" && ev.Key == "seen" {
					job, err := ev.Job()
					if err != nil || *job.ID != "seen" {
						t.Errorf("the event's job is %+v %v", job, err)
					}
					return
				}
			}
		case <-deadline:
			t.Fatal("no event of the registration")
		}
	}
}

func TestSignals(t *testing.T) {
	a := newAgent(t, true, "").start()
	a.register(shellJob("trap", "batch", 1, `trap 'echo hup' HUP; trap 'echo int; exit 0' INT; echo ready; while :; do sleep 0.05; done`))
	full, _, err := a.client.Allocations().Info(a.running("trap", 1)[0].ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	logged := func(want string) {
		t.Helper()
		a.eventually("the task says "+want, func() error {
			if got := a.logs(full, "main"); !strings.HasSuffix(got, want+"\n") {
				return fmt.Errorf("the log is %q", got)
			}
			return nil
		})
	}
	logged("ready")
	if err := a.client.Allocations().Signal(full, nil, "main", "SIGHUP"); err != nil {
		t.Fatal(err)
	}
	logged("hup")
	// A name that is no signal interrupts the task.
	if err := a.client.Allocations().Signal(full, nil, "main", "SIGFOO"); err != nil {
		t.Fatal(err)
	}
	logged("int")
	a.eventually("the task ended well", func() error {
		now, _, err := a.client.Allocations().Info(full.ID, nil)
		if err == nil && now.ClientStatus != "complete" {
			err = errors.New(now.ClientStatus)
		}
		return err
	})
	if err := a.client.Allocations().Signal(full, nil, "none", "SIGHUP"); err == nil {
		t.Error("a task that does not exist took a signal")
	}
}

func eventText(state *nomad.TaskState) string {
	if state == nil {
		return "no events"
	}
	var b strings.Builder
	for _, e := range state.Events {
		fmt.Fprintf(&b, "\n    %s: %s", e.Type, e.DisplayMessage)
	}
	return b.String()
}
