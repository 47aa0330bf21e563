// SPDX-License-Identifier: MPL-2.0

package mock

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/config"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// The suite in driver_test.go runs the driver as a process; the tests here run
// it in bubbles, where time costs nothing.

func newDriver(t *testing.T) *Driver {
	t.Helper()
	d := New(hclog.NewNullLogger())
	d.exit = func(int) { t.Error("the plugin crashed") }
	return d
}

func taskOf(t *testing.T, id string, values map[string]any) *drivers.TaskConfig {
	t.Helper()
	schema, err := config.Compile(taskSchema)
	if err != nil {
		t.Fatal(err)
	}
	data, err := schema.Encode(values, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &drivers.TaskConfig{ID: id, Name: "name-" + id, DriverConfig: data}
}

func start(t *testing.T, d *Driver, id string, values map[string]any) *drivers.TaskHandle {
	t.Helper()
	handle, _, err := d.StartTask(t.Context(), taskOf(t, id, values))
	if err != nil {
		t.Fatal(err)
	}
	return handle
}

// waited returns the exit of a task and the time until it.
func waited(t *testing.T, d *Driver, id string) (*drivers.ExitResult, time.Duration) {
	t.Helper()
	begin := time.Now()
	exit, err := d.WaitTask(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return exit, time.Since(begin)
}

func TestTaskEnds(t *testing.T) {
	tests := map[string]struct {
		give    map[string]any
		want    drivers.ExitResult
		errText string
		after   time.Duration
	}{
		"at once":      {give: map[string]any{}, want: drivers.ExitResult{}},
		"after a time": {give: map[string]any{"run_for": "1h", "exit_code": 3}, want: drivers.ExitResult{ExitCode: 3}, after: time.Hour},
		"by a signal":  {give: map[string]any{"exit_code": 143, "exit_signal": 15}, want: drivers.ExitResult{ExitCode: 143, Signal: 15}},
		"with an error": {
			give: map[string]any{"run_for": "1s", "exit_err_msg": "boom"}, errText: "boom", after: time.Second,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDriver(t)
				start(t, d, "a", test.give)
				exit, after := waited(t, d, "a")
				if after != test.after {
					t.Errorf("the task ran for %v, want %v", after, test.after)
				}
				if test.errText != "" && (exit.Err == nil || exit.Err.Error() != test.errText) {
					t.Errorf("the error is %v, want %s", exit.Err, test.errText)
				}
				if exit.ExitCode != test.want.ExitCode || exit.Signal != test.want.Signal {
					t.Errorf("the exit is %+v, want %+v", exit, test.want)
				}
			})
		})
	}
}

func TestStartFails(t *testing.T) {
	for name, recoverable := range map[string]bool{"for good": false, "for now": true} {
		t.Run(name, func(t *testing.T) {
			d := newDriver(t)
			_, _, err := d.StartTask(t.Context(), taskOf(t, "a", map[string]any{
				"start_error": "no luck", "start_error_recoverable": recoverable,
			}))
			if err == nil || err.Error() != "no luck" || drivers.IsRecoverable(err) != recoverable {
				t.Errorf("the error is %v, recoverable %v", err, drivers.IsRecoverable(err))
			}
			if _, err := d.InspectTask(t.Context(), "a"); !errors.Is(err, drivers.ErrTaskNotFound) {
				t.Errorf("the task that did not start is known: %v", err)
			}
		})
	}
}

func TestStartBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t)
		begin := time.Now()
		start(t, d, "a", map[string]any{"start_block_for": "1m"})
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("the start took %v, want a minute", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := d.StartTask(ctx, taskOf(t, "b", map[string]any{"start_block_for": "1m"}))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the blocked start returned %v", err)
		}
	})
}

func TestStop(t *testing.T) {
	tests := map[string]struct {
		killAfter string
		timeout   time.Duration
		after     time.Duration
		want      int
	}{
		"at once":          {"", time.Minute, 0, 4},
		"after a while":    {"5s", time.Minute, 5 * time.Second, 4},
		"not soon enough":  {"5m", time.Minute, time.Minute, 137},
		"without any time": {"5m", 0, 0, 137},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDriver(t)
				start(t, d, "a", map[string]any{"run_for": "1h", "kill_after": test.killAfter, "exit_code": 4})
				begin := time.Now()
				if err := d.StopTask(t.Context(), "a", test.timeout, ""); err != nil {
					t.Fatal(err)
				}
				exit, _ := waited(t, d, "a")
				if took := time.Since(begin); took != test.after || exit.ExitCode != test.want {
					t.Errorf("the task ended after %v with %+v, want %v and code %d", took, exit, test.after, test.want)
				}
			})
		})
	}
}

func TestRecovery(t *testing.T) {
	tests := map[string]struct {
		away time.Duration
		left time.Duration
	}{
		"while it runs":      {20 * time.Minute, 40 * time.Minute},
		"after it has ended": {2 * time.Hour, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := newDriver(t)
				handle := start(t, first, "a", map[string]any{"run_for": "1h", "exit_code": 9})
				handle.Config.DriverConfig = nil // as hosts exist that drop it
				if err := first.DestroyTask(t.Context(), "a", true); err != nil {
					t.Fatal(err)
				}
				if err := run.Sleep(t.Context(), test.away); err != nil {
					t.Fatal(err)
				}
				second := newDriver(t)
				if err := second.RecoverTask(t.Context(), handle); err != nil {
					t.Fatal(err)
				}
				exit, left := waited(t, second, "a")
				if left != test.left || exit.ExitCode != 9 {
					t.Errorf("the task ran on for %v and ended with %+v, want %v", left, exit, test.left)
				}
			})
		})
	}
}

func TestRecoveryRefuses(t *testing.T) {
	d := newDriver(t)
	handle := start(t, newDriver(t), "a", map[string]any{})
	handle.Version = 2
	if err := d.RecoverTask(t.Context(), handle); err == nil {
		t.Error("a handle of another version was accepted")
	}
}

// TestPluginExit crashes the plugin, but not again after recovery.
func TestPluginExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t)
		crashes := make(chan time.Time, 2)
		d.exit = func(int) { crashes <- time.Now() }
		begin := time.Now()
		handle := start(t, d, "a", map[string]any{"run_for": "1h", "plugin_exit_after": "1m"})
		if after := (<-crashes).Sub(begin); after != time.Minute {
			t.Errorf("the plugin crashed after %v, want a minute", after)
		}
		next := newDriver(t) // whose crash is an error
		if err := next.RecoverTask(t.Context(), handle); err != nil {
			t.Fatal(err)
		}
		waited(t, next, "a")
		waited(t, d, "a")
	})
}

func TestOverride(t *testing.T) {
	d := newDriver(t)
	_, override, err := d.StartTask(t.Context(), taskOf(t, "a", map[string]any{
		"driver_ip": "10.0.0.1", "driver_advertise": true, "driver_port_map": "http:80",
	}))
	if err != nil || override.IP != "10.0.0.1" || !override.AutoAdvertise || override.PortMap["http"] != 80 {
		t.Errorf("the override is %+v, %v", override, err)
	}
	if _, override, err = d.StartTask(t.Context(), taskOf(t, "b", nil)); err != nil || override != nil {
		t.Errorf("a task without an address has the override %+v, %v", override, err)
	}
	for _, broken := range []string{"http", "http:x", ":"} {
		if _, _, err := d.StartTask(t.Context(), taskOf(t, "c", map[string]any{"driver_port_map": broken})); err == nil {
			t.Errorf("the port map %q was accepted", broken)
		}
	}
}

func TestSignal(t *testing.T) {
	d := newDriver(t)
	start(t, d, "a", map[string]any{"run_for": "1h", "signal_error": "deaf"})
	if err := d.SignalTask(t.Context(), "a", "SIGHUP"); err == nil || err.Error() != "deaf" {
		t.Errorf("the error is %v", err)
	}
}

func TestExec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t)
		start(t, d, "a", map[string]any{"run_for": "1h", "exec_command": map[string]any{
			"run_for": "10s", "exit_code": 5, "stdout_string": "out ", "stdout_repeat": 2,
			"stdout_repeat_duration": "3s", "stderr_string": "err",
		}})
		result, err := d.ExecTask(t.Context(), "a", []string{"ls", "-l"}, time.Second)
		if want := `Exec("name-a", ["ls" "-l"])`; err != nil || string(result.Stdout) != want || result.Exit.ExitCode != 0 {
			t.Errorf("the command printed %q, %v; want %q", result.Stdout, err, want)
		}

		var stdout, stderr bytes.Buffer
		opts := &drivers.ExecOptions{Command: []string{"x"}, Stdout: &stdout, Stderr: &stderr}
		begin := time.Now()
		exit, err := d.ExecTaskStreaming(t.Context(), "a", opts)
		if err != nil || exit.ExitCode != 5 || time.Since(begin) != 10*time.Second {
			t.Errorf("the command ended with %+v, %v after %v", exit, err, time.Since(begin))
		}
		if stdout.String() != "out out out " || stderr.String() != "err" {
			t.Errorf("the command printed %q and %q", stdout.String(), stderr.String())
		}

		stdout.Reset()
		opts = &drivers.ExecOptions{
			Command: []string{"showinput"}, TTY: true, Stdin: strings.NewReader("typed"), Stdout: &stdout,
		}
		if _, err := d.ExecTaskStreaming(t.Context(), "a", opts); err != nil || stdout.String() != "tty: true\ntyped" {
			t.Errorf("showinput printed %q, %v", stdout.String(), err)
		}

		start(t, d, "b", map[string]any{"run_for": "1h"})
		if _, err := d.ExecTaskStreaming(t.Context(), "b", &drivers.ExecOptions{Command: []string{"x"}}); err == nil {
			t.Error("a command was simulated that nobody described")
		}
		for _, id := range []string{"a", "b"} {
			if err := d.DestroyTask(t.Context(), id, true); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestRepeatedOutput counts what a task has printed, before and after recovery.
func TestRepeatedOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stdout := filepath.Join(t.TempDir(), "stdout")
		if err := os.WriteFile(stdout, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		printed := func() int {
			data, err := os.ReadFile(stdout)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Count(string(data), "tick\n")
		}
		d := newDriver(t)
		task := taskOf(t, "a", map[string]any{
			"run_for": "1h", "stdout_string": "tick\n", "stdout_repeat": 9, "stdout_repeat_duration": "1m",
		})
		task.StdoutPath = stdout
		handle, _, err := d.StartTask(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		_ = run.Sleep(t.Context(), 150*time.Second)
		if got := printed(); got != 3 {
			t.Errorf("the task has printed %d lines, want 3", got)
		}
		if err := d.DestroyTask(t.Context(), "a", true); err != nil {
			t.Fatal(err)
		}
		// The file is written from its start again, which hides the lines
		// above: seven are left.
		if err := os.Truncate(stdout, 0); err != nil {
			t.Fatal(err)
		}
		next := newDriver(t)
		if err := next.RecoverTask(t.Context(), handle); err != nil {
			t.Fatal(err)
		}
		waited(t, next, "a")
		if got := printed(); got != 7 {
			t.Errorf("the recovered task has printed %d lines, want 7", got)
		}
	})
}

func TestFingerprint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t)
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := d.Fingerprint(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if first := <-stream; first.Health != drivers.HealthHealthy || first.Attributes["driver.mock_driver"].Render() != "true" {
			t.Errorf("the first fingerprint is %+v", first)
		}
		values, err := hclspec.Encode(map[string]any{
			"shutdown_periodic_after": true, "shutdown_periodic_duration": int64(time.Minute),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.SetConfig(ctx, &base.Config{Values: values}); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if again := <-stream; again.Health != drivers.HealthHealthy {
			t.Errorf("the fingerprint after the configuration is %+v", again)
		}
		last := <-stream
		if last.Health != drivers.HealthUndetected || last.HealthDescription != "disabled" || time.Since(begin) != time.Minute {
			t.Errorf("after %v the fingerprint is %+v", time.Since(begin), last)
		}
		cancel()
		if _, more := <-stream; more {
			t.Error("the stream goes on")
		}
	})
}

func TestPluginConfig(t *testing.T) {
	d := newDriver(t)
	for isolation, valid := range map[string]bool{"image": true, "none": true, "unveil": true, "jail": false} {
		values, err := hclspec.Encode(map[string]any{"fs_isolation": isolation})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.SetConfig(t.Context(), &base.Config{Values: values}); (err == nil) != valid {
			t.Errorf("fs_isolation %q: %v", isolation, err)
		}
		capabilities, err := d.Capabilities(t.Context())
		if err != nil || valid != (string(capabilities.FSIsolation) == isolation) {
			t.Errorf("fs_isolation %q gave %+v, %v", isolation, capabilities, err)
		}
	}
	if err := d.SetConfig(t.Context(), &base.Config{}); err != nil {
		t.Errorf("no configuration: %v", err)
	}
}
