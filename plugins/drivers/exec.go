// SPDX-License-Identifier: MPL-2.0

package drivers

import "io"

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

// TerminalSize is that of a terminal in characters.
type TerminalSize struct {
	Height int
	Width  int
}
