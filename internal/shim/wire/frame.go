// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"errors"
	"io"
)

// Kind is the kind of a control frame.
type Kind byte

// Frames from the driver to the shim.
const (
	// KindInfo asks for an InfoReply.
	KindInfo Kind = 1
	// KindSignal (Signal) sends a signal to the task's process.
	KindSignal Kind = 2
	// KindStop (Signal) begins to end the task; the answer does not wait for it.
	KindStop Kind = 3
	// KindWait is answered with KindExited when the task has ended.
	KindWait Kind = 4
	// KindExec (Exec) starts a command beside the task; after KindDone the
	// connection belongs to its input and output.
	KindExec Kind = 5

	// KindStdin carries input of the command.
	KindStdin Kind = 16
	// KindStdinClose ends it.
	KindStdinClose Kind = 17
	// KindResize (Size) changes the size of the command's terminal.
	KindResize Kind = 18
)

// Frames from the shim to the driver.
const (
	// KindDone (Done) answers KindSignal, KindStop and KindExec.
	KindDone Kind = 64
	// KindInfoReply (Info) answers KindInfo.
	KindInfoReply Kind = 65
	// KindExited carries the exit record.
	KindExited Kind = 66

	// KindStdout and KindStderr carry output of the command.
	KindStdout Kind = 80
	KindStderr Kind = 81
	// KindStdoutClose and KindStderrClose end them.
	KindStdoutClose Kind = 82
	KindStderrClose Kind = 83
	// KindExecExit (ExecExit) is the last frame of a command.
	KindExecExit Kind = 84
)

// KindInside (Inside) goes from the shim to its own process inside a root.
const KindInside Kind = 96

// MaxFrame is the largest frame body either side accepts.
const MaxFrame = 4 << 20

// MaxData is the most bytes of input or output one frame carries.
const MaxData = 32 << 10

// HeaderSize is the size of a frame header: the body's length, big endian, in
// four bytes, then the kind.
const HeaderSize = 5

// ErrTooBig reports a frame beyond MaxFrame.
var ErrTooBig = errors.New("shim frame too big")

// PutHeader fills in a frame header.
func PutHeader(h *[HeaderSize]byte, k Kind, size int) {
	h[0], h[1], h[2], h[3] = byte(size>>24), byte(size>>16), byte(size>>8), byte(size)
	h[4] = byte(k)
}

// AppendFrame appends a whole frame to b.
func AppendFrame(b []byte, k Kind, body []byte) []byte {
	var h [HeaderSize]byte
	PutHeader(&h, k, len(body))
	return append(append(b, h[:]...), body...)
}

// WriteFrame writes one frame with a single call to w.
func WriteFrame(w io.Writer, k Kind, body []byte) error {
	_, err := w.Write(AppendFrame(make([]byte, 0, HeaderSize+len(body)), k, body))
	return err
}

// ReadFrame reads one frame. It returns io.EOF only between frames.
func ReadFrame(r io.Reader) (Kind, []byte, error) {
	var h [HeaderSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, nil, err
	}
	size := int(h[0])<<24 | int(h[1])<<16 | int(h[2])<<8 | int(h[3])
	if size > MaxFrame {
		return 0, nil, ErrTooBig
	}
	if size == 0 {
		return Kind(h[4]), nil, nil
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return Kind(h[4]), body, nil
}
