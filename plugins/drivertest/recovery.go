// SPDX-License-Identifier: MPL-2.0

package drivertest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// stored is a handle as a host has it after a restart: written and read again.
func stored(t *testing.T, handle *drivers.TaskHandle) *drivers.TaskHandle {
	t.Helper()
	data, err := handle.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	out := &drivers.TaskHandle{}
	if err := out.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	return out
}

func (r *rig) recoverTask(t *testing.T, handle *drivers.TaskHandle) {
	t.Helper()
	if err := r.driver.RecoverTask(r.ctx, stored(t, handle)); err != nil {
		t.Fatalf("recover the task: %v", err)
	}
}

func testRecover(t *testing.T, r *rig) {
	task, handle := r.run(t)
	before, err := r.driver.InspectTask(r.ctx, task.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.recoverTask(t, handle) // of a known task changes nothing
	r.crash(t)
	r.launch(t)
	if _, err := r.driver.InspectTask(r.ctx, task.ID); !errors.Is(err, drivers.ErrTaskNotFound) {
		t.Errorf("inspect before recovery: %v, want %v", err, drivers.ErrTaskNotFound)
	}
	r.recoverTask(t, handle)
	r.recoverTask(t, handle)
	r.stillRunning(t, task.ID)
	after, err := r.driver.InspectTask(r.ctx, task.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !after.StartedAt.Round(time.Second).Equal(before.StartedAt.Round(time.Second)) {
		t.Errorf("the task started at %v, and after recovery at %v", before.StartedAt, after.StartedAt)
	}
	if _, _, err := r.driver.StartTask(r.ctx, task); err == nil {
		t.Error("a recovered task was started again")
	}
	r.stop(t, task.ID)
	r.wait(t, task.ID)
	if err := r.driver.DestroyTask(r.ctx, task.ID, false); err != nil {
		t.Errorf("destroy the recovered task: %v", err)
	}
}

func testRecoverAfterShutdown(t *testing.T, r *rig) {
	task, handle := r.run(t)
	if err := r.driver.Shutdown(r.ctx); err != nil {
		t.Fatalf("shut the driver down: %v", err)
	}
	r.plugin.Stop()
	r.launch(t)
	r.recoverTask(t, handle)
	r.stillRunning(t, task.ID)
}

func testRecoverExited(t *testing.T, r *rig) {
	file := filepath.Join(tempDir(t), "go")
	task, handle := r.start(t, r.Await(file, 17))
	r.crash(t)
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	awaitRemoval(r, t, file)
	r.launch(t)
	r.recoverTask(t, handle)
	if exit := r.wait(t, task.ID); exit.ExitCode != 17 || exit.Signal != 0 || (exit.Err != nil) != r.Explains {
		t.Errorf("the task that exited without a plugin ended with %+v, want code 17", exit)
	}
}

// awaitRemoval waits until the task has removed the file.
func awaitRemoval(r *rig, t *testing.T, file string) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return
		}
		select {
		case <-ticker.C:
		case <-r.ctx.Done():
			t.Fatal("the task did not see its file")
		}
	}
}

func testRecoverOutput(t *testing.T, r *rig) {
	task, handle := r.start(t, r.Trap("SIGUSR1", "still-here"))
	expectOutput(r.ctx, t, task.StdoutPath, "ready")
	r.crash(t)
	r.launch(t)
	r.recoverTask(t, handle)
	if err := r.driver.SignalTask(r.ctx, task.ID, "SIGUSR1"); err != nil {
		t.Fatalf("signal the recovered task: %v", err)
	}
	expectOutput(r.ctx, t, task.StdoutPath, "still-here")
}

func testRecoverNothing(t *testing.T, r *rig) {
	task, handle := r.run(t)
	if err := r.driver.DestroyTask(r.ctx, task.ID, true); err != nil {
		t.Fatal(err)
	}
	broken := handle.Copy()
	broken.DriverState = []byte{0xc1}
	if err := r.driver.RecoverTask(r.ctx, broken); err == nil {
		t.Error("a task was recovered from a state that cannot be decoded")
	}
	if err := r.driver.RecoverTask(r.ctx, nil); err == nil {
		t.Error("a task was recovered from no handle")
	}
	if _, err := r.driver.InspectTask(r.ctx, task.ID); !errors.Is(err, drivers.ErrTaskNotFound) {
		t.Errorf("inspect after failed recoveries: %v, want %v", err, drivers.ErrTaskNotFound)
	}
}

// testPluginDeath checks what callers see when the plugin goes away.
func testPluginDeath(t *testing.T, r *rig) {
	task, _ := r.run(t)
	waited := make(chan error, 1)
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	go func() {
		_, err := r.driver.WaitTask(ctx, task.ID)
		waited <- err
	}()
	r.stillRunning(t, task.ID)
	r.crash(t)
	if err, _ := receive(r, waited); !errors.Is(err, drivers.ErrPluginShutdown) {
		t.Errorf("the pending wait returned %v, want %v", err, drivers.ErrPluginShutdown)
	}
	if _, err := r.driver.InspectTask(r.ctx, task.ID); !errors.Is(err, drivers.ErrPluginShutdown) {
		t.Errorf("inspect without a plugin: %v, want %v", err, drivers.ErrPluginShutdown)
	}
}
