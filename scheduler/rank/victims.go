// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"cmp"
	"math"
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// victimSearch chooses allocations of one node that have to go. What is chosen is off the overlay until
// restore.
type victimSearch struct {
	p      *Placer
	ord    int
	allocs []*api.Allocation
	// spare are those that may be evicted, by priority.
	spare []*victim
}

type victim struct {
	*api.Allocation

	claim    usage.Claim
	priority int
	chosen   bool
	// distance is that with which the victim was chosen.
	distance float64
}

func (p *Placer) newVictimSearch(ord int) *victimSearch {
	s := &victimSearch{p: p, ord: ord, allocs: p.preemption.Allocs(ord)}
	limit := p.job.PriorityOrDefault() - PriorityDelta
	for _, a := range s.allocs {
		own := a.JobID == p.job.ID && a.Namespace == p.job.Namespace
		if own || a.Job == nil || a.TerminalStatus() || a.Job.PriorityOrDefault() > limit {
			continue
		}
		s.spare = append(s.spare, &victim{Allocation: a, claim: usage.ClaimOf(a), priority: a.Job.PriorityOrDefault()})
	}
	slices.SortStableFunc(s.spare, func(a, b *victim) int { return cmp.Compare(a.priority, b.priority) })
	return s
}

func (s *victimSearch) choose(v *victim) {
	if !v.chosen {
		v.chosen = true
		s.p.overlay.Remove(s.ord, v.claim)
	}
}

func (s *victimSearch) unchoose(v *victim) {
	if v.chosen {
		v.chosen = false
		s.p.overlay.Add(s.ord, v.claim)
	}
}

func (s *victimSearch) restore() {
	for _, v := range s.spare {
		s.unchoose(v)
	}
}

func (s *victimSearch) chosen() []*api.Allocation {
	var out []*api.Allocation
	for _, v := range s.spare {
		if v.chosen {
			out = append(out, v.Allocation)
		}
	}
	return out
}

// freePorts chooses who holds the static ports that the group needs, on the address of the host network
// where that costs the least priority.
func (s *victimSearch) freePorts() bool {
	for _, ask := range s.p.need.ports {
		if ask.network.Mode == modeNone {
			continue
		}
		for _, port := range ask.network.ReservedPorts {
			if !s.freePort(port) {
				return false
			}
		}
	}
	return true
}

func (s *victimSearch) freePort(ask *api.Port) bool {
	if ask.IgnoreCollision {
		return true
	}
	hostNetwork, ok := feasible.HostNetwork(ask, s.p.overlay.Node(s.ord))
	if !ok {
		return false
	}
	var best []*victim
	cost, found := 0, false
	layout := s.p.overlay.Layout(s.ord)
	for i := range layout.Addresses {
		a := &layout.Addresses[i]
		if a.Network != hostNetwork || a.Reserved(uint16(ask.Value)) {
			continue
		}
		holders, sum, ok := s.holders(a.IP, uint16(ask.Value))
		if ok && (!found || sum < cost) {
			best, cost, found = holders, sum, true
		}
	}
	for _, v := range best {
		s.choose(v)
	}
	return found
}

// freeDynamicPorts chooses who holds dynamic ports until there are enough.
func (s *victimSearch) freeDynamicPorts() bool {
	layout := s.p.overlay.Layout(s.ord)
	for _, v := range s.spare {
		if s.p.portsFit(s.ord) {
			return true
		}
		for held := range v.claim.Ports() {
			if held.Value >= layout.MinPort && held.Value <= layout.MaxPort {
				s.choose(v)
			}
		}
	}
	return s.p.portsFit(s.ord)
}

// holders returns who holds the port and the sum of their priorities; false when one of them has to stay.
func (s *victimSearch) holders(ip string, port uint16) (holders []*victim, sum int, ok bool) {
	wanted := s.p.overlay.UsedPorts(s.ord, ip).Count(port)
	if wanted == 0 {
		return nil, 0, true
	}
	for _, v := range s.spare {
		if v.chosen {
			continue
		}
		for held := range v.claim.Ports() {
			if held.IP == ip && held.Value == port {
				holders = append(holders, v)
				sum += v.priority
				wanted--
				break
			}
		}
	}
	return holders, sum, wanted == 0
}

// freeDevices chooses who holds device instances: those of the device group with the least sum of priorities.
func (s *victimSearch) freeDevices() bool {
	if s.devicesFit() {
		return true
	}
	type option struct {
		victims []*victim
		cost    int
	}
	var options []option
	for i := range s.p.overlay.Layout(s.ord).Devices {
		g := &s.p.overlay.Layout(s.ord).Devices[i]
		missing := s.p.devices.Wants(g.NodeDeviceResource)
		if missing == 0 {
			continue
		}
		for _, id := range g.Healthy {
			if !s.p.overlay.UsesDevice(s.ord, g.Device(id)) {
				missing--
			}
		}
		var o option
		for _, v := range s.spare {
			if missing <= 0 {
				break
			}
			held := 0
			for d := range v.claim.Devices() {
				if slices.Contains(g.Healthy, d.ID) && g.Device(d.ID) == d {
					held++
				}
			}
			if held > 0 && !v.chosen {
				o.victims = append(o.victims, v)
				o.cost += v.priority
				missing -= held
			}
		}
		if len(o.victims) > 0 {
			options = append(options, o)
		}
	}
	slices.SortStableFunc(options, func(a, b option) int { return cmp.Compare(a.cost, b.cost) })
	for _, o := range options {
		for _, v := range o.victims {
			s.choose(v)
		}
		if s.devicesFit() {
			return true
		}
		for _, v := range o.victims {
			s.unchoose(v)
		}
	}
	// Several requests may need several groups.
	for _, o := range options {
		for _, v := range o.victims {
			s.choose(v)
		}
	}
	return s.devicesFit()
}

func (s *victimSearch) devicesFit() bool {
	if s.p.devices == nil {
		return true
	}
	_, _, ok := s.p.devices.Assign(s.p.overlay.Layout(s.ord).Devices, s.p.freeDevice(s.ord))
	return ok
}

// freeSums chooses until CPU, memory, disk, cores and the number of allocations fit: lowest priority first,
// and in one priority what comes closest to what is asked for.
func (s *victimSearch) freeSums() bool {
	ask := [3]float64{float64(s.cpu()), float64(s.p.need.claim.MemoryMB), float64(s.p.need.claim.DiskMB)}
	left := ask
	for _, v := range s.spare {
		if v.chosen {
			left = less(left, v.claim)
		}
	}
	lost := map[EvictedGroup]int{}
	for s.lacks() {
		var best *victim
		for _, v := range s.spare {
			if v.chosen {
				continue
			}
			if best != nil && v.priority > best.priority {
				break
			}
			v.distance = distance(left, v.claim) + s.penalty(v, lost)
			if best == nil || v.distance < best.distance {
				best = v
			}
		}
		if best == nil {
			return false
		}
		s.choose(best)
		lost[evictedGroup(best.Allocation)]++
		left = less(left, best.claim)
	}
	return true
}

// penalty is what an allocation costs beyond its distance because its group loses more than max_parallel.
func (s *victimSearch) penalty(v *victim, lost map[EvictedGroup]int) float64 {
	tg := v.Job.LookupTaskGroup(v.TaskGroup)
	if tg == nil || tg.Migrate == nil {
		return 0
	}
	parallel := api.Or(tg.Migrate.MaxParallel, 0)
	key := evictedGroup(v.Allocation)
	over := s.p.preemption.Evicted[key] + lost[key] + 1 - parallel
	if parallel <= 0 || over <= 0 {
		return 0
	}
	return float64(over) * parallelPenalty
}

func less(left [3]float64, c usage.Claim) [3]float64 {
	for i, have := range [3]int64{c.CPU, c.MemoryMB, c.DiskMB} {
		left[i] = max(left[i]-float64(have), 0)
	}
	return left
}

// distance says how far the claim is from what is asked for, each resource relative to the demand.
func distance(ask [3]float64, c usage.Claim) float64 {
	sum := 0.0
	for i, have := range [3]int64{c.CPU, c.MemoryMB, c.DiskMB} {
		if ask[i] > 0 {
			d := (ask[i] - float64(have)) / ask[i]
			sum += d * d
		}
	}
	return math.Sqrt(sum)
}

func (s *victimSearch) cpu() int64 { return s.p.need.cpu(s.p.overlay.Layout(s.ord).CoreMHz) }

func (s *victimSearch) lacks() bool {
	if s.p.coresFit(s.ord) != "" {
		return true
	}
	return s.p.overlay.ExhaustedSums(s.ord, s.cpu(), s.p.need.claim.MemoryMB, s.p.need.claim.DiskMB) != ""
}

// prune spares what need not go after all: the highest priorities first, and of one priority what was the
// worst choice.
func (s *victimSearch) prune() {
	order := slices.Clone(s.spare)
	slices.SortStableFunc(order, func(a, b *victim) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(b.distance, a.distance))
	})
	for _, v := range order {
		if !v.chosen {
			continue
		}
		s.unchoose(v)
		if s.lacks() || !s.devicesFit() || !s.p.portsFit(s.ord) {
			s.choose(v)
		}
	}
}
