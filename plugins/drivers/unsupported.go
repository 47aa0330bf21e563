// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"context"
	"time"
)

// The types below are embedded by drivers that lack a feature; they answer as
// the contract asks for. A driver names each feature that it lacks.

// NoLifecycle is for drivers with nothing to do in Init and Shutdown.
type NoLifecycle struct{}

// Init does nothing.
func (NoLifecycle) Init(context.Context) error { return nil }

// Shutdown does nothing.
func (NoLifecycle) Shutdown(context.Context) error { return nil }

// NoEvents is for drivers without task events.
type NoEvents struct{}

// TaskEvents returns a stream that stays silent until the context ends.
func (NoEvents) TaskEvents(ctx context.Context) (<-chan *TaskEvent, error) {
	events := make(chan *TaskEvent)
	context.AfterFunc(ctx, func() { close(events) })
	return events, nil
}

// NoStats is for drivers without statistics.
type NoStats struct{}

// TaskStats returns ErrStatsUnsupported.
func (NoStats) TaskStats(context.Context, string, time.Duration) (<-chan *TaskStats, error) {
	return nil, ErrStatsUnsupported
}

// NoSignals is for drivers that cannot signal tasks.
type NoSignals struct{}

// SignalTask returns ErrSignalsUnsupported.
func (NoSignals) SignalTask(context.Context, string, string) error { return ErrSignalsUnsupported }

// NoExec is for drivers that cannot run commands inside tasks.
type NoExec struct{}

// ExecTask returns ErrExecUnsupported.
func (NoExec) ExecTask(context.Context, string, []string, time.Duration) (*ExecResult, error) {
	return nil, ErrExecUnsupported
}

// ExecTaskStreaming returns ErrExecStreamingUnsupported.
func (NoExec) ExecTaskStreaming(context.Context, string, *ExecOptions) (*ExitResult, error) {
	return nil, ErrExecStreamingUnsupported
}

// NoNetworks is for drivers that do not make network namespaces.
type NoNetworks struct{}

// CreateNetwork returns ErrCreateNetworkUnsupported.
func (NoNetworks) CreateNetwork(context.Context, string, *NetworkRequest) (*NetworkIsolationSpec, bool, error) {
	return nil, false, ErrCreateNetworkUnsupported
}

// DestroyNetwork returns ErrDestroyNetworkUnsupported.
func (NoNetworks) DestroyNetwork(context.Context, string, *NetworkIsolationSpec) error {
	return ErrDestroyNetworkUnsupported
}
