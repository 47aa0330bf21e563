// SPDX-License-Identifier: MPL-2.0

package drivers

import "errors"

// Errors of the contract. Their texts are part of it, because a gRPC error of
// a foreign plugin carries nothing else to recognise them by.
var (
	// ErrTaskNotFound says that the driver does not know a task ID.
	ErrTaskNotFound = errors.New("task not found for given id")

	// ErrPluginShutdown says that the plugin process has gone. The tasks are
	// not affected: get the driver anew, recover the task and go on.
	ErrPluginShutdown = errors.New("plugin is shut down")

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

// Recoverable is implemented by errors that know whether trying again can
// help.
type Recoverable interface {
	error
	IsRecoverable() bool
}

// recoverableError marks an error as worth another try or not.
type recoverableError struct {
	err         error
	recoverable bool
}

func (e *recoverableError) Error() string       { return e.err.Error() }
func (e *recoverableError) Unwrap() error       { return e.err }
func (e *recoverableError) IsRecoverable() bool { return e.recoverable }

// NewRecoverableError marks an error as worth another try or not. A nil error
// stays nil.
func NewRecoverableError(err error, recoverable bool) error {
	if err == nil {
		return nil
	}
	return &recoverableError{err: err, recoverable: recoverable}
}

// IsRecoverable reports whether an error is marked as worth another try.
// Unmarked errors are not.
func IsRecoverable(err error) bool {
	var marked Recoverable
	return errors.As(err, &marked) && marked.IsRecoverable()
}
