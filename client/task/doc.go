// SPDX-License-Identifier: MPL-2.0

// Package task runs one task of an allocation on a client (runtime.md 4): it prepares the task, starts it
// through its driver, waits for its end, applies the restart policy, and finds it again after the agent or
// the driver's plugin was restarted.
//
// A Runner is one goroutine that owns the state of the task. Everybody else talks to it through messages,
// which never block, and sees immutable snapshots of api.TaskState. Slow work runs beside the goroutine, so
// that a kill is seen at any time. The package knows nothing of other tasks: their order is the business of
// package alloc.
package task
