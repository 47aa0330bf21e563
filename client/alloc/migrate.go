// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"context"
	"io"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// fetchPrevious takes over the data of an allocation of another node. Whatever fails, the tasks start without
// it (runtime.md 11).
func (r *Runner) fetchPrevious(ctx context.Context, a *api.Allocation) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var tasks []string
	for _, t := range a.Group().Tasks {
		tasks = append(tasks, t.Name)
	}
	dir, begin := r.Dir(), time.Now()
	moved := make(chan struct{}, 1)
	result := make(chan error, 1)
	go func() {
		result <- r.deps.FetchPrevious(ctx, a, func(archive io.Reader) error {
			part := &noted{archive, moved}
			part.note()
			return dir.Unpack(part, tasks)
		})
	}()
	patience, begun := time.NewTimer(previousWait), false
	defer patience.Stop()
	for {
		if r.destroying || r.Alloc().ServerTerminalStatus() {
			cancel()
		}
		select {
		case err := <-result:
			switch {
			case err == nil:
				r.logger.Info("data of the previous allocation was fetched", "previous_alloc", a.PreviousAllocation, "duration", time.Since(begin))
			case ctx.Err() == nil:
				r.logger.Warn("data of the previous allocation cannot be had; the tasks start without it", "previous_alloc", a.PreviousAllocation, "error", err)
				r.without = err.Error()
			}
			return
		case <-r.box.C():
			r.receive()
		case <-moved:
			// It has ended: from now on the data takes as long as there is of it, and comes.
			begun = true
			patience.Reset(stallWait)
		case <-patience.C:
			if begun {
				r.logger.Warn("data of the previous allocation has stopped coming; the tasks start without it", "previous_alloc", a.PreviousAllocation, "duration", stallWait)
				r.without = "it has stopped coming"
			} else {
				r.logger.Warn("previous allocation has not ended; the tasks start without its data", "previous_alloc", a.PreviousAllocation, "duration", previousWait)
				r.without = "that allocation has not ended"
			}
			cancel()
		}
	}
}

// noted tells that parts of an archive come.
type noted struct {
	io.Reader
	moved chan<- struct{}
}

// Read implements io.Reader.
func (n *noted) Read(p []byte) (int, error) {
	count, err := n.Reader.Read(p)
	if count > 0 {
		n.note()
	}
	return count, err
}

func (n *noted) note() {
	select {
	case n.moved <- struct{}{}:
	default: // the one before has not been heard yet
	}
}
