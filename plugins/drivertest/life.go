// SPDX-License-Identifier: MPL-2.0

package drivertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

func testExitCodes(t *testing.T, r *rig) {
	for _, code := range []int{0, 1, 42} {
		task, handle := r.start(t, r.Exit(code))
		switch {
		case handle.Version < 1:
			t.Errorf("the handle has version %d, want at least 1", handle.Version)
		case handle.State != drivers.TaskStateRunning:
			t.Errorf("the handle says %q, want running", handle.State)
		case handle.Config.ID != task.ID || !slices.Equal(handle.Config.DriverConfig, task.DriverConfig):
			t.Error("the handle has another task config than the task")
		}
		exit := r.wait(t, task.ID)
		if exit.ExitCode != code || exit.Signal != 0 || (exit.Err != nil) != (r.Explains && code != 0) {
			t.Errorf("the exit is %+v, want code %d", exit, code)
		}
		if exit.Successful() != (code == 0) {
			t.Errorf("code %d counts as success: %v", code, exit.Successful())
		}
		if again := r.wait(t, task.ID); !sameExit(again, exit) {
			t.Errorf("the second wait returned %+v, the first %+v", again, exit)
		}
		status, err := r.driver.InspectTask(r.ctx, task.ID)
		if err != nil {
			t.Fatal(err)
		}
		if status.State != drivers.TaskStateExited || status.Exit.ExitCode != code {
			t.Errorf("the exited task is %s with %+v, want exited with %d", status.State, status.Exit, code)
		}
		if status.CompletedAt.Before(status.StartedAt) || status.StartedAt.IsZero() {
			t.Errorf("the task ran from %v to %v", status.StartedAt, status.CompletedAt)
		}
		r.stop(t, task.ID) // of an exited task is nothing wrong
		if err := r.driver.DestroyTask(r.ctx, task.ID, false); err != nil {
			t.Errorf("destroy the exited task: %v", err)
		}
		if _, err := r.driver.WaitTask(r.ctx, task.ID); !errors.Is(err, drivers.ErrTaskNotFound) {
			t.Errorf("wait for the destroyed task: %v, want %v", err, drivers.ErrTaskNotFound)
		}
	}
}

// sameExit compares exits as they come over the wire.
func sameExit(a, b *drivers.ExitResult) bool {
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	return a.ExitCode == b.ExitCode && a.Signal == b.Signal && a.OOMKilled == b.OOMKilled && text(a.Err) == text(b.Err)
}

func testOutput(t *testing.T, r *rig) {
	task, _ := r.start(t, r.Print("to-stdout\n", "to-stderr\n"))
	expectOutput(r.ctx, t, task.StdoutPath, "to-stdout\n")
	expectOutput(r.ctx, t, task.StderrPath, "to-stderr\n")
	if exit := r.wait(t, task.ID); !exit.Successful() {
		t.Errorf("the task ended with %+v", exit)
	}
}

func testDoubleStart(t *testing.T, r *rig) {
	task, _ := r.run(t)
	if _, _, err := r.driver.StartTask(r.ctx, task); err == nil {
		t.Error("a task was started twice")
	}
	r.stillRunning(t, task.ID)
}

func testInvalid(t *testing.T, r *rig) {
	task := r.task(t, r.Invalid())
	if _, _, err := r.driver.StartTask(r.ctx, task); err == nil {
		t.Error("a task that cannot start was started")
	}
	if _, err := r.driver.InspectTask(r.ctx, task.ID); !errors.Is(err, drivers.ErrTaskNotFound) {
		t.Errorf("inspect the task that did not start: %v, want %v", err, drivers.ErrTaskNotFound)
	}
	// The same ID can be used once more.
	task.DriverConfig = r.encode(t, r.Run())
	r.startConfig(t, task)
	r.stillRunning(t, task.ID)
}

func testInspect(t *testing.T, r *rig) {
	task, _ := r.run(t)
	status, err := r.driver.InspectTask(r.ctx, task.ID)
	if err != nil {
		t.Fatal(err)
	}
	if status.ID != task.ID || status.Name != task.Name || status.State != drivers.TaskStateRunning {
		t.Errorf("the status is %+v, want that of the running task %s", status, task.ID)
	}
	if status.StartedAt.IsZero() {
		t.Error("the running task has no start time")
	}
	if !status.CompletedAt.IsZero() {
		t.Errorf("the running task completed at %v", status.CompletedAt)
	}
}

func testWait(t *testing.T, r *rig) {
	task, _ := r.run(t)

	ctx, cancel := contextOf(r)
	cancelled := make(chan error, 1)
	go func() {
		_, err := r.driver.WaitTask(ctx, task.ID)
		cancelled <- err
	}()
	const waiters = 8
	exits := make(chan *drivers.ExitResult, waiters)
	for range waiters {
		go func() {
			exit, err := r.driver.WaitTask(r.ctx, task.ID)
			if err != nil {
				exit = &drivers.ExitResult{Err: err}
			}
			exits <- exit
		}()
	}
	r.stillRunning(t, task.ID)
	cancel()
	if err, _ := receive(r, cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled wait returned %v, want %v", err, context.Canceled)
	}
	r.stillRunning(t, task.ID)
	r.stop(t, task.ID)
	want := r.wait(t, task.ID)
	for range waiters {
		got, ok := receive(r, exits)
		if !ok {
			t.Fatal("a wait did not return when the task had exited")
		}
		if *got != *want {
			t.Errorf("one wait returned %+v, another %+v", got, want)
		}
	}
}

func testConcurrentTasks(t *testing.T, r *rig) {
	const count = 10
	tasks := make([]*drivers.TaskConfig, count)
	for i := range tasks {
		tasks[i] = r.task(t, r.Exit(i))
	}
	var group sync.WaitGroup
	for code, task := range tasks {
		group.Go(func() {
			if _, _, err := r.driver.StartTask(r.ctx, task); err != nil {
				t.Errorf("start the task: %v", err)
				return
			}
			exit, err := r.driver.WaitTask(r.ctx, task.ID)
			if err != nil || exit.ExitCode != code {
				t.Errorf("the task ended with %+v, %v; want code %d", exit, err, code)
			}
			if err := r.driver.DestroyTask(r.ctx, task.ID, true); err != nil {
				t.Errorf("destroy the task: %v", err)
			}
		})
	}
	group.Wait()
}

func testStop(t *testing.T, r *rig) {
	task, _ := r.run(t)
	r.stop(t, task.ID)
	exit := r.wait(t, task.ID)
	if exit.Err != nil {
		t.Errorf("the stopped task ended with the error %v", exit.Err)
	}
	r.stop(t, task.ID)

	task, _ = r.run(t)
	if err := r.driver.StopTask(r.ctx, task.ID, 0, ""); err != nil {
		t.Errorf("stop without any time: %v", err)
	}
	r.wait(t, task.ID)
}

func testStopStubborn(t *testing.T, r *rig) {
	task, _ := r.start(t, r.Stubborn())
	expectOutput(r.ctx, t, task.StdoutPath, "ready")
	if err := r.driver.StopTask(r.ctx, task.ID, deadline/300, "SIGTERM"); err != nil {
		t.Fatalf("stop the stubborn task: %v", err)
	}
	exit := r.wait(t, task.ID)
	if exit.ExitCode != 137 || exit.Signal != 9 && !r.HidesSignals {
		t.Errorf("the stubborn task ended with %+v, want signal 9 and code 137", exit)
	}
}

func testDestroy(t *testing.T, r *rig) {
	task, _ := r.run(t)
	if err := r.driver.DestroyTask(r.ctx, task.ID, false); err == nil {
		t.Fatal("a running task was destroyed without force")
	}
	r.stillRunning(t, task.ID)
	if err := r.driver.DestroyTask(r.ctx, task.ID, true); err != nil {
		t.Fatalf("destroy the running task by force: %v", err)
	}
	if _, err := r.driver.InspectTask(r.ctx, task.ID); !errors.Is(err, drivers.ErrTaskNotFound) {
		t.Errorf("inspect the destroyed task: %v, want %v", err, drivers.ErrTaskNotFound)
	}
	r.startConfig(t, task) // its ID is free again
}

func testUnknownTask(t *testing.T, r *rig) {
	const id = "00000000-0000-4000-8000-000000000bad/t/00000000"
	calls := map[string]func() error{
		"wait":    func() error { _, err := r.driver.WaitTask(r.ctx, id); return err },
		"stop":    func() error { return r.driver.StopTask(r.ctx, id, 0, "") },
		"destroy": func() error { return r.driver.DestroyTask(r.ctx, id, true) },
		"inspect": func() error { _, err := r.driver.InspectTask(r.ctx, id); return err },
	}
	if r.Signals {
		calls["signal"] = func() error { return r.driver.SignalTask(r.ctx, id, "SIGHUP") }
	}
	if r.Exec != nil {
		calls["exec"] = func() error {
			_, err := r.driver.ExecTask(r.ctx, id, []string{"true"}, deadline)
			return err
		}
		calls["exec streaming"] = func() error {
			_, err := r.driver.ExecTaskStreaming(r.ctx, id, &drivers.ExecOptions{Command: []string{"true"}})
			return err
		}
	}
	if r.Stats {
		calls["stats"] = func() error {
			stream, err := r.driver.TaskStats(r.ctx, id, deadline)
			if err != nil {
				return err
			}
			message, ok := receive(r, stream)
			if !ok {
				return errors.New("the stream ended without an error")
			}
			return message.Err
		}
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, drivers.ErrTaskNotFound) {
			t.Errorf("%s of an unknown task: %v, want %v", name, err, drivers.ErrTaskNotFound)
		}
	}
}
