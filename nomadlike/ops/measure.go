// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
)

// countsEvery is how often what was counted is published.
const countsEvery = time.Second

// rpcCounts are the operations since they were published last: all, those that read the state, and those that failed.
type rpcCounts struct{ requests, queries, errors atomic.Uint64 }

// measure tells how long an operation took and counts it. An operation that passes through several agents counts on each.
func (d *Dispatcher) measure(op *api.OpInfo, start time.Time, err error) {
	if d.cfg.Metrics == nil {
		return
	}
	d.cfg.Metrics.MeasureSince(op.Metric, start)
	if d.cfg.Server == nil {
		return // the contract counts what servers are asked
	}
	d.counts.requests.Add(1)
	if op.Mode == api.ModeRead {
		d.counts.queries.Add(1)
	}
	if err != nil {
		d.counts.errors.Add(1)
	}
}

// Publish tells every second how many operations there were, until ctx ends. They are not told one by one, which would cost
// small ones more than they do.
func (d *Dispatcher) Publish(ctx context.Context) error {
	for {
		for _, c := range []struct {
			name  string
			count *atomic.Uint64
		}{{"request", &d.counts.requests}, {"query", &d.counts.queries}, {"request_error", &d.counts.errors}} {
			if n := c.count.Swap(0); n > 0 && d.cfg.Metrics != nil {
				d.cfg.Metrics.IncrCounter([]string{"nomad", "rpc", c.name}, float32(n))
			}
		}
		if err := run.Sleep(ctx, countsEvery); err != nil {
			return err
		}
	}
}
