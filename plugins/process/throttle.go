// SPDX-License-Identifier: MPL-2.0

package process

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// What a plugin may print: lines that cost outputBudget in each outputPeriod, some 16,000 short ones. A line costs as many bytes as
// it has and lineCost, which is about what the log adds to it. The rest is left out. A plugin of which everything is left out is
// read with pauses of floodPause, so that it and not the agent waits.
const (
	outputPeriod = 10 * time.Second
	outputBudget = 4 << 20
	lineCost     = 256
	floodPause   = 10 * time.Millisecond
)

// throttle bounds what one plugin prints into the log of the agent, and counts and tells what is left out.
type throttle struct {
	logger hclog.Logger

	mu struct {
		sync.Mutex
		until time.Time // the end of the period
		left  int       // of its budget
		lines int       // left out, begun ones included
		bytes int       // left out
	}
}

// take reports whether a piece of a line may be logged; begins says that the line begins with it.
func (t *throttle) take(size int, begins bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); !now.Before(t.mu.until) {
		t.mu.until, t.mu.left = now.Add(outputPeriod), outputBudget
	}
	if begins {
		t.mu.left -= lineCost
	}
	if t.mu.left -= size; t.mu.left >= 0 {
		return true
	}
	t.mu.left = 0 // or a small one might pass where a large one did not
	t.leaveOutLocked(size)
	return false
}

// leaveOut counts a piece of a line that follows one that was left out.
func (t *throttle) leaveOut(size int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaveOutLocked(size)
}

func (t *throttle) leaveOutLocked(size int) {
	if t.mu.bytes == 0 {
		time.AfterFunc(outputPeriod, t.tell)
	}
	t.mu.bytes += size
}

// cut counts a line of which some or all is left out.
func (t *throttle) cut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.lines++
}

// tell says what was left out since it was last said.
func (t *throttle) tell() {
	t.mu.Lock()
	lines, size := t.mu.lines, t.mu.bytes
	t.mu.lines, t.mu.bytes = 0, 0
	t.mu.Unlock()
	t.logger.Warn("plugin prints more than the log takes, the rest was left out", "lines", lines, "bytes", size, "duration", outputPeriod)
}

// throttled is the output of a plugin without what is too much.
type throttled struct {
	io.ReadCloser
	throttle *throttle
	// inside says that what comes next is within a line, drop that the rest of it is left out.
	inside, drop bool
}

// Read implements io.Reader.
func (r *throttled) Read(data []byte) (int, error) {
	for {
		n, err := r.ReadCloser.Read(data)
		kept := r.filter(data[:n])
		if kept > 0 || err != nil || n == 0 {
			return kept, err
		}
		time.Sleep(floodPause)
	}
}

// filter moves what may be logged to the front and returns how much that is.
func (r *throttled) filter(data []byte) (kept int) {
	for rest := data; len(rest) > 0; {
		piece := rest
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			piece = rest[:end+1]
		}
		rest = rest[len(piece):]
		begins := !r.inside
		r.inside = piece[len(piece)-1] != '\n'
		switch {
		case !begins && r.drop:
			r.throttle.leaveOut(len(piece))
		case r.throttle.take(len(piece), begins):
			r.drop = false
			kept += copy(data[kept:], piece)
		default:
			r.drop = true
			r.throttle.cut()
			if !begins { // what has been logged of it ends here
				data[kept] = '\n'
				kept++
			}
		}
	}
	return kept
}
