// SPDX-License-Identifier: MPL-2.0

package cron

import (
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

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
