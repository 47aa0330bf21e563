// SPDX-License-Identifier: MPL-2.0

package scheduler_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler"
)

func keys[K comparable, V any](m map[K]V) iter.Seq[K] { return maps.Keys(m) }

func (s *script) offset(t time.Time) string { return "+" + t.Sub(s.now).String() }

// describe prints an outcome: stops, changes in place, placements with the best scores of the group, and
// what was not placed.
func (s *script) describe(out *scheduler.Outcome) string {
	var b strings.Builder
	if out.Eval.Status != api.EvalStatusComplete {
		fmt.Fprintf(&b, "eval %s %s\n", out.Eval.Status, out.Eval.StatusDescription)
	}
	for _, a := range flatten(out.Plan.NodeUpdate) {
		old := s.allocs[a.ID]
		switch {
		case a.DesiredStatus == old.DesiredStatus && a.ClientStatus == old.ClientStatus && a.RescheduleTracker == nil:
			fmt.Fprintf(&b, "note  %s %s\n", a.Name, a.NodeID)
		case a.DesiredStatus == api.AllocDesiredRun:
			fmt.Fprintf(&b, "note  %s %s: %s\n", a.Name, a.NodeID, a.RescheduleTracker.LastReschedule)
		case a.ClientStatus != old.ClientStatus:
			fmt.Fprintf(&b, "stop  %s %s as %s: %s\n", a.Name, a.NodeID, a.ClientStatus, a.DesiredDescription)
		default:
			fmt.Fprintf(&b, "stop  %s %s: %s\n", a.Name, a.NodeID, a.DesiredDescription)
		}
	}
	for _, a := range flatten(out.Plan.NodePreemptions) {
		fmt.Fprintf(&b, "evict %s %s\n", a.Name, a.NodeID)
	}
	seen := map[*api.AllocMetric]bool{}
	for _, a := range flatten(out.Plan.NodeAllocation) {
		if old := s.allocs[a.ID]; old != nil && old.Job.Version == a.Job.Version {
			last := a.AllocStates[len(a.AllocStates)-1]
			fmt.Fprintf(&b, "state %s %s: %s to %s\n", a.Name, a.NodeID, old.ClientStatus, last.Value)
			continue
		}
		if s.allocs[a.ID] != nil {
			fmt.Fprintf(&b, "keep  %s %s at version %d%s\n", a.Name, a.NodeID, a.Job.Version, s.granted(a))
			continue
		}
		fmt.Fprintf(&b, "place %s %s%s%s%s\n", a.Name, a.NodeID, s.granted(a), s.version(a), s.history(a))
		if !seen[a.Metrics] {
			seen[a.Metrics] = true
			printScores(&b, a.Metrics)
		}
	}
	for _, g := range slices.Sorted(maps.Keys(out.Eval.FailedTGAllocs)) {
		s.printFailure(&b, g, out.Eval.FailedTGAllocs[g], out.Eval.QueuedAllocations[g])
	}
	if e := out.Blocked; e != nil {
		fmt.Fprintf(&b, "blocked: %d classes known, %d eligible, escaped %v\n", len(e.ClassEligibility), eligible(e), e.EscapedComputedClass)
	}
	if out.Reblock {
		b.WriteString("blocked again\n")
	}
	if d := out.Plan.Deployment; d != nil {
		b.WriteString(describeDeployment(d) + "\n")
	}
	for _, u := range out.Plan.DeploymentUpdates {
		fmt.Fprintf(&b, "deployment becomes %s: %s\n", u.Status, u.StatusDescription)
	}
	for _, e := range out.FollowUps {
		fmt.Fprintf(&b, "follow-up %s at %s\n", e.TriggeredBy, s.offset(*e.WaitUntil))
	}
	if b.Len() == 0 {
		return "no change\n"
	}
	return b.String()
}

func describeDeployment(d *api.Deployment) string {
	text := "deployment " + d.Status + ": " + d.StatusDescription
	for _, name := range slices.Sorted(maps.Keys(d.TaskGroups)) {
		g := d.TaskGroups[name]
		text += fmt.Sprintf("; %s wants %d, %d placed, %d healthy, %d unhealthy", name, g.DesiredTotal, g.PlacedAllocs, g.HealthyAllocs, g.UnhealthyAllocs)
		if g.DesiredCanaries > 0 {
			text += fmt.Sprintf(", %d of %d canaries, promoted %v", len(g.PlacedCanaries), g.DesiredCanaries, g.Promoted)
		}
	}
	return text
}

// version marks canaries and allocations of older versions.
func (s *script) version(a *api.Allocation) string {
	switch {
	case a.DeploymentStatus != nil && a.DeploymentStatus.Canary:
		return " canary"
	case a.Job.Version != s.jobs[a.JobID].Version:
		return fmt.Sprintf(" at version %d", a.Job.Version)
	}
	return ""
}

func eligible(e *api.Evaluation) int {
	n := 0
	for _, ok := range e.ClassEligibility {
		if ok {
			n++
		}
	}
	return n
}

// granted shows ports and cores. Dynamic ports are shown as "dynamic".
func (s *script) granted(a *api.Allocation) string {
	var parts []string
	for _, p := range a.AllocatedResources.Shared.Ports {
		value := fmt.Sprint(p.Value)
		for _, d := range a.AllocatedResources.Shared.Networks[0].DynamicPorts {
			if d.Label == p.Label {
				value = "dynamic"
			}
		}
		if p.To > 0 && p.To == p.Value {
			value += " to the same"
		} else if p.To > 0 {
			value += fmt.Sprintf(" to %d", p.To)
		}
		parts = append(parts, fmt.Sprintf("%s=%s:%s", p.Label, p.HostIP, value))
	}
	for _, name := range slices.Sorted(maps.Keys(a.AllocatedResources.Tasks)) {
		if cpu := a.AllocatedResources.Tasks[name].Cpu; len(cpu.ReservedCores) > 0 {
			parts = append(parts, fmt.Sprintf("cores=%v cpu=%d", cpu.ReservedCores, cpu.CpuShares))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.AllocatedResources.Tasks)) {
		for _, d := range a.AllocatedResources.Tasks[name].Devices {
			parts = append(parts, fmt.Sprintf("%s/%s/%s=%s", d.Vendor, d.Type, d.Name, strings.Join(d.DeviceIDs, ",")))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.AllocatedResources.Tasks)) {
		if most := a.AllocatedResources.Tasks[name].Memory.MemoryMaxMB; most != 0 {
			parts = append(parts, fmt.Sprintf("memory_max=%d", most))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " [" + strings.Join(parts, " ") + "]"
}

func (s *script) history(a *api.Allocation) string {
	text := ""
	if p := s.allocs[a.PreviousAllocation]; p != nil {
		text += " after " + p.Name + " on " + p.NodeID
	}
	if t := a.RescheduleTracker; t != nil {
		text += fmt.Sprintf(", reschedule %d delay %s", len(t.Events), t.Events[len(t.Events)-1].Delay)
	}
	return text
}

func printScores(b *strings.Builder, m *api.AllocMetric) {
	for _, score := range m.ScoreMetaData {
		fmt.Fprintf(b, "      %s %.4f:", score.NodeID, score.NormScore)
		for _, name := range slices.Sorted(maps.Keys(score.Scores)) {
			if score.Scores[name] != 0 {
				fmt.Fprintf(b, " %s=%.4f", name, score.Scores[name])
			}
		}
		b.WriteString("\n")
	}
}

func (s *script) printFailure(b *strings.Builder, group string, m *api.AllocMetric, queued int) {
	fmt.Fprintf(b, "fail  %s: %d queued, %d evaluated, %d filtered, %d exhausted, %d in pool %s, available %v, coalesced %d\n",
		group, queued, m.NodesEvaluated, m.NodesFiltered, m.NodesExhausted, m.NodesInPool, m.NodePool, m.NodesAvailable, m.CoalescedFailures)
	for _, list := range []struct {
		name   string
		counts map[string]int
	}{
		{"constraint", m.ConstraintFiltered},
		{"class", m.ClassFiltered},
		{"dimension", m.DimensionExhausted},
		{"class exhausted", m.ClassExhausted},
	} {
		for _, k := range slices.Sorted(maps.Keys(list.counts)) {
			fmt.Fprintf(b, "      %s %q: %d\n", list.name, k, list.counts[k])
		}
	}
	for _, task := range slices.Sorted(maps.Keys(m.ResourcesExhausted)) {
		r := m.ResourcesExhausted[task]
		fmt.Fprintf(b, "      task %s wants cpu %d memory %d\n", task, *r.CPU, *r.MemoryMB)
	}
}

// cmdAllocs prints the allocations of a job.
func (s *script) cmdAllocs(args, _ []string) string {
	var b strings.Builder
	for _, a := range s.sorted(args[0]) {
		fmt.Fprintf(&b, "%s v%d %s desired %s client %s\n", a.Name, a.Job.Version, a.NodeID, a.DesiredStatus, a.ClientStatus)
	}
	return b.String()
}

func flatten(byNode map[string][]*api.Allocation) []*api.Allocation {
	var out []*api.Allocation
	for _, rows := range byNode {
		out = append(out, rows...)
	}
	slices.SortStableFunc(out, func(a, b *api.Allocation) int {
		if n := compareNames(a, b); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}
