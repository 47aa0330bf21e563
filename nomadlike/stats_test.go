// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"
	"go.etcd.io/bbolt"

	"github.com/nomadlike/nomadlike/internal/testkit/sink"
	"github.com/nomadlike/nomadlike/nomadlike/raftlog"
)

func TestFileMetrics(t *testing.T) {
	file, err := raftlog.Open(filepath.Join(t.TempDir(), "raft.db"), raftlog.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	m, kept := sink.New(t)
	log := &measuredLog{Store: file, sink: m}
	before := publishFile(m, file, bbolt.Stats{})
	if err := log.StoreLogs([]*raft.Log{{Index: 1, Data: make([]byte, 10)}, {Index: 2, Data: make([]byte, 20)}}); err != nil {
		t.Fatal(err)
	}
	if err := log.StoreLog(&raft.Log{Index: 3, Data: make([]byte, 5)}); err != nil {
		t.Fatal(err)
	}
	if err := log.StoreLog(&raft.Log{Index: 4, Data: make([]byte, 5)}); err != nil {
		t.Fatal(err)
	}
	written := kept.Data()[0].Counters["nomad.raft.boltdb.txstats.write"].Sum
	publishFile(m, file, before)
	data := kept.Data()[0]
	for name, want := range map[string]float64{"logsPerBatch": 4, "logBatchSize": 40} {
		if got := data.Samples["nomad.raft.boltdb."+name]; got.Sum != want || got.Count != 3 {
			t.Errorf("%s is %v in %d, want %v in 3", name, got.Sum, got.Count, want)
		}
	}
	for _, name := range []string{"storeLogs", "writeCapacity"} {
		if got := data.Samples["nomad.raft.boltdb."+name]; got.Count != 3 || got.Sum <= 0 {
			t.Errorf("%s is %v in %d", name, got.Sum, got.Count)
		}
	}
	for _, name := range []string{"freePageBytes", "freelistBytes", "txstats.pageAlloc", "txstats.pageCount"} {
		if got := data.Gauges["nomad.raft.boltdb."+name].Value; got <= 0 {
			t.Errorf("%s is %v", name, got)
		}
	}
	for _, name := range []string{"numFreePages", "numPendingPages", "totalReadTxn", "openReadTxn"} {
		if _, ok := data.Gauges["nomad.raft.boltdb."+name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	if got := data.Counters["nomad.raft.boltdb.txstats.write"].Sum; got <= written {
		t.Errorf("there were %v writes after %v", got, written)
	}
	if _, ok := data.Samples["nomad.raft.boltdb.txstats.writeTime"]; !ok {
		t.Error("the time of writes is not told")
	}
}

func TestAutopilotMetrics(t *testing.T) {
	m, kept := sink.New(t)
	p := &pilot{s: &Server{deps: Deps{Metrics: m}}}
	p.NotifyState(&autopilot.State{Healthy: true, FailureTolerance: 2})
	for name, want := range map[string]float32{"healthy": 1, "failure_tolerance": 2} {
		if got, ok := kept.Data()[0].Gauges["nomad.nomad.autopilot."+name]; !ok || got.Value != want {
			t.Errorf("%s is %v, want %v", name, got.Value, want)
		}
	}
}
