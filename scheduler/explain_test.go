// SPDX-License-Identifier: MPL-2.0

package scheduler_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler"
)

// cmdExplain: "explain JOB" prints the explanation of each group.
func (s *script) cmdExplain(args, _ []string) string {
	var b strings.Builder
	for _, g := range scheduler.Explain(s, s.jobs[args[0]], scheduler.Config{Now: s.now, Seed: 1}).Groups {
		fmt.Fprintf(&b, "%s: %d missing, %d of %d nodes suitable\n", g.Group, g.Missing, g.Suitable, g.Nodes)
		for _, o := range g.Obstacles {
			fmt.Fprintf(&b, "  %s %q on %d, alone on %d\n", o.Kind, o.Reason, o.Nodes, o.Alone)
		}
		for _, m := range g.NearestMisses {
			fmt.Fprintf(&b, "  near %s:", m.NodeName)
			for _, l := range m.Lacks {
				fmt.Fprintf(&b, " %s %d of %d, %d short", l.Dimension, l.Free, l.Wanted, l.Short())
			}
			b.WriteString("\n")
		}
		for _, text := range g.Corrections {
			b.WriteString("  ? " + text + "\n")
		}
		for _, text := range g.Suggestions {
			b.WriteString("  > " + text + "\n")
		}
		for _, text := range g.Notes {
			b.WriteString("  note " + text + "\n")
		}
	}
	return b.String()
}

// TestExplainCountsEverything explains a job with many constraints that nothing satisfies on 10,000 nodes. It asserts
// that everything is counted; how long it takes is BenchmarkExplain's.
func TestExplainCountsEverything(t *testing.T) {
	c := benchCluster(10000)
	j := benchJob("wide", 3)
	j.TaskGroups[0].Constraints = []*api.Constraint{
		{LTarget: "${attr.kernel.name}", RTarget: "plan9", Operand: "="},
		{LTarget: "${attr.nothing}", Operand: api.OpIsSet},
	}
	j.TaskGroups[0].Tasks[0].Resources.MemoryMB = new(1 << 30)
	c.register(j)
	g := scheduler.Explain(c, j, scheduler.Config{Now: c.now}).Groups[0]
	if g.Nodes != 10000 || g.Missing != 3 || g.Suitable != 0 || len(g.Obstacles) != 3 {
		t.Fatalf("explanation %+v", g)
	}
	for _, o := range g.Obstacles {
		if o.Nodes != 10000 || o.Alone != 0 {
			t.Errorf("%s counts %d nodes, %d alone", o.Reason, o.Nodes, o.Alone)
		}
	}
}

// BenchmarkExplain measures an explanation at 10,000 nodes.
func BenchmarkExplain(b *testing.B) {
	c := benchCluster(10000)
	j := benchJob("wide", 3)
	j.TaskGroups[0].Constraints = []*api.Constraint{{LTarget: "${attr.kernel.name}", RTarget: "^plan", Operand: api.OpRegexp}}
	c.register(j)
	for b.Loop() {
		scheduler.Explain(c, j, scheduler.Config{Now: time.Now(), Cache: c.cache})
	}
}
