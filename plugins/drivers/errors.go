// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"errors"

	"github.com/nomadlike/nomadlike/plugins/base"
)

// Errors of the contract. Their texts are part of it, because a gRPC error of
// a foreign plugin carries nothing else to recognise them by.
var (
	// ErrTaskNotFound says that the driver does not know a task ID.
	ErrTaskNotFound = errors.New("task not found for given id")

	// ErrPluginShutdown says that the plugin process has gone. The tasks are
	// not affected: get the driver anew, recover the task and go on.
	ErrPluginShutdown = base.ErrPluginShutdown

	// ErrStatsUnsupported says that a driver will never have statistics.
	ErrStatsUnsupported = errors.New("stats not implemented for driver")

	// ErrSignalsUnsupported is the answer of drivers without SignalTask.
	ErrSignalsUnsupported = errors.New("SignalTask is not supported by this driver")

	// ErrExecUnsupported is the answer of drivers without ExecTask.
	ErrExecUnsupported = errors.New("ExecTask is not supported by this driver")

	// ErrExecStreamingUnsupported is the answer of drivers without
	// ExecTaskStreaming.
	ErrExecStreamingUnsupported = errors.New("driver does not support exec")

	// ErrCreateNetworkUnsupported and ErrDestroyNetworkUnsupported are the
	// answers of drivers that make no networks.
	ErrCreateNetworkUnsupported  = errors.New("CreateNetwork RPC not supported by driver")
	ErrDestroyNetworkUnsupported = errors.New("DestroyNetwork RPC not supported by driver")
)

// wireErrors are the errors above that cross the wire by their text.
var wireErrors = base.WireErrors{
	ErrTaskNotFound,
	ErrPluginShutdown,
	ErrStatsUnsupported,
	ErrSignalsUnsupported,
	ErrExecUnsupported,
	ErrExecStreamingUnsupported,
	ErrCreateNetworkUnsupported,
	ErrDestroyNetworkUnsupported,
}

// NewRecoverableError marks an error as worth another try or not. A nil error
// stays nil.
func NewRecoverableError(err error, recoverable bool) error {
	return base.NewRecoverableError(err, recoverable)
}

// IsRecoverable reports whether an error is marked as worth another try.
// Unmarked errors are not.
func IsRecoverable(err error) bool { return base.IsRecoverable(err) }
