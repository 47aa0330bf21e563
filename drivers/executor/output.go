// SPDX-License-Identifier: MPL-2.0

package executor

import (
	"context"
	"fmt"
	"time"
)

const (
	// outputPeriod is how often it is looked whether the output of a running task can be stored.
	outputPeriod = 30 * time.Second
	// scarce is how little room on the disk, in bytes, makes it worth asking a shim.
	scarce = 16 << 20
)

// checkOutput tells when output of a running task is being lost. Shims are disturbed only where the disk is full.
func (t *Tasks) checkOutput(ctx context.Context, task *Task) {
	if room, ok := free(task.Config.AllocDir); !ok || room > scarce {
		return
	}
	bytes, cause, err := task.handle.OutputLost(ctx)
	if err != nil {
		task.Logger.Debug("shim does not say whether output was lost", "error", err)
		return
	}
	t.lost(task, bytes, cause)
}

// lost tells how much output could not be stored, unless it was told before.
func (t *Tasks) lost(task *Task, bytes int64, cause error) {
	if bytes <= task.told.Swap(bytes) {
		return
	}
	task.Logger.Warn("some output of the task could not be stored", "bytes", bytes, "error", cause)
	reason := "the disk did not take it"
	if cause != nil {
		reason = cause.Error()
	}
	t.Emit(task.Config, fmt.Sprintf("%d bytes of output could not be stored: %s", bytes, reason), nil)
}
