// SPDX-License-Identifier: MPL-2.0

package command

import (
	"io"
	"sync"
)

// gate keeps what is written to it until it is opened, so that an agent says first what it was started with.
type gate struct {
	out io.Writer

	mu struct {
		sync.Mutex
		early []byte
		open  bool
	}
}

// Write implements io.Writer.
func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mu.open {
		return g.out.Write(p)
	}
	g.mu.early = append(g.mu.early, p...)
	return len(p), nil
}

// open lets through what was kept and what comes.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.open = true
	g.out.Write(g.mu.early) //nolint:errcheck // there is nowhere to complain
	g.mu.early = nil
}
