// SPDX-License-Identifier: MPL-2.0

package mock

import (
	"context"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// task is one simulated task. Its goroutine ends it and closes done; exit and
// completedAt are written before that and read after.
type task struct {
	config    *drivers.TaskConfig
	mock      *taskConfig
	startedAt time.Time
	recovered bool

	stopOnce sync.Once
	stopping chan time.Duration // delivers the delay until the exit
	killOnce sync.Once
	killed   chan struct{}

	done        chan struct{}
	exit        *drivers.ExitResult
	completedAt time.Time
}

func newTask(config *drivers.TaskConfig, mock *taskConfig, startedAt time.Time) *task {
	return &task{
		config:    config,
		mock:      mock,
		startedAt: startedAt,
		stopping:  make(chan time.Duration, 1),
		killed:    make(chan struct{}),
		done:      make(chan struct{}),
	}
}

// killedExit is the result of a task that was killed.
func killedExit() *drivers.ExitResult { return &drivers.ExitResult{ExitCode: 128 + 9, Signal: 9} }

// outputPatience is how long a task that ends by itself waits for somebody to
// read its output.
const outputPatience = 5 * time.Second

// run lives the task's life. crash is called when the task asks for the end of
// the plugin. A task that was recovered is as old as its start time says.
func (t *task) run(crash func()) {
	ctx, cancel := context.WithCancel(context.Background())
	outputs := t.startOutputs(ctx)

	t.exit = t.live(crash, outputs)
	t.completedAt = time.Now()
	cancel()
	outputs.wait()
	close(t.done)
}

// live returns when the task has ended.
func (t *task) live(crash func(), outputs *outputs) *drivers.ExitResult {
	age := time.Since(t.startedAt)
	end := time.NewTimer(time.Duration(t.mock.RunFor) - age)
	defer end.Stop()

	var crashing <-chan time.Time
	if after := time.Duration(t.mock.PluginExitAfter) - age; t.mock.PluginExitAfter > 0 && after > 0 {
		crashing = time.After(after)
	}
	stopping := t.stopping
	for {
		select {
		case <-t.killed:
			return killedExit()
		case <-crashing:
			crash()
			crashing = nil
		case delay := <-stopping:
			stopping = nil
			end.Reset(delay)
			outputs.abandon()
		case <-end.C:
			select {
			case <-outputs.begun:
			case <-t.killed:
				return killedExit()
			case <-time.After(outputPatience):
			}
			return t.mock.exit()
		}
	}
}

// stop ends the task after the delay that its config asks for, and kills it
// when the timeout is shorter.
//
// Compat: the reference declares kill_after and ignores it.
func (t *task) stop(timeout time.Duration) {
	t.stopOnce.Do(func() {
		delay := time.Duration(t.mock.KillAfter)
		if delay > timeout {
			time.AfterFunc(timeout, t.kill)
		}
		t.stopping <- delay
	})
}

// kill ends the task at once.
func (t *task) kill() { t.killOnce.Do(func() { close(t.killed) }) }

func (t *task) running() bool {
	select {
	case <-t.done:
		return false
	default:
		return true
	}
}

// status describes the task.
func (t *task) status() *drivers.TaskStatus {
	status := &drivers.TaskStatus{
		ID:              t.config.ID,
		Name:            t.config.Name,
		State:           drivers.TaskStateRunning,
		StartedAt:       t.startedAt,
		NetworkOverride: t.mock.override(),
	}
	if !t.running() {
		status.State = drivers.TaskStateExited
		status.CompletedAt = t.completedAt
		status.Exit = t.exit.Copy()
	}
	return status
}
