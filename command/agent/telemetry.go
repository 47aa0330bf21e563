// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"
	metricsprom "github.com/hashicorp/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// telemetry keeps the agent's metrics in memory and, if configured, for Prometheus, and sends them to other programs.
type telemetry struct {
	metrics  *metrics.Metrics
	inmem    *metrics.InmemSink
	registry *prometheus.Registry
	// labelled is what the registry asks, which has a metric for every set of labels.
	labelled prometheus.Collector

	conf *metrics.Config
	// sent is for metrics that go to other programs but are not kept; nil if none are sent.
	sent *metrics.Metrics
	// asked writes the metrics that are made when they are asked for; nil if there are none.
	asked func(*metrics.Metrics)
}

// expiration is for how long a metric is told that is not written any more.
const expiration = time.Minute

func newTelemetry(cfg *TelemetryConfig, node string, logger hclog.Logger) (*telemetry, error) {
	t := &telemetry{inmem: metrics.NewInmemSink(cfg.memory())}
	sinks := metrics.FanoutSink{t.inmem}
	if cfg.PrometheusMetrics {
		t.registry = prometheus.NewRegistry()
		// What the library's own registry has: monitoring knows open files and memory of programs by these names.
		t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		sink, err := metricsprom.NewPrometheusSinkFrom(metricsprom.PrometheusOpts{Expiration: expiration, Registerer: t.registry})
		if err != nil {
			return nil, fmt.Errorf("start Prometheus metrics: %w", err)
		}
		t.labelled, sinks = sink, append(sinks, sink)
	}
	sent, err := cfg.sinks(node, logger)
	if err != nil {
		return nil, err
	}
	sinks = append(sinks, sent...)
	mc := metrics.DefaultConfig("nomad")
	mc.HostName, mc.EnableRuntimeMetrics = node, true
	mc.EnableHostnameLabel, mc.EnableHostname = true, false // senders put it into the name themselves
	mc.FilterDefault = api.Or(cfg.FilterDefault, true)
	mc.AllowedPrefixes, mc.BlockedPrefixes, err = cfg.filters()
	if err != nil {
		return nil, err
	}
	// What raft, serf and memberlist measure goes to the library's global metrics.
	if t.metrics, err = metrics.NewGlobal(mc, sinks); err != nil {
		return nil, fmt.Errorf("start metrics: %w", err)
	}
	mc.EnableRuntimeMetrics = false
	t.conf = mc
	if len(sent) > 0 {
		if t.sent, err = metrics.New(mc, metrics.FanoutSink(sent)); err != nil {
			return nil, fmt.Errorf("start metrics: %w", err)
		}
	}
	return t, nil
}

// ask writes to the sink what is made when it is asked for.
func (t *telemetry) ask(sink metrics.MetricSink) error {
	if t.asked == nil {
		return nil
	}
	m, err := metrics.New(t.conf, sink)
	if err != nil {
		return err
	}
	t.asked(m)
	return nil
}

// summary returns the metrics of the last interval.
func (t *telemetry) summary() (*metrics.MetricsSummary, error) {
	made := metrics.NewInmemSink(time.Hour, time.Hour) // one interval
	if err := t.ask(made); err != nil {
		return nil, err
	}
	var both [2]metrics.MetricsSummary
	for i, sink := range []*metrics.InmemSink{t.inmem, made} {
		v, err := sink.DisplayMetrics(nil, nil)
		if err != nil {
			return nil, err
		}
		both[i] = v.(metrics.MetricsSummary) //nolint:forcetypeassert // the library's own
	}
	both[0].Gauges = append(both[0].Gauges, both[1].Gauges...)
	slices.SortFunc(both[0].Gauges, func(a, b metrics.GaugeValue) int { return cmp.Compare(a.Hash, b.Hash) })
	return &both[0], nil
}

// gatherers returns what has the metrics for Prometheus.
func (t *telemetry) gatherers() (prometheus.Gatherers, error) {
	made := prometheus.NewRegistry()
	sink, err := metricsprom.NewPrometheusSinkFrom(metricsprom.PrometheusOpts{Expiration: expiration, Registerer: made})
	if err != nil {
		return nil, err
	}
	if err := t.ask(sink); err != nil {
		return nil, err
	}
	return prometheus.Gatherers{t.registry, made}, nil
}

// tellOnSignal writes the metrics of the last minute to standard error when the process gets the signal for that, USR1 or on
// Windows BREAK, until stop is called. It is the contract's, and would end the process otherwise.
func (t *telemetry) tellOnSignal() (stop func()) {
	return metrics.NewInmemSignal(t.inmem, metrics.DefaultSignal, os.Stderr).Stop
}

// run ends with ctx.
func (t *telemetry) run(ctx context.Context) error {
	for run.Sleep(ctx, expiration) == nil {
		t.expire()
	}
	t.metrics.Shutdown()
	return nil
}

// expire lets go of metrics that are not written any more. The library does so only when it is asked for all of
// them, and has those of every task that ever ran while nobody asks.
func (t *telemetry) expire() {
	if t.labelled == nil {
		return
	}
	asked := make(chan prometheus.Metric)
	go func() {
		defer close(asked)
		t.labelled.Collect(asked)
	}()
	for range asked {
	}
}

// contentTypeText is that of the Prometheus text format.
const contentTypeText = "text/plain; version=0.0.4; charset=utf-8"

// serve answers GET /v1/metrics in one chunk.
func (t *telemetry) serve(_ context.Context, r *api.MetricsRequest, s api.Stream) error {
	switch r.Format {
	case "":
		v, err := t.summary()
		if err != nil {
			return err
		}
		body, err := encodeSummary(v)
		if err != nil {
			return fmt.Errorf("encode metrics: %w", err)
		}
		return s.Send(&api.Chunk{ContentType: "application/json", Data: body})
	case "prometheus":
		if t.registry == nil {
			return api.CodeErrorf(api.ClassUnsupported, http.StatusUnsupportedMediaType, "Prometheus is not enabled; set telemetry { prometheus_metrics = true }")
		}
		from, err := t.gatherers()
		if err != nil {
			return err
		}
		families, err := from.Gather()
		if err != nil {
			return fmt.Errorf("gather metrics: %w", err)
		}
		var b bytes.Buffer
		for _, f := range families {
			if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
				return fmt.Errorf("encode metrics: %w", err)
			}
		}
		return s.Send(&api.Chunk{ContentType: contentTypeText, Data: b.Bytes()})
	}
	return api.Errorf(api.ClassInvalid, "unknown metrics format %q; want none or prometheus", r.Format)
}

// encodeSummary writes the library's summary with the numbers of the contract, whose floats show a fraction.
func encodeSummary(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var summary api.MetricsSummary
	if err := json.Unmarshal(plain, &summary); err != nil {
		return nil, err
	}
	return typeinfo.Marshal(&summary, typeinfo.Response)
}
