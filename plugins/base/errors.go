// SPDX-License-Identifier: MPL-2.0

package base

import "errors"

// ErrPluginShutdown says that the plugin process has gone.
var ErrPluginShutdown = errors.New("plugin is shut down")

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
