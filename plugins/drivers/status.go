// SPDX-License-Identifier: MPL-2.0

package drivers

import "time"

// TaskStatus is what InspectTask returns.
type TaskStatus struct {
	ID          string
	Name        string
	State       TaskState
	StartedAt   time.Time
	CompletedAt time.Time

	// Exit is nil or zero while the task runs.
	Exit *ExitResult

	// DriverAttributes are details of the driver's own.
	DriverAttributes map[string]string

	// NetworkOverride is nil when StartTask returned none.
	NetworkOverride *NetworkOverride
}

// ExitResult says how a task or a command ended.
type ExitResult struct {
	ExitCode int

	// Signal is the one that ended the process; ExitCode is then by
	// convention 128 plus Signal.
	Signal int

	OOMKilled bool

	// Err is a failure of the driver; it makes any exit unsuccessful.
	Err error
}

// Successful reports whether the exit counts as a success.
func (r *ExitResult) Successful() bool {
	return r.ExitCode == 0 && r.Signal == 0 && r.Err == nil
}

// Copy returns a copy.
func (r *ExitResult) Copy() *ExitResult {
	if r == nil {
		return nil
	}
	dup := *r
	return &dup
}
