// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"
	"github.com/hashicorp/go-metrics/datadog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client"
)

// hostLabel is the label that names the machine.
const hostLabel = "host"

// validate says what is wrong with the block.
func (t *TelemetryConfig) validate() error {
	var errs []error
	for _, s := range []struct{ key, addr string }{
		{"statsite_address", t.StatsiteAddress}, {"statsd_address", t.StatsdAddress}, {"datadog_address", t.DatadogAddress},
	} {
		if s.addr == "" || s.key == "datadog_address" && strings.HasPrefix(s.addr, "unix://") {
			continue
		}
		if _, _, err := net.SplitHostPort(s.addr); err != nil {
			errs = append(errs, fmt.Errorf("telemetry.%s: want host:port: %w", s.key, err))
		}
	}
	if t.CollectionInterval < 0 {
		errs = append(errs, errors.New("telemetry.collection_interval must be positive"))
	}
	if interval, retain := t.memory(); interval < 0 || retain < interval {
		errs = append(errs, fmt.Errorf("telemetry.in_memory_collection_interval and in_memory_retention_period: %s and %s must be positive, the second one not the shorter", interval, retain))
	}
	_, _, err := t.filters()
	return errors.Join(append(errs, err)...)
}

// memory returns how long an interval is whose metrics are kept together, and for how long they are kept.
func (t *TelemetryConfig) memory() (interval, retain time.Duration) {
	interval, retain = api.Or(t.InMemoryCollectionInterval, 0), api.Or(t.InMemoryRetentionPeriod, 0)
	orDefault(&interval, 10*time.Second)
	orDefault(&retain, time.Minute)
	return interval, retain
}

// filters returns the beginnings of names that are published and that are not.
func (t *TelemetryConfig) filters() (allowed, blocked []string, err error) {
	for _, f := range t.PrefixFilter {
		switch {
		case strings.HasPrefix(f, "+") && len(f) > 1:
			allowed = append(allowed, f[1:])
		case strings.HasPrefix(f, "-") && len(f) > 1:
			blocked = append(blocked, f[1:])
		default:
			return nil, nil, fmt.Errorf("telemetry.prefix_filter: %q must begin with + to publish names or - to leave them out", f)
		}
	}
	return allowed, blocked, nil
}

// client is what the client publishes.
func (t *TelemetryConfig) client() client.MetricsConfig {
	return client.MetricsConfig{
		NoHooks: api.Or(t.DisableAllocationHookMetrics, false),
		Allocs:  t.PublishAllocationMetrics, Node: t.PublishNodeMetrics, AllocMeta: t.IncludeAllocMetadata, AllowedMeta: t.AllowedMetadataKeys,
	}
}

// sinks are the programs that metrics are sent to.
func (t *TelemetryConfig) sinks(node string, logger hclog.Logger) ([]metrics.MetricSink, error) {
	host, err := os.Hostname()
	if err != nil || t.UseNodeName {
		host = node
	}
	named := host
	if t.DisableHostname && !t.UseNodeName {
		named = ""
	}
	var out []metrics.MetricSink
	if t.StatsiteAddress != "" {
		s, err := metrics.NewStatsiteSinkWithLogger(t.StatsiteAddress, logger)
		if err != nil {
			return nil, fmt.Errorf("telemetry.statsite_address: %w", err)
		}
		out = append(out, &hostSink{MetricSink: s, host: named})
	}
	if t.StatsdAddress != "" {
		s, err := metrics.NewStatsdSinkWithLogger(t.StatsdAddress, logger)
		if err != nil {
			return nil, fmt.Errorf("telemetry.statsd_address: %w", err)
		}
		out = append(out, &hostSink{MetricSink: s, host: named})
	}
	if t.DatadogAddress != "" {
		s, err := datadog.NewDogStatsdSink(t.DatadogAddress, host)
		if err != nil {
			return nil, fmt.Errorf("telemetry.datadog_address: %w", err)
		}
		s.SetTags(t.DatadogTags)
		out = append(out, s) // labels become tags, the host among them
	}
	return out, nil
}

// hostSink puts the host into the names of gauges, after the first part, for a sink without labels; the label that says
// the same is left out.
type hostSink struct {
	metrics.MetricSink
	host string
}

func (s *hostSink) key(key []string) []string {
	if s.host == "" || len(key) == 0 {
		return key
	}
	return slices.Insert(slices.Clone(key), 1, s.host)
}

func without(labels []metrics.Label) []metrics.Label {
	return slices.DeleteFunc(slices.Clone(labels), func(l metrics.Label) bool { return l.Name == hostLabel })
}

// SetGauge sends a gauge.
func (s *hostSink) SetGauge(key []string, val float32) { s.MetricSink.SetGauge(s.key(key), val) }

// SetGaugeWithLabels sends a gauge.
func (s *hostSink) SetGaugeWithLabels(key []string, val float32, labels []metrics.Label) {
	s.MetricSink.SetGaugeWithLabels(s.key(key), val, without(labels))
}

// IncrCounterWithLabels sends a counter.
func (s *hostSink) IncrCounterWithLabels(key []string, val float32, labels []metrics.Label) {
	s.MetricSink.IncrCounterWithLabels(key, val, without(labels))
}

// AddSampleWithLabels sends a sample.
func (s *hostSink) AddSampleWithLabels(key []string, val float32, labels []metrics.Label) {
	s.MetricSink.AddSampleWithLabels(key, val, without(labels))
}

// Shutdown ends the sink.
func (s *hostSink) Shutdown() {
	if sink, ok := s.MetricSink.(metrics.ShutdownSink); ok {
		sink.Shutdown()
	}
}
