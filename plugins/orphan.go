// SPDX-License-Identifier: MPL-2.0

package plugins

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

// orphanTimeout is how long a plugin process waits for a host. An agent that
// restarts comes back within seconds and reattaches. One that comes later
// starts a new process and recovers the tasks, so nothing is lost when an
// abandoned process ends; without this it would stay forever.
const orphanTimeout = 5 * time.Minute

// orphanWatch counts the connections to a gRPC server and stops the server
// when there has been none for the timeout.
type orphanWatch struct {
	timeout time.Duration

	mu struct {
		sync.Mutex
		stop        func()
		connections int
		timer       *time.Timer
	}
}

var _ stats.Handler = (*orphanWatch)(nil)

// newOrphanWatch starts watching: a host that never connects counts too.
func newOrphanWatch(timeout time.Duration) *orphanWatch {
	w := &orphanWatch{timeout: timeout}
	w.mu.timer = time.AfterFunc(timeout, w.expire)
	return w
}

func (w *orphanWatch) expire() {
	w.mu.Lock()
	abandoned, stop := w.mu.connections == 0, w.mu.stop
	w.mu.Unlock()
	if abandoned && stop != nil {
		Logger().Info("plugin ends because no agent has been connected", "duration", w.timeout)
		stop()
	}
}

// onExpiry sets what stops the server.
func (w *orphanWatch) onExpiry(stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.stop = stop
}

// HandleConn implements stats.Handler.
func (w *orphanWatch) HandleConn(_ context.Context, event stats.ConnStats) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch event.(type) {
	case *stats.ConnBegin:
		w.mu.connections++
		w.mu.timer.Stop()
	case *stats.ConnEnd:
		w.mu.connections--
		if w.mu.connections == 0 {
			w.mu.timer.Reset(w.timeout)
		}
	}
}

// TagConn implements stats.Handler.
func (w *orphanWatch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// TagRPC implements stats.Handler.
func (w *orphanWatch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (w *orphanWatch) HandleRPC(context.Context, stats.RPCStats) {}
