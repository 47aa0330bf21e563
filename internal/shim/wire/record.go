// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"errors"
	"strconv"
	"strings"
)

// RecordSize is the size of every exit record. It is fixed so that the room
// can be set aside when the task starts and a full disk loses no exit.
const RecordSize = 512

// ErrRecord reports a file that is not an exit record.
var ErrRecord = errors.New("malformed exit record")

// Exit is how a task ended.
type Exit struct {
	// Code is the exit code; 128 plus the signal if one ended the task.
	Code int
	// Signal is the signal that ended the task, or 0.
	Signal int
	// OOM is true if the kernel ended it for want of memory.
	OOM bool
	// At is when it ended, in nanoseconds since 1970.
	At int64
	// LogDropped is how many bytes of output could not be stored.
	LogDropped int64
	// LogErrno is the last reason for that.
	LogErrno int
}

// Record returns the exit record: lines of text, padded with newlines to
// RecordSize.
func (x *Exit) Record() []byte {
	b := make([]byte, 0, RecordSize)
	line := func(key string, v int64) {
		b = append(b, key...)
		b = append(b, ' ')
		b = strconv.AppendInt(b, v, 10)
		b = append(b, '\n')
	}
	line("version", Version)
	line("exit_code", int64(x.Code))
	line("signal", int64(x.Signal))
	oom := int64(0)
	if x.OOM {
		oom = 1
	}
	line("oom_killed", oom)
	line("finished_at", x.At)
	line("log_bytes_dropped", x.LogDropped)
	line("log_errno", int64(x.LogErrno))
	b = append(b, "end\n"...)
	for len(b) < RecordSize {
		b = append(b, '\n')
	}
	return b
}

// ParseRecord is the inverse of Exit.Record.
func ParseRecord(b []byte) (*Exit, error) {
	x := &Exit{}
	seen := false
	for line := range strings.SplitSeq(string(b), "\n") {
		if line == "end" {
			if !seen {
				return nil, ErrRecord
			}
			return x, nil
		}
		key, text, ok := strings.Cut(line, " ")
		if !ok {
			return nil, ErrRecord
		}
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, ErrRecord
		}
		switch key {
		case "exit_code":
			x.Code, seen = int(v), true
		case "signal":
			x.Signal = int(v)
		case "oom_killed":
			x.OOM = v != 0
		case "finished_at":
			x.At = v
		case "log_bytes_dropped":
			x.LogDropped = v
		case "log_errno":
			x.LogErrno = int(v)
		}
	}
	return nil, ErrRecord
}
