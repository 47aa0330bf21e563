// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"time"

	"github.com/hashicorp/go-metrics"
	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/raftlog"
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

// measuredLog is the file of the log, with how long writes take and how large they are.
type measuredLog struct {
	*raftlog.Store
	sink *metrics.Metrics
}

// StoreLog writes one entry.
func (l *measuredLog) StoreLog(entry *raft.Log) error { return l.StoreLogs([]*raft.Log{entry}) }

// StoreLogs writes entries in one transaction.
func (l *measuredLog) StoreLogs(entries []*raft.Log) error {
	start := time.Now()
	if err := l.Store.StoreLogs(entries); err != nil {
		return err
	}
	size := 0
	for _, e := range entries {
		size += len(e.Data)
	}
	took := time.Since(start)
	l.sink.AddSample(boltKey("logsPerBatch"), float32(len(entries)))
	l.sink.AddSample(boltKey("logBatchSize"), float32(size))
	l.sink.AddSample(boltKey("writeCapacity"), float32(float64(len(entries))/took.Seconds()))
	l.sink.MeasureSince(boltKey("storeLogs"), start)
	return nil
}

// boltKey names what is measured of the log's file as the published store of raft on the same kind of file does.
func boltKey(name ...string) []string { return append([]string{"raft", "boltdb"}, name...) }

// publishFile tells how full the file is and what was done to it since the earlier numbers. It returns those of now.
func publishFile(m *metrics.Metrics, file *raftlog.Store, before bbolt.Stats) bbolt.Stats {
	now := file.Stats()
	for name, v := range map[string]int{
		"numFreePages": now.FreePageN, "numPendingPages": now.PendingPageN, "freePageBytes": now.FreeAlloc,
		"freelistBytes": now.FreelistInuse, "totalReadTxn": now.TxN, "openReadTxn": now.OpenTxN,
	} {
		m.SetGauge(boltKey(name), float32(v))
	}
	tx := &now.TxStats
	m.SetGauge(boltKey("txstats", "pageCount"), float32(tx.GetPageCount()))
	m.SetGauge(boltKey("txstats", "pageAlloc"), float32(tx.GetPageAlloc()))
	done := tx.Sub(&before.TxStats)
	for name, v := range map[string]int64{
		"cursorCount": done.GetCursorCount(), "nodeCount": done.GetNodeCount(), "nodeDeref": done.GetNodeDeref(),
		"rebalance": done.GetRebalance(), "split": done.GetSplit(), "spill": done.GetSpill(), "write": done.GetWrite(),
	} {
		m.IncrCounter(boltKey("txstats", name), float32(v))
	}
	for name, v := range map[string]time.Duration{
		"rebalanceTime": done.GetRebalanceTime(), "spillTime": done.GetSpillTime(), "writeTime": done.GetWriteTime(),
	} {
		m.AddSample(boltKey("txstats", name), float32(v.Seconds()*1000))
	}
	return now
}

// publishStats tells how far the log and the state are, and how the log's file is where there is one, until ctx ends.
func (s *Server) publishStats(ctx context.Context, file *raftlog.Store) error {
	m := s.deps.Metrics
	if m == nil {
		return nil
	}
	var counted bbolt.Stats
	for {
		if file != nil {
			counted = publishFile(m, file, counted)
		}
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
