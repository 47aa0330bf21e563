// SPDX-License-Identifier: MPL-2.0

package cron

import (
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

func TestCheck(t *testing.T) {
	for _, spec := range []string{
		"* * * * *", "0 0 1 1 *", "*/15 9-17 * * mon-fri", "0 0 L * ?", "0 0 LW 2 *", "0 0 15W * *", "0 0 ? * 5L", "0 0 ? * 7",
		"0,30 * * JAN,Dec *", "0 0 1 1 * 2030", "30 0 0 1 1 * 2030", "30 0 0 1 1 * 2030 ignored", "5/10 * * * *", "@hourly", "*/15 * * * * *",
	} {
		if err := Check(&api.Job{Periodic: &api.Periodic{Specs: []string{spec}}}); err != nil {
			t.Errorf("%q: %v", spec, err)
		}
	}
	for _, spec := range []string{
		"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8", "* * * * 5#6", "*/0 * * * *",
		"a * * * *", "60 0 0 1 1 * 2030", "0 0 1 1 * 1969", "@every 5m", "@midnight", "L * * * *", "- * * * *",
	} {
		if Check(&api.Job{Periodic: &api.Periodic{Specs: []string{spec}}}) == nil {
			t.Errorf("%q was accepted", spec)
		}
	}
	wrong := Check(&api.Job{Periodic: &api.Periodic{Spec: "x", Specs: []string{"* * * * *", "y"}}})
	if wrong == nil || len(wrong.Fields) != 2 || wrong.Fields[0].Path != "job.periodic.cron" || wrong.Fields[1].Path != "job.periodic.crons" {
		t.Errorf("got %+v", wrong)
	}
	if Check(&api.Job{Periodic: &api.Periodic{Spec: "x", Enabled: new(false)}}) != nil || Check(&api.Job{}) != nil {
		t.Error("a block that is off was checked")
	}
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNextAfterNext(t *testing.T) {
	for _, r := range []struct {
		what  string
		p     api.Periodic
		after string
		want  []string
	}{
		{
			"the earliest of several",
			api.Periodic{Specs: []string{"0 12 * * *", "30 9 * * *"}},
			"2026-01-01T10:00:00Z",
			[]string{"2026-01-01T12:00:00Z", "2026-01-02T09:30:00Z", "2026-01-02T12:00:00Z"},
		},
		{"seconds", api.Periodic{Spec: "*/20 * * * * * *"}, "2026-01-01T00:00:05Z", []string{"2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z", "2026-01-01T00:01:00Z"}},
		{"a zone", api.Periodic{Spec: "0 9 * * *", TimeZone: "America/New_York"}, "2026-07-01T00:00:00Z", []string{"2026-07-01T13:00:00Z"}},
		{"the same zone in winter", api.Periodic{Spec: "0 9 * * *", TimeZone: "America/New_York"}, "2026-12-01T00:00:00Z", []string{"2026-12-01T14:00:00Z"}},
		{"the last year", api.Periodic{Spec: "0 0 1 1 * 2026"}, "2026-06-01T00:00:00Z", []string{""}},
		{"a day that never comes", api.Periodic{Spec: "0 0 30 2 *"}, "2026-06-01T00:00:00Z", []string{""}},
		{"either day field", api.Periodic{Spec: "0 0 13 * 5"}, "2026-03-01T00:00:00Z", []string{"2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z", "2026-03-20T00:00:00Z"}},
		// Clocks went from 02:00 to 03:00 on 2026-03-29 and from 03:00 to 02:00 on 2026-10-25.
		{"the hour that is left out", api.Periodic{Spec: "30 2 * * *", TimeZone: "Europe/Berlin"}, "2026-03-28T12:00:00Z", []string{"2026-03-30T00:30:00Z"}},
		{
			"each hour as clocks go forward",
			api.Periodic{Spec: "0 * * * *", TimeZone: "Europe/Berlin"},
			"2026-03-29T00:00:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
		},
		{
			"each hour as clocks go back",
			api.Periodic{Spec: "0 * * * *", TimeZone: "Europe/Berlin"},
			"2026-10-25T00:00:00Z",
			[]string{"2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"},
		},
		{
			"a month without its first midnight",
			api.Periodic{Spec: "0 3 * * 0", TimeZone: "America/Asuncion"},
			"2017-09-18T00:00:00Z",
			[]string{"2017-09-24T07:00:00Z", "2017-10-01T06:00:00Z", "2017-10-08T06:00:00Z"},
		},
		{
			"a day without its midnight",
			api.Periodic{Spec: "0 3 * * 6", TimeZone: "America/Santiago"},
			"2026-09-01T00:00:00Z",
			[]string{"2026-09-05T07:00:00Z", "2026-09-12T06:00:00Z"},
		},
		{
			"that midnight",
			api.Periodic{Spec: "0 0 1 * *", TimeZone: "America/Asuncion"},
			"2017-08-20T00:00:00Z",
			[]string{"2017-09-01T04:00:00Z", "2017-11-01T03:00:00Z"},
		},
	} {
		s, err := New(&r.p)
		if err != nil {
			t.Errorf("%s: %v", r.what, err)
			continue
		}
		now := at(t, r.after)
		for _, want := range r.want {
			now = s.Next(now)
			if got := now.UTC().Format(time.RFC3339); got != want && !(now.IsZero() && want == "") {
				t.Errorf("%s: %s, want %s", r.what, got, want)
			}
		}
	}
	if _, err := New(&api.Periodic{Spec: "* * * * *", TimeZone: "Nowhere/Town"}); err == nil {
		t.Error("an unknown zone was accepted")
	}
	if _, err := New(&api.Periodic{Spec: "nonsense"}); err == nil {
		t.Error("nonsense was accepted")
	}
}

// Every launch is after the one before and at a time that the expression names, whatever clocks do.
func TestAllLaunches(t *testing.T) {
	for zone, years := range map[string][2]int{
		"Europe/Berlin": {2024, 2027}, "America/New_York": {2024, 2027}, "Australia/Lord_Howe": {2024, 2026}, "America/Sao_Paulo": {2015, 2020},
		"Asia/Tehran": {2020, 2023}, "Pacific/Apia": {2011, 2013}, "Africa/Cairo": {2023, 2026}, "Antarctica/Troll": {2024, 2026},
		"America/Asuncion": {2016, 2019}, "America/Havana": {2024, 2026},
	} {
		for _, spec := range []string{"*/15 * * * *", "30 2 * * *", "0 0 * * *", "30 0 * * *", "15 1 * * *", "0 3 * * 0", "0 0 31 * *", "0 0 1 * *"} {
			s, err := New(&api.Periodic{Spec: spec, TimeZone: zone})
			if err != nil {
				t.Fatal(err)
			}
			last, end := time.Date(years[0], 1, 1, 0, 0, 0, 0, s.zone), time.Date(years[1], 1, 1, 0, 0, 0, 0, s.zone)
			for last.Before(end) {
				next := s.Next(last)
				shown := onClock(next, time.UTC)
				if !next.After(last) || !s.expressions[0].Next(shown.Add(-time.Second)).Equal(shown) {
					t.Errorf("%s, %q: %v after %v", zone, spec, next, last)
					break
				}
				last = next
			}
		}
	}
}

func TestNext(t *testing.T) {
	after := time.Date(2026, 11, 23, 3, 12, 1, 0, time.UTC)
	for _, c := range []struct {
		p    api.Periodic
		want string
	}{
		{api.Periodic{Specs: []string{"@yearly"}}, "2027-01-01T00:00:00Z"},
		{api.Periodic{Spec: "*/15 * * * *"}, "2026-11-23T03:15:00Z"},
		{api.Periodic{Specs: []string{"0 5 * * *", "0 4 * * *"}}, "2026-11-23T04:00:00Z"},
		{api.Periodic{Specs: []string{"0 5 * * *"}, TimeZone: "Europe/Berlin"}, "2026-11-23T05:00:00+01:00"},
		{api.Periodic{Specs: []string{"30 * * * * * *"}}, "2026-11-23T03:12:30Z"},
		{api.Periodic{Specs: []string{"0 0 1 1 * 2020"}}, "0001-01-01T00:00:00Z"},
	} {
		got, err := Next(&c.p, after)
		if err != nil || got.Format(time.RFC3339) != c.want {
			t.Errorf("%+v: %v %v, want %s", c.p, got.Format(time.RFC3339), err, c.want)
		}
	}
	for _, p := range []api.Periodic{{Specs: []string{"x"}}, {Specs: []string{"@daily"}, TimeZone: "Nowhere"}} {
		if got, err := Next(&p, after); err == nil {
			t.Errorf("%+v: %v and no error", p, got)
		}
	}
}

func TestLast(t *testing.T) {
	for _, r := range []struct{ spec, after, until, want string }{
		{"0 * * * *", "2026-01-01T10:00:00Z", "2026-01-01T10:59:59Z", ""},
		{"0 * * * *", "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z", "2026-01-01T11:00:00Z"},
		{"0 * * * *", "2026-01-01T10:00:00Z", "2026-03-01T10:30:00Z", "2026-03-01T10:00:00Z"},
		{"* * * * * * *", "2020-01-01T10:00:00Z", "2026-03-01T10:30:07Z", "2026-03-01T10:30:07Z"},
		{"0 0 1 1 *", "2020-01-01T10:00:00Z", "2026-03-01T10:30:07Z", "2026-01-01T00:00:00Z"},
		{"0 0 1 1 * 2030", "2020-01-01T10:00:00Z", "2026-03-01T10:30:07Z", ""},
	} {
		s, err := New(&api.Periodic{Spec: r.spec})
		if err != nil {
			t.Fatal(err)
		}
		got := s.Last(at(t, r.after), at(t, r.until))
		if text := got.Format(time.RFC3339); text != r.want && !(got.IsZero() && r.want == "") {
			t.Errorf("%s in (%s, %s]: %s, want %s", r.spec, r.after, r.until, text, r.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"* * * * *", "0 0 L * ?", "5#3 * * * 5L", "@daily", "*/0 1-5/2,3 * JAN 7 2030", "99999999999999999999 * * * *"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		s, err := New(&api.Periodic{Specs: []string{spec}})
		if err != nil {
			return
		}
		from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		if next := s.Next(from); !next.IsZero() && !next.After(from) {
			t.Errorf("%q launches at %s after %s", spec, next, from)
		}
	})
}
