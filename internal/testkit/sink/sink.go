// SPDX-License-Identifier: MPL-2.0

// Package sink keeps the metrics that a test's subject publishes.
package sink

import (
	"testing"
	"time"

	"github.com/hashicorp/go-metrics"
)

// New returns where the subject of a test publishes its metrics, as an agent has it: names begin with "nomad" and have no
// host in them. What was published in the hour that begins with the test is in one interval of the sink. It ends with the
// test.
func New(t testing.TB) (*metrics.Metrics, *metrics.InmemSink) {
	t.Helper()
	kept := metrics.NewInmemSink(time.Hour, 2*time.Hour)
	cfg := metrics.DefaultConfig("nomad")
	cfg.EnableHostname, cfg.EnableRuntimeMetrics = false, false
	m, err := metrics.New(cfg, kept)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Shutdown)
	return m, kept
}
