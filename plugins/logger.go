// SPDX-License-Identifier: MPL-2.0

package plugins

import (
	"io"
	"os"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// Logger is the logger of a plugin process. It writes one JSON object a line
// to standard error, which the host logs again at the same level, so a plugin
// does not filter. When the host has gone, lines wait for the next host; when
// too many wait, new ones are dropped.
var Logger = sync.OnceValue(func() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Level:      hclog.Trace,
		JSONFormat: true,
		Output:     newStderr(os.Stderr, func() io.Writer { return os.Stderr }),
	})
})

// stderrBacklog bounds the lines that wait for a new host.
const stderrBacklog = 256

// stderr writes to the pipe that the launching host reads. When that host has
// gone for good it writes to the stream that hosts read after they reattach,
// which blocks while there is none.
type stderr struct {
	pipe   io.Writer
	stream func() io.Writer

	mu struct {
		sync.Mutex
		backlog chan []byte // nil while the pipe works
	}
}

func newStderr(pipe io.Writer, stream func() io.Writer) *stderr {
	return &stderr{pipe: pipe, stream: stream}
}

// Write implements io.Writer for whole lines. It never fails, because a plugin
// must not stop over its log.
func (s *stderr) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.backlog == nil {
		if _, err := s.pipe.Write(line); err == nil {
			return len(line), nil
		}
		s.mu.backlog = make(chan []byte, stderrBacklog)
		go s.drain(s.mu.backlog)
	}
	select {
	case s.mu.backlog <- append([]byte(nil), line...):
	default:
	}
	return len(line), nil
}

// drain hands lines to the stream for the rest of the process's life.
func (s *stderr) drain(backlog <-chan []byte) {
	for line := range backlog {
		_, _ = s.stream().Write(line)
	}
}
