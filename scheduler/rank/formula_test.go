// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"math"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestFitScore(t *testing.T) {
	for _, test := range []struct {
		name         string
		cpu, memory  float64
		pack, spread float64
	}{
		{"empty node", 1, 1, 0, 1},
		{"full node", 0, 0, 1, 0},
		{"half", 0.5, 0.5, (20 - 2*math.Sqrt(10)) / 18, (2*math.Sqrt(10) - 2) / 18},
		{"overfull is clamped", -5, -5, 1, 0},
		// Recorded from the reference: 50 MHz of 5198 and 32 MiB of 24105.
		{"recorded", free(5198, 50), free(24105, 32), 0.013865194622035344, 1 - 0.013865194622035344},
	} {
		if got := FitScore(test.cpu, test.memory, false); !near(got, test.pack) {
			t.Errorf("%s: bin-packing %v, want %v", test.name, got, test.pack)
		}
		if got := FitScore(test.cpu, test.memory, true); !near(got, test.spread) {
			t.Errorf("%s: spread %v, want %v", test.name, got, test.spread)
		}
	}
	if free(0, 10) != 0 {
		t.Error("a node without the resource does not count as full")
	}
}

func TestAntiAffinityScore(t *testing.T) {
	for _, test := range []struct {
		own, count int
		want       float64
	}{{0, 4, 0}, {1, 4, -0.5}, {3, 4, -1}, {5, 3, -2}, {1, 0, 0}} {
		if got := AntiAffinityScore(test.own, test.count); got != test.want {
			t.Errorf("AntiAffinityScore(%d, %d) = %v, want %v", test.own, test.count, got, test.want)
		}
	}
}

func TestEvenBoost(t *testing.T) {
	for _, test := range []struct {
		current, lowest, highest int
		want                     float64
	}{
		{0, 0, 0, 0},    // nothing placed yet
		{0, 2, 5, 1},    // a value not in use
		{2, 2, 2, -1},   // all equal
		{2, 2, 5, 1.5},  // the lowest
		{5, 2, 5, -1.5}, // the highest
		{3, 2, 5, -0.5},
		{3, 0, 5, -1},
	} {
		if got := evenBoost(test.current, test.lowest, test.highest); !near(got, test.want) {
			t.Errorf("evenBoost(%d, %d, %d) = %v, want %v", test.current, test.lowest, test.highest, got, test.want)
		}
	}
}

func TestTargetBoosts(t *testing.T) {
	block := func(weight int, targets ...*api.SpreadTarget) *api.Spread {
		return &api.Spread{Attribute: "${node.datacenter}", Weight: &weight, SpreadTarget: targets}
	}
	for _, test := range []struct {
		name   string
		block  *api.Spread
		counts map[string]int
		value  string
		want   float64
	}{
		{"first of 7 of 10", block(50, &api.SpreadTarget{Value: "a", Percent: 70}), nil, "a", 6.0 / 7},
		{"as wanted", block(50, &api.SpreadTarget{Value: "a", Percent: 50}), map[string]int{"a": 4}, "a", 0},
		{"too many", block(50, &api.SpreadTarget{Value: "a", Percent: 50}), map[string]int{"a": 9}, "a", -1},
		{"the rest", block(50, &api.SpreadTarget{Value: "a", Percent: 60}), map[string]int{"b": 1}, "b", 0.5},
		{"no rest", block(50, &api.SpreadTarget{Value: "a", Percent: 100}), nil, "b", -1},
		{"zero percent", block(50, &api.SpreadTarget{Value: "a", Percent: 0}, &api.SpreadTarget{Value: "b", Percent: 100}), nil, "a", -1},
		{"zero percent is the worst", block(50, &api.SpreadTarget{Value: "a", Percent: 0}, &api.SpreadTarget{Value: "b", Percent: 10}), map[string]int{"b": 3}, "a", -3},
		{"star", block(50, &api.SpreadTarget{Value: "a", Percent: 50}, &api.SpreadTarget{Value: "*", Percent: 20}), nil, "z", 0.5},
	} {
		r := newSpreadRule(test.block, 10)
		r.share = 1
		for value, n := range test.counts {
			r.counts[r.valueOf(&api.Node{Datacenter: value})] = n
		}
		// Every target is seen, so that the worst boost is known.
		for value := range r.byName {
			r.valueOf(&api.Node{Datacenter: value})
		}
		v := r.valueOf(&api.Node{Datacenter: test.value})
		if got := r.boosts(nil)[v]; !near(got, test.want) {
			t.Errorf("%s: boost %v, want %v", test.name, got, test.want)
		}
	}
}

func TestSpreadWeights(t *testing.T) {
	job := &api.Job{Spreads: []*api.Spread{{Attribute: "${node.datacenter}", Weight: new(30)}}}
	group := &api.TaskGroup{Spreads: []*api.Spread{{Attribute: "${node.class}", Weight: new(90)}, nil}}
	rules := newSpreadRules(job, group, 4)
	if len(rules) != 2 || !near(rules[0].share, 0.25) || !near(rules[1].share, 0.75) {
		t.Errorf("rules %+v", rules)
	}
	s := newSpread(rules)
	first := s.bucketOf(&api.Node{Datacenter: "a", NodeClass: "x"})
	if s.bucketOf(&api.Node{Datacenter: "a", NodeClass: "x"}) != first {
		t.Error("equal nodes are in different buckets")
	}
	if s.bucketOf(&api.Node{Datacenter: "a", NodeClass: "y"}) == first || s.bucketOf(&api.Node{Datacenter: "b", NodeClass: "x"}) == first {
		t.Error("different nodes are in one bucket")
	}
}

func TestStrands(t *testing.T) {
	even, lopsided := workload{cpu: 1, memory: 1}, workload{cpu: 0.3, memory: 1}
	for _, test := range []struct {
		name        string
		w           workload
		cpu, memory float64
		want        float64
	}{
		{"half empty", even, 0.5, 0.5, 0},
		{"full", even, 0, 0, 0},
		{"lopsided but with room", even, 0.2, 0.9, 0},
		{"processor used up", even, 0.05, 0.8, 0.8},
		{"memory used up", even, 0.8, 0.05, 0.8},
		{"little left of both", even, 0.05, 0.3, 0},
		{"memory used up, as the workload does everywhere", lopsided, 0.8, 0.05, 0},
		{"processor used up, against the workload", lopsided, 0.05, 0.8, 0.8},
		{"nothing known", workload{}, 0, 1, 0},
	} {
		if got := test.w.strands(test.cpu, test.memory); !near(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
