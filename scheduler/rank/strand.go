// SPDX-License-Identifier: MPL-2.0

package rank

// A node is nearly full in a resource when less than nearlyFull of it is left, and strands the other one when
// strandedShare more of that is left than the workload of the cluster leaves of it anyway. Both were found by
// experiment, see the design note on scheduling.
const (
	nearlyFull    = 0.15
	strandedShare = 0.35
)

// workload tells the shape of what runs on the candidates, with what the group asks for: the share of the one
// resource that is in use when the other is used up. One of the two is 1.
type workload struct{ cpu, memory float64 }

// workloadNodes is how many candidates are looked at for the workload, of more only as many, spread over all.
const workloadNodes = 1024

// newWorkload sums up the candidates. The ask is that of the whole group.
func (p *Placer) newWorkload() workload {
	var usedCPU, usedMemory, capCPU, capMemory int64
	step := 1 + (len(p.candidates)-1)/workloadNodes
	for i := 0; i < len(p.candidates); i += step {
		ord := int(p.candidates[i].ord)
		cpu, memory, _, _ := p.overlay.Used(ord)
		ofCPU, ofMemory, _ := p.overlay.Capacity(ord)
		usedCPU, usedMemory, capCPU, capMemory = usedCPU+cpu, usedMemory+memory, capCPU+ofCPU, capMemory+ofMemory
	}
	count := float64(p.group.CountOrDefault()) / float64(step)
	cpu := (float64(usedCPU) + count*float64(p.need.claim.CPU)) * float64(capMemory)
	memory := (float64(usedMemory) + count*float64(p.need.claim.MemoryMB)) * float64(capCPU)
	if cpu <= 0 || memory <= 0 {
		return workload{} // nothing is expected, so nothing is stranded
	}
	return workload{cpu: min(1, cpu/memory), memory: min(1, memory/cpu)}
}

// strands returns how much of a resource a node would strand whose other resource is nearly used up: its share
// beyond what the workload leaves unused anyway, 0 when that is little. The formula of bin-packing looks at each
// resource apart, so that it prefers such nodes, although little will ever fit there.
func (w workload) strands(freeCPU, freeMemory float64) float64 {
	most := 0.0
	if freeCPU < nearlyFull {
		most = w.memory - (1 - freeMemory)
	}
	if freeMemory < nearlyFull {
		most = max(most, w.cpu-(1-freeCPU))
	}
	if most <= strandedShare {
		return 0
	}
	return most
}
