// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"math/rand/v2"
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// Resident is an allocation of the job that takes its place on a node during the pass: it exists and the
// plan does not stop it, or the plan places it.
type Resident struct {
	Ord   int32
	Group string
}

// Input is what a Placer works on.
type Input struct {
	// Overlay holds the nodes with what the plan stops and places so far; placements are added to it.
	Overlay *usage.Overlay
	Job     *api.Job
	Group   *api.TaskGroup
	// Nodes are the ordinals of the ready nodes in the job's datacenters and pool.
	Nodes    []int32
	Feasible *feasible.Group
	// Residents are the allocations of the whole job.
	Residents []Resident
	// Spread selects the spread algorithm instead of bin-packing.
	Spread bool
	// Limit is how many feasible nodes, chosen at random, are scored; 0 for all.
	Limit int
	// Oversubscribe stores memory_max with the allocations.
	Oversubscribe bool
	// Preemption is nil where nothing may be evicted.
	Preemption *Preemption
	// Random orders equal nodes, Ports draws dynamic ports.
	Random, Ports *rand.Rand
	Cache         *feasible.Cache
}

// NoNode as an ordinal stands for none.
const NoNode = -1

const noHeap = -1

// maxTerms is the largest number of scores, spread left out, that a node's mean is made of.
const maxTerms = 5

// candidate is a node that may run the group.
type candidate struct {
	// score is what orders the heap: the mean of the terms without the spread boost, where a node that would be
	// stranded counts as one without a fit.
	score float64
	sum   float64
	fit   float64
	// stranded is how much of a resource the node would strand, 0 for little.
	stranded float64
	// affinity is the affinity score, which does not change during a pass.
	affinity float64
	// device is the score of the device affinities.
	device float64

	ord      int32
	heap     int32
	position int32
	bucket   int32
	tie      uint32
	// own counts the residents of the group, all those of the job.
	own, all int32
	terms    uint8
	penalty  bool
	// out is the index in Placer.reasons of why the node is in no heap, 0 while it is in one.
	out uint16
}

// Placer places the allocations of one task group during one pass. It is not safe for concurrent use.
type Placer struct {
	overlay    *usage.Overlay
	job        *api.Job
	group      *api.TaskGroup
	feasible   *feasible.Group
	need       *need
	devices    *feasible.Devices
	affinities *affinities
	spread     *spread
	properties []property
	random     *rand.Rand
	ports      *rand.Rand
	seed       uint64
	packs      bool
	workload   workload

	distinctJob, distinctGroup bool

	candidates []candidate
	// byOrdinal holds 1 + the index of the candidate of a node.
	byOrdinal []int32
	heaps     []nodeHeap
	// reasons are why candidates are out; ruled tells which of them are filters and not lack of room.
	reasons  []string
	ruled    []bool
	reasonOf map[string]uint16

	filtered filterCounts
	taken    []takenPort

	preemption *Preemption
	// evictions remembers by candidate what would have to go; it is made when it is first needed.
	evictions []knownEviction
	// losses is how many allocations the placements have evicted. hopeless is set while no eviction helps.
	losses   int
	hopeless bool
}

// New builds the candidates and scores each of them.
func New(in Input) *Placer {
	p := &Placer{
		overlay:    in.Overlay,
		job:        in.Job,
		group:      in.Group,
		feasible:   in.Feasible,
		need:       newNeed(in.Group, in.Oversubscribe),
		devices:    in.Feasible.Devices(),
		affinities: newAffinities(in.Overlay.Snapshot, in.Job, in.Group, in.Cache),
		spread:     newSpread(newSpreadRules(in.Job, in.Group, in.Group.CountOrDefault())),
		properties: newProperties(in.Feasible.DistinctProperties()),
		random:     in.Random,
		ports:      in.Ports,
		seed:       in.Random.Uint64(),
		packs:      !in.Spread,
		byOrdinal:  make([]int32, in.Overlay.Len()),
		reasons:    []string{""},
		ruled:      []bool{false},
		reasonOf:   map[string]uint16{},
		preemption: in.Preemption,
	}
	p.distinctJob, p.distinctGroup = in.Feasible.DistinctHosts()
	p.collect(in.Nodes, in.Limit)
	p.settle(in.Residents)
	if p.packs && in.Job.Type != api.JobTypeSystem && in.Job.Type != api.JobTypeSysBatch { // they choose no node
		p.workload = p.newWorkload()
	}
	p.fill()
	return p
}

// collect makes a candidate of each node that passes the feasibility checks, of limit nodes at most unless
// that is 0.
func (p *Placer) collect(nodes []int32, limit int) {
	if limit > 0 && limit < len(nodes) {
		nodes = slices.Clone(nodes)
		p.random.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	} else {
		limit = len(nodes)
	}
	p.candidates = make([]candidate, 0, limit)
	for _, ord := range nodes {
		if len(p.candidates) == limit {
			break
		}
		p.filtered.evaluated++
		if reason := p.feasible.Filtered(int(ord)); reason != "" {
			p.filtered.add(reason, p.overlay.Node(int(ord)).NodeClass)
			continue
		}
		c := candidate{ord: ord, heap: noHeap, tie: mix(p.seed, uint64(ord))}
		if p.affinities != nil {
			c.affinity = p.affinities.of(p.overlay.Snapshot, int(ord))
		}
		if p.spread != nil {
			c.bucket = p.spread.bucketOf(p.overlay.Node(int(ord)))
		}
		p.candidates = append(p.candidates, c)
		p.byOrdinal[ord] = int32(len(p.candidates))
	}
}

// settle counts the residents for anti-affinity, distinct rules and spread.
func (p *Placer) settle(residents []Resident) {
	for _, r := range residents {
		p.resident(r, 1)
	}
}

func (p *Placer) resident(r Resident, delta int32) {
	ofGroup := r.Group == p.group.Name
	if i := p.byOrdinal[r.Ord]; i > 0 {
		c := &p.candidates[i-1]
		c.all += delta
		if ofGroup {
			c.own += delta
		}
	}
	node := p.overlay.Node(int(r.Ord))
	if node == nil {
		return
	}
	for i := range p.properties {
		p.properties[i].count(node, ofGroup, int(delta))
	}
	if p.spread != nil && ofGroup {
		p.spread.count(p.bucketOf(r.Ord), int(delta))
	}
}

// bucketOf returns the spread bucket of a node, which need not be a candidate.
func (p *Placer) bucketOf(ord int32) int32 {
	if i := p.byOrdinal[ord]; i > 0 {
		return p.candidates[i-1].bucket
	}
	return p.spread.bucketOf(p.overlay.Node(int(ord)))
}

// fill scores the candidates and builds the heaps.
func (p *Placer) fill() {
	buckets := 1
	if p.spread != nil {
		buckets = len(p.spread.values)
	}
	p.heaps = make([]nodeHeap, buckets*p.heapsPerBucket())
	if p.spread == nil {
		p.heaps[0] = make(nodeHeap, 0, len(p.candidates))
	}
	for i := range p.candidates {
		c := &p.candidates[i]
		if reason, ruled := p.rate(c); reason != "" {
			c.out = p.reason(reason, ruled)
			continue
		}
		c.heap = p.heapOf(c)
		p.heaps[c.heap] = append(p.heaps[c.heap], int32(i))
	}
	for _, h := range p.heaps {
		p.heapify(h)
	}
	if p.spread != nil {
		p.spread.refresh()
	}
}

// heapsPerBucket is more than one with a spread block: the boost is one more term of the mean, so that
// the order of two nodes depends on the boost unless they have the same number of terms.
func (p *Placer) heapsPerBucket() int {
	if p.spread == nil {
		return 1
	}
	return maxTerms
}

func (p *Placer) heapOf(c *candidate) int32 {
	if p.spread == nil {
		return 0
	}
	return c.bucket*maxTerms + int32(c.terms) - 1
}

// rate computes the score of the candidate, or says why it is out: ruled by a distinct rule, else for
// want of room.
func (p *Placer) rate(c *candidate) (reason string, ruled bool) {
	if p.distinctJob && c.all > 0 || p.distinctGroup && c.own > 0 {
		return api.OpDistinctHosts, true
	}
	for i := range p.properties {
		if reason := p.properties[i].refuses(p.overlay.Node(int(c.ord))); reason != "" {
			return reason, true
		}
	}
	ord := int(c.ord)
	layout := p.overlay.Layout(ord)
	cpu := p.need.cpu(layout.CoreMHz)
	if reason := p.coresFit(ord); reason != "" {
		return reason, false
	}
	usedCPU, usedMemory, usedDisk, allocs := p.overlay.Used(ord)
	capCPU, capMemory, capDisk := p.overlay.Capacity(ord)
	usedCPU += cpu
	usedMemory += p.need.claim.MemoryMB
	switch {
	case usedCPU > capCPU:
		return usage.DimensionCPU, false
	case usedMemory > capMemory:
		return usage.DimensionMemory, false
	case usedDisk+p.need.claim.DiskMB > capDisk:
		return usage.DimensionDisk, false
	}
	if limit := p.overlay.MaxAllocs(ord); limit > 0 && allocs >= limit {
		return usage.DimensionMaxAllocs, false
	}
	var granted bool
	if p.devices != nil {
		if _, c.device, granted = p.devices.Assign(p.overlay.Layout(ord).Devices, p.freeDevice(ord)); !granted {
			return usage.DimensionDevices, false
		}
	}
	freeCPU, freeMemory := free(capCPU, usedCPU), free(capMemory, usedMemory)
	c.fit, c.terms = FitScore(freeCPU, freeMemory, !p.packs), 1
	c.sum, c.stranded = c.fit, p.workload.strands(freeCPU, freeMemory)
	if p.devices.HasAffinities() {
		c.sum += c.device
		c.terms++
	}
	if c.own > 0 {
		c.sum += AntiAffinityScore(int(c.own), p.group.CountOrDefault())
		c.terms++
	}
	if p.affinities != nil {
		c.sum += c.affinity
		c.terms++
	}
	if c.penalty {
		c.sum--
		c.terms++
	}
	c.score = c.rank() / float64(c.terms)
	return "", false
}

// refresh re-scores one candidate and moves it to where it belongs.
func (p *Placer) refresh(i int32) {
	if p.evictions != nil {
		p.evictions[i] = knownEviction{}
	}
	p.hopeless = false
	c := &p.candidates[i]
	reason, ruled := p.rate(c)
	if reason != "" {
		p.drop(i, reason, ruled)
		return
	}
	c.out = 0
	heap := p.heapOf(c)
	if c.heap == heap {
		p.fix(p.heaps[heap], int(c.position))
		return
	}
	if c.heap != noHeap {
		p.remove(i)
	}
	p.push(heap, i)
}

// drop takes a candidate out of the running.
func (p *Placer) drop(i int32, reason string, ruled bool) {
	if p.candidates[i].heap != noHeap {
		p.remove(i)
	}
	p.candidates[i].out = p.reason(reason, ruled)
}

func (p *Placer) reason(text string, ruled bool) uint16 {
	if at, ok := p.reasonOf[text]; ok {
		return at
	}
	at := uint16(len(p.reasons))
	p.reasons = append(p.reasons, text)
	p.ruled = append(p.ruled, ruled)
	p.reasonOf[text] = at
	return at
}

// mix derives the seeded order of equal nodes.
func mix(seed, ord uint64) uint32 {
	x := seed + ord*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return uint32((x ^ x>>31) >> 32)
}
