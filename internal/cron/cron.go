// SPDX-License-Identifier: MPL-2.0

// Package cron tells when periodic jobs are launched. It owns the choice of the library that reads cron
// expressions; what may stand in one is checked by api. It has no clock of its own.
package cron

import (
	"fmt"
	"time"

	"github.com/hashicorp/cronexpr"

	"github.com/nomadlike/nomadlike/api"
)

// Next returns the earliest launch of p after the given time, in p's time zone; the zero time when there is
// none any more.
func Next(p *api.Periodic, after time.Time) (time.Time, error) {
	zone := time.UTC
	if p.TimeZone != "" {
		var err error
		if zone, err = time.LoadLocation(p.TimeZone); err != nil {
			return time.Time{}, fmt.Errorf("time zone of the periodic block: %w", err)
		}
	}
	specs := p.Specs
	if p.Spec != "" {
		specs = append([]string{p.Spec}, specs...)
	}
	var first time.Time
	for _, s := range specs {
		e, err := cronexpr.Parse(s)
		if err != nil {
			return time.Time{}, fmt.Errorf("cron expression %q: %w", s, err)
		}
		if next := e.Next(after.In(zone)); !next.IsZero() && (first.IsZero() || next.Before(first)) {
			first = next
		}
	}
	return first, nil
}
