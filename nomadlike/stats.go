// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"time"

	"github.com/hashicorp/go-metrics"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
)

// statsEvery is how often the server tells how far its log and its state are.
const statsEvery = 10 * time.Second

// measure tells how long something took since start.
func (s *Server) measure(start time.Time, key ...string) {
	if s.deps.Metrics != nil {
		s.deps.Metrics.MeasureSince(append([]string{"nomad"}, key...), start)
	}
}

// measured is the state machine, with how long its entries take. The machine itself knows no clock.
type measured struct {
	*fsm.FSM
	sink *metrics.Metrics
}

// Apply applies one entry.
func (m *measured) Apply(l *raft.Log) any {
	start := time.Now()
	answer := m.FSM.Apply(l)
	if key := fsm.MetricKey(l); key != nil && m.sink != nil {
		m.sink.MeasureSince(key, start)
	}
	return answer
}

// publishStats tells how far the log and the state are, until ctx ends.
func (s *Server) publishStats(ctx context.Context) error {
	m := s.deps.Metrics
	if m == nil {
		return nil
	}
	for {
		r, err := s.raft()
		if err != nil {
			return err
		}
		m.SetGauge([]string{"raft", "appliedIndex"}, float32(r.AppliedIndex()))
		m.SetGauge([]string{"raft", "lastIndex"}, float32(r.LastIndex()))
		m.SetGauge([]string{"state", "snapshotIndex"}, float32(s.store.Snapshot().Index()))
		if err := run.Sleep(ctx, statsEvery); err != nil {
			return err
		}
	}
}
