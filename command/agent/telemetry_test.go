// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"
	metricsprom "github.com/hashicorp/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
)

// asks counts how often a collector was asked and what it told.
type asks struct {
	prometheus.Collector
	times, told atomic.Int64
}

func (a *asks) Collect(out chan<- prometheus.Metric) {
	a.times.Add(1)
	metrics := make(chan prometheus.Metric)
	go func() {
		defer close(metrics)
		a.Collector.Collect(metrics)
	}()
	var told int64
	for m := range metrics {
		told++
		out <- m
	}
	a.told.Store(told)
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
		synctest.Wait() // it waits for its time
		for _, alloc := range []string{"a", "b", "c"} {
			tele.metrics.SetGaugeWithLabels([]string{"client", "allocs", "memory"}, 1, []metrics.Label{{Name: "alloc_id", Value: alloc}})
		}
		tele.expire()
		before := seen.told.Load()
		time.Sleep(3 * expiration) // of the bubble
		if times, after := seen.times.Load(), seen.told.Load(); times < 3 || before != 3 || after != 0 {
			t.Errorf("asked %d times, %d metrics before and %d after they were not written any more", times, before, after)
		}
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

func TestMetricsOfProcess(t *testing.T) {
	tele, err := newTelemetry(&TelemetryConfig{PrometheusMetrics: true}, "n", hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer tele.metrics.Shutdown()
	from, err := tele.gatherers()
	if err != nil {
		t.Fatal(err)
	}
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, f := range families {
		told[f.GetName()] = true
	}
	for _, name := range []string{"go_goroutines", "go_memstats_heap_alloc_bytes", "process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_resident_memory_bytes"} {
		if !told[name] && (runtime.GOOS == "linux" || strings.HasPrefix(name, "go_")) {
			t.Errorf("there is no %s", name)
		}
	}
}

// TestMemory: times of zero are as good as unset; the library would divide by them.
func TestMemory(t *testing.T) {
	c := TelemetryConfig{InMemoryCollectionInterval: new(time.Duration(0)), InMemoryRetentionPeriod: new(time.Duration(0))}
	if interval, retain := c.memory(); interval != 10*time.Second || retain != time.Minute {
		t.Errorf("interval %s, period %s", interval, retain)
	}
}
