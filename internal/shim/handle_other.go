// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package shim

import (
	"context"
	"path/filepath"
	"syscall"
	"time"
)

// Handle is a hold on a task. There are none on this system.
type Handle struct{}

// Start returns ErrUnsupported.
func Start(*Spec) (*Handle, error) { return nil, ErrUnsupported }

// Attach returns ErrUnsupported.
func Attach(context.Context, State) (*Handle, error) { return nil, ErrUnsupported }

// Reclaim returns ErrUnsupported.
func Reclaim(context.Context, Place) error { return ErrUnsupported }

// State returns the zero state.
func (*Handle) State() State { return State{} }

// PID returns 0.
func (*Handle) PID() int { return 0 }

// StartedAt returns the zero time.
func (*Handle) StartedAt() time.Time { return time.Time{} }

// Warnings returns nothing.
func (*Handle) Warnings() []string { return nil }

// Done returns a channel that is never closed.
func (*Handle) Done() <-chan struct{} { return nil }

// Exited returns false.
func (*Handle) Exited() (Exit, bool) { return Exit{}, false }

// Wait returns ErrUnsupported.
func (*Handle) Wait(context.Context) (Exit, error) { return Exit{}, ErrUnsupported }

// Signal returns ErrUnsupported.
func (*Handle) Signal(context.Context, syscall.Signal) error { return ErrUnsupported }

// Stop returns ErrUnsupported.
func (*Handle) Stop(context.Context, syscall.Signal, time.Duration) error { return ErrUnsupported }

// Destroy returns ErrUnsupported.
func (*Handle) Destroy(context.Context, bool) error { return ErrUnsupported }

// Exec returns ErrUnsupported.
func (*Handle) Exec(context.Context, *Command) (Exit, error) { return Exit{}, ErrUnsupported }

// OutputLost returns ErrUnsupported.
func (*Handle) OutputLost(context.Context) (bytes int64, cause, err error) {
	return 0, nil, ErrUnsupported
}

// Close does nothing.
func (*Handle) Close() {}

// String is the path of the place, for messages.
func (p Place) String() string {
	return filepath.Join(append([]string{p.Base}, p.Names...)...)
}
