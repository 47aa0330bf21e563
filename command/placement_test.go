// SPDX-License-Identifier: MPL-2.0

package command

import (
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func TestShortages(t *testing.T) {
	got := shortages([]*api.Shortage{
		{Dimension: "cpu", Wanted: 500, Free: 100},
		{Dimension: "memory", Wanted: 500, Free: -80},
		{Dimension: "network: reserved port collision http=80", Wanted: 1},
	})
	want := "cpu: wants 500, has 100 free, 400 short; memory: wants 500, has 0 (80 over) free, 580 short; network: reserved port collision http=80"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
