// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"context"
	"io"
	"time"
)

// firstSizeWait is how long a command with a terminal waits for its size. Callers send the size as their first message, so
// that it takes them one round trip; those that never send one pay the wait.
const firstSizeWait = 250 * time.Millisecond

// ExecResult is the outcome of ExecTask.
type ExecResult struct {
	Stdout []byte
	Stderr []byte
	Exit   *ExitResult
}

// ExecOptions says what ExecTaskStreaming runs and with which streams.
type ExecOptions struct {
	Command []string

	// TTY gives the command a terminal; all output then goes to Stdout.
	TTY bool

	// Stdin is read until it ends, which closes the command's input. Nil means
	// no input. The method does not wait for a pending Read when the command
	// has ended; a caller unblocks its reader by closing it.
	Stdin io.Reader

	// Stdout and Stderr take the output; nil drops it.
	Stdout io.Writer
	Stderr io.Writer

	// Resize delivers new sizes of the terminal. It may be nil and may be
	// closed at any time.
	Resize <-chan TerminalSize
}

// FirstSize returns the size that the terminal of the command has from the start, zero when none comes. A program that
// looks at its terminal once, when it starts, would not learn of a size that comes after it.
func (o *ExecOptions) FirstSize(ctx context.Context) TerminalSize {
	if !o.TTY || o.Resize == nil {
		return TerminalSize{}
	}
	wait := time.NewTimer(firstSizeWait)
	defer wait.Stop()
	select {
	case size := <-o.Resize:
		return size
	case <-wait.C:
	case <-ctx.Done():
	}
	return TerminalSize{}
}

// TerminalSize is that of a terminal in characters.
type TerminalSize struct {
	Height int
	Width  int
}
