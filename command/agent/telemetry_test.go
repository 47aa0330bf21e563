// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	metrics "github.com/hashicorp/go-metrics"
	metricsprom "github.com/hashicorp/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
)

// asks counts how often a collector was asked and what it told.
type asks struct {
	prometheus.Collector
	times, told int
}

func (a *asks) Collect(out chan<- prometheus.Metric) {
	a.times++
	metrics := make(chan prometheus.Metric)
	go func() {
		defer close(metrics)
		a.Collector.Collect(metrics)
	}()
	a.told = 0
	for m := range metrics {
		a.told++
		out <- m
	}
}

// TestMetricsExpire: metrics of what is gone do not stay when nobody scrapes the agent.
func TestMetricsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, err := metricsprom.NewPrometheusSinkFrom(metricsprom.PrometheusOpts{Expiration: expiration, Registerer: prometheus.NewRegistry()})
		if err != nil {
			t.Fatal(err)
		}
		conf := metrics.DefaultConfig("nomad")
		conf.EnableRuntimeMetrics = false // the goroutine for them never ends
		tele := &telemetry{}
		if tele.metrics, err = metrics.New(conf, sink); err != nil {
			t.Fatal(err)
		}
		seen := &asks{Collector: sink}
		tele.labelled = seen
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- tele.run(ctx) }()
		for _, alloc := range []string{"a", "b", "c"} {
			tele.metrics.SetGaugeWithLabels([]string{"client", "allocs", "memory"}, 1, []metrics.Label{{Name: "alloc_id", Value: alloc}})
		}
		tele.expire()
		before := seen.told
		time.Sleep(3 * expiration) // of the bubble
		if seen.times < 3 || before != 3 || seen.told != 0 {
			t.Errorf("asked %d times, %d metrics before and %d after they were not written any more", seen.times, before, seen.told)
		}
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}
