// SPDX-License-Identifier: MPL-2.0

package api

// MetricsSummary is the answer of `/v1/metrics`: the values of the latest complete interval.
type MetricsSummary struct {
	// Timestamp: Start of the interval, as text.
	Timestamp string
	// Gauges: Last values.
	Gauges []*GaugeValue
	// PrecisionGauges: Last values of gauges with 64 bits.
	PrecisionGauges []*GaugeValue
	// Points: Single measurements, rarely used.
	Points []*PointValue
	// Counters: Counted events.
	Counters []*SampledValue
	// Samples: Measured durations, in milliseconds.
	Samples []*SampledValue
}

// GaugeValue is the last value of a gauge.
type GaugeValue struct {
	Name   string
	Value  float64
	Labels map[string]string
}

// PointValue lists the measurements of one name.
type PointValue struct {
	Name   string
	Points []float64
}

// SampledValue aggregates the measurements of one interval; Rate is Sum by second.
type SampledValue struct {
	Name   string
	Count  int
	Rate   float64
	Sum    float64
	Min    float64
	Max    float64
	Mean   float64
	Stddev float64
	Labels map[string]string
}
