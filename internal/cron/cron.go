// SPDX-License-Identifier: MPL-2.0

// Package cron reads the cron expressions of periodic jobs (jobspec.md 4.2) and tells when they launch. The
// grammar and the rules around daylight saving time are those of the cronexpr library; nothing else parses
// cron expressions. Time zones come with the binary, so that all servers agree about them. The package
// imports api and keeps no state.
package cron

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // servers must agree whatever their machines have

	"github.com/hashicorp/cronexpr"

	"github.com/nomadlike/nomadlike/api"
)

// Schedule is when a periodic job launches. It is for one goroutine: expressions remember what they computed.
type Schedule struct {
	expressions []*cronexpr.Expression
	zone        *time.Location
}

// New reads the schedule of a job; every expression of it must be right.
func New(p *api.Periodic) (*Schedule, error) {
	s := &Schedule{zone: time.UTC}
	if p.TimeZone != "" {
		var err error
		if s.zone, err = time.LoadLocation(p.TimeZone); err != nil {
			return nil, fmt.Errorf("time zone %q: %w", p.TimeZone, err)
		}
	}
	for _, spec := range specs(p) {
		e, err := parse(spec)
		if err != nil {
			return nil, fmt.Errorf("cron expression %q: %w", spec, err)
		}
		s.expressions = append(s.expressions, e)
	}
	return s, nil
}

func specs(p *api.Periodic) []string {
	if p.Spec != "" {
		return append([]string{p.Spec}, p.Specs...)
	}
	return p.Specs
}

// parse reads one expression. The library takes macros anywhere in the text and fields beyond the seventh.
func parse(spec string) (e *cronexpr.Expression, err error) {
	if strings.Contains(spec, "@") && !isMacro(spec) {
		return nil, errors.New("unknown macro, there are @yearly @annually @monthly @weekly @daily @hourly")
	}
	defer func() {
		if p := recover(); p != nil {
			e, err = nil, fmt.Errorf("cannot be read: %v", p)
		}
	}()
	return cronexpr.Parse(spec)
}

func isMacro(spec string) bool {
	switch strings.TrimSpace(spec) {
	case "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly":
		return true
	}
	return false
}

// Next returns the first launch after a time, in the time zone of the job; the zero time when there is none.
func (s *Schedule) Next(after time.Time) time.Time {
	var first time.Time
	for _, e := range s.expressions {
		if t := s.next(e, after.In(s.zone)); !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// next is the library's, which never comes back where a month begins without a midnight, as in America/Asuncion on
// 2017-10-01, and goes on to the wrong day where another day does. There the launch is found on a clock that does not change.
func (s *Schedule) next(e *cronexpr.Expression, after time.Time) time.Time {
	found := e.Next(onClock(after, time.UTC))
	if !found.IsZero() && s.reaches(after, found) {
		next := e.Next(after)
		if shown := onClock(next, time.UTC); e.Next(shown.Add(-time.Second)).Equal(shown) {
			return next
		}
	}
	for ; !found.IsZero(); found = e.Next(found) {
		if t := onClock(found, s.zone); t.After(after) && onClock(t, time.UTC).Equal(found) {
			return t
		}
	}
	return found
}

// reaches reports whether the clocks of the zone show that time, and all months from now until after it have their midnight.
func (s *Schedule) reaches(now, shown time.Time) bool {
	if !onClock(onClock(shown, s.zone), time.UTC).Equal(shown) {
		return false
	}
	first := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	for ; !first.After(shown.AddDate(0, 1, 0)); first = first.AddDate(0, 1, 0) {
		if onClock(first, s.zone).Day() != 1 {
			return false
		}
	}
	return true
}

// onClock is when the clocks of another zone show what those of the time's own show.
func onClock(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return time.Date(year, month, day, hour, minute, second, 0, zone)
}

// Next returns the first launch of a periodic job after a time, in its time zone; the zero time when there
// is none any more.
func Next(p *api.Periodic, after time.Time) (time.Time, error) {
	s, err := New(p)
	if err != nil {
		return time.Time{}, err
	}
	return s.Next(after), nil
}

// Last returns the last launch after one time and not after another; the zero time when there is none.
func (s *Schedule) Last(after, until time.Time) time.Time {
	// Look back in steps that double, so that a frequent schedule costs no more than a rare one.
	for back := time.Minute; ; back *= 2 {
		from := until.Add(-back)
		if from.Before(after) {
			from = after
		}
		var last time.Time
		for t := s.Next(from); !t.IsZero() && !t.After(until); t = s.Next(t) {
			last = t
		}
		if !last.IsZero() || !from.After(after) {
			return last
		}
	}
}

// Check returns what is wrong with the cron expressions of a job, nil when nothing is.
func Check(j *api.Job) *api.ValidationError {
	p := j.Periodic
	if p == nil || !api.Or(p.Enabled, true) || p.SpecType != "" && p.SpecType != "cron" {
		return nil
	}
	var wrong api.ValidationError
	for i, spec := range specs(p) {
		_, err := parse(spec)
		if err == nil {
			continue
		}
		f := api.FieldError{Path: "job.periodic.crons", Message: fmt.Sprintf("Invalid cron spec %q: %v", spec, err)}
		if i == 0 && p.Spec != "" {
			f.Path = "job.periodic.cron"
		}
		wrong.Fields = append(wrong.Fields, f)
		wrong.Texts = append(wrong.Texts, f.Message)
	}
	if len(wrong.Texts) == 0 {
		return nil
	}
	return &wrong
}
