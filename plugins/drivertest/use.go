// SPDX-License-Identifier: MPL-2.0

package drivertest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

func testSignal(t *testing.T, r *rig) {
	if r.Trap == nil || !streamsReadable {
		task, _ := r.run(t)
		if err := r.driver.SignalTask(r.ctx, task.ID, "SIGHUP"); err != nil {
			t.Errorf("signal the task: %v", err)
		}
		return
	}
	task, _ := r.start(t, r.Trap("SIGUSR1", "got-it"))
	expectOutput(r.ctx, t, task.StdoutPath, "ready")
	if err := r.driver.SignalTask(r.ctx, task.ID, "SIGUSR1"); err != nil {
		t.Fatalf("signal the task: %v", err)
	}
	expectOutput(r.ctx, t, task.StdoutPath, "got-it")
	// What a name that is no signal does is up to the driver.
	r.stillRunning(t, task.ID)
}

func testSignalUnsupported(t *testing.T, r *rig) {
	task, _ := r.run(t)
	if err := r.driver.SignalTask(r.ctx, task.ID, "SIGHUP"); !errors.Is(err, drivers.ErrSignalsUnsupported) {
		t.Errorf("signal the task: %v, want %v", err, drivers.ErrSignalsUnsupported)
	}
}

func testStats(t *testing.T, r *rig) {
	task, _ := r.run(t)
	ctx, cancel := contextOf(r)
	defer cancel()
	stream, err := r.driver.TaskStats(ctx, task.ID, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	var last time.Time
	for range 3 {
		sample, ok := receive(r, stream)
		switch {
		case !ok:
			t.Fatal("the statistics ended while the task runs")
		case sample.Err != nil:
			t.Fatal(sample.Err)
		case !sample.Timestamp.After(last):
			t.Errorf("a sample of %v came after one of %v", sample.Timestamp, last)
		case len(sample.Usage.Memory.Measured) == 0 && len(sample.Usage.CPU.Measured) == 0:
			t.Error("a sample measures nothing")
		}
		last = sample.Timestamp
	}
	cancel()
	drained(t, r, stream)

	// A stream does not outlive its task for long.
	stream, err = r.driver.TaskStats(r.ctx, task.ID, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	r.stop(t, task.ID)
	if err := r.driver.DestroyTask(r.ctx, task.ID, true); err != nil {
		t.Fatal(err)
	}
	drained(t, r, stream)
}

func testExec(t *testing.T, r *rig) {
	task, _ := r.run(t)
	if r.Exec.Echo != nil {
		for _, code := range []int{0, 3} {
			result, err := r.driver.ExecTask(r.ctx, task.ID, r.Exec.Echo("hello", code), deadline)
			if err != nil {
				t.Fatalf("run a command: %v", err)
			}
			if !strings.Contains(string(result.Stdout), "hello") || result.Exit.ExitCode != code {
				t.Errorf("the command printed %q and ended with %+v, want hello and %d",
					result.Stdout, result.Exit, code)
			}
		}
	}
	if r.Exec.Hang != nil {
		_, err := r.driver.ExecTask(r.ctx, task.ID, r.Exec.Hang, deadline/300)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a command that hangs returned %v, want %v", err, context.DeadlineExceeded)
		}
	}
	r.stillRunning(t, task.ID)
}

func testExecStreaming(t *testing.T, r *rig) {
	task, _ := r.run(t)
	exec := func(t *testing.T, opts *drivers.ExecOptions) (string, string, *drivers.ExitResult) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		opts.Stdout, opts.Stderr = &stdout, &stderr
		exit, err := r.driver.ExecTaskStreaming(r.ctx, task.ID, opts)
		if err != nil {
			t.Fatalf("run a command: %v", err)
		}
		return stdout.String(), stderr.String(), exit
	}
	if command := r.Exec.Echo; command != nil {
		t.Run("echo", func(t *testing.T) {
			stdout, stderr, exit := exec(t, &drivers.ExecOptions{Command: command("hello", 5)})
			if stdout != "hello" || stderr != "" || exit.ExitCode != 5 {
				t.Errorf("got %q, %q and %+v; want hello and code 5", stdout, stderr, exit)
			}
		})
	}
	if command := r.Exec.EchoStderr; command != nil {
		t.Run("stderr", func(t *testing.T) {
			stdout, stderr, exit := exec(t, &drivers.ExecOptions{Command: command("oops")})
			if stdout != "" || stderr != "oops" || exit.ExitCode != 0 {
				t.Errorf("got %q, %q and %+v; want oops on stderr", stdout, stderr, exit)
			}
		})
	}
	if r.Exec.Cat != nil {
		t.Run("input", func(t *testing.T) {
			long := strings.Repeat("0123456789abcde\n", 16<<10) // 256 KiB
			stdout, _, exit := exec(t, &drivers.ExecOptions{Command: r.Exec.Cat, Stdin: strings.NewReader(long)})
			if stdout != long || exit.ExitCode != 0 {
				t.Errorf("%d bytes came back of %d, and %+v", len(stdout), len(long), exit)
			}
		})
	}
	if r.Exec.Sized != nil {
		t.Run("terminal", func(t *testing.T) {
			resize := make(chan drivers.TerminalSize, 1)
			resize <- drivers.TerminalSize{Height: 40, Width: 120}
			stdout, _, exit := exec(t, &drivers.ExecOptions{Command: r.Exec.Sized, TTY: true, Resize: resize})
			if !strings.Contains(stdout, "sized") || exit.ExitCode != 0 {
				t.Errorf("got %q and %+v, want sized", stdout, exit)
			}
		})
		t.Run("no terminal", func(t *testing.T) {
			if _, _, exit := exec(t, &drivers.ExecOptions{Command: r.Exec.Sized}); exit.ExitCode == 0 {
				t.Error("a command found a terminal where there is none")
			}
		})
	}
	if r.Exec.Hang != nil {
		t.Run("cancel", func(t *testing.T) {
			ctx, cancel := contextOf(r)
			cancel()
			_, err := r.driver.ExecTaskStreaming(ctx, task.ID, &drivers.ExecOptions{Command: r.Exec.Hang})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the cancelled command returned %v, want %v", err, context.Canceled)
			}
		})
	}
	r.stillRunning(t, task.ID)
}
