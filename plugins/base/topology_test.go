// SPDX-License-Identifier: MPL-2.0

package base

import "testing"

func TestTopologyCompute(t *testing.T) {
	cores := []Core{
		{BaseSpeed: 1000, MaxSpeed: 9, GuessSpeed: 9},
		{MaxSpeed: 2000, GuessSpeed: 9},
		{GuessSpeed: 3000, Disabled: true},
	}
	tests := map[string]struct {
		topology      *Topology
		total, usable uint64
	}{
		"nil":             {nil, 0, 0},
		"empty":           {&Topology{}, 0, 0},
		"cores":           {&Topology{Cores: cores}, 6000, 3000},
		"withheld":        {&Topology{Cores: cores, OverrideWithheld: 500}, 6000, 2500},
		"all is withheld": {&Topology{Cores: cores, OverrideWithheld: 9999}, 6000, 0},
		"override":        {&Topology{Cores: cores, OverrideTotal: 700, OverrideWithheld: 500}, 700, 700},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.topology.TotalCompute(); got != test.total {
				t.Errorf("total is %d, want %d", got, test.total)
			}
			if got := test.topology.UsableCompute(); got != test.usable {
				t.Errorf("usable is %d, want %d", got, test.usable)
			}
		})
	}
	if got := (&Topology{Cores: cores}).Ticks(50); got != 1000 {
		t.Errorf("half a core is %v MHz, want 1000", got)
	}
	if got := (&Topology{}).Ticks(50); got != 0 {
		t.Errorf("half a core of none is %v MHz", got)
	}
}

// TestDistances checks what plugins in the field index without looking.
func TestDistances(t *testing.T) {
	tests := map[string]struct {
		give      [][]uint32
		dimension uint32
	}{
		"none":       {nil, 0},
		"one":        {[][]uint32{{10}}, 1},
		"square":     {[][]uint32{{10, 20}, {20, 10}}, 2},
		"not square": {[][]uint32{{10, 20}, {20}}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := topologyToProto(&Topology{Distances: test.give}).GetDistances()
			if got == nil || got.Dimension != test.dimension || len(got.Values) != int(got.Dimension*got.Dimension) {
				t.Errorf("the matrix is %v, want dimension %d", got, test.dimension)
			}
		})
	}
	if topologyToProto(nil).GetDistances() == nil {
		t.Error("no topology has no matrix")
	}
}
