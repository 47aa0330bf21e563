// SPDX-License-Identifier: MPL-2.0

package scheduler_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler"
	"github.com/nomadlike/nomadlike/scheduler/rank"
)

// packNode is a node of the simulation of sampled ranking.
type packNode struct {
	cpu, memory, usedCPU, usedMemory int
	own                              int
}

// packJob is a job of a random workload: how many allocations of what size.
type packJob struct{ count, cpu, memory int }

// packWorkload draws nodes of three sizes and jobs that ask for more than all of them together.
func packWorkload(random *rand.Rand, nodes int) (sizes [][2]int, jobs []packJob) {
	kinds := [][2]int{{4000, 8192}, {8000, 16384}, {16000, 65536}}
	cpu := 0
	for range nodes {
		size := kinds[random.IntN(len(kinds))]
		sizes = append(sizes, size)
		cpu += size[0]
	}
	for asked := 0; asked < 2*cpu; {
		j := packJob{count: 1 + random.IntN(20), cpu: 50 * (1 + random.IntN(60)), memory: 64 * (1 + random.IntN(120))}
		jobs = append(jobs, j)
		asked += j.count * j.cpu
	}
	return sizes, jobs
}

// packed is what a way of ranking made of a workload.
type packed struct {
	// share is how much of the cluster is filled at the end: the mean of processor and memory.
	share float64
	// nodes is how many nodes were in use when a third of the jobs had come.
	nodes int
	// placed counts the allocations until then, together those that share their node with another one of their job,
	// which anti-affinity is against.
	placed, together int
}

// add counts one more allocation, on a node that has so many of its job.
func (p *packed) add(own int) {
	p.placed++
	if own > 0 {
		p.together++
	}
}

// packSampled places the workload in the way of scheduler.md 5.1 and 5.2: of randomly ordered nodes that fit the
// best of max(2, log2 n), where up to three whose score is not above 0 are set aside.
func packSampled(random *rand.Rand, sizes [][2]int, jobs []packJob) packed {
	nodes := make([]packNode, len(sizes))
	for i, size := range sizes {
		nodes[i] = packNode{cpu: size[0], memory: size[1]}
	}
	limit := max(2, int(math.Ceil(math.Log2(float64(len(nodes))))))
	var out packed
	for n, j := range jobs {
		for i := range nodes {
			nodes[i].own = 0
		}
		for range j.count {
			best, bestScore, seen, skipped := -1, 0.0, 0, 0
			var aside []int
			consider := func(i int, score float64) {
				if best < 0 || score > bestScore {
					best, bestScore = i, score
				}
			}
			for _, i := range random.Perm(len(nodes)) {
				node := &nodes[i]
				if node.usedCPU+j.cpu > node.cpu || node.usedMemory+j.memory > node.memory {
					continue
				}
				score := packScore(node, j)
				if score <= 0 && skipped < 3 {
					aside = append(aside, i)
					skipped++
					continue
				}
				consider(i, score)
				if seen++; seen == limit {
					break
				}
			}
			for _, i := range aside {
				if best >= 0 && bestScore > 0 {
					break
				}
				consider(i, packScore(&nodes[i], j))
			}
			if best < 0 {
				break
			}
			if n <= len(jobs)/3 {
				out.add(nodes[best].own)
			}
			nodes[best].usedCPU += j.cpu
			nodes[best].usedMemory += j.memory
			nodes[best].own++
		}
		if n == len(jobs)/3 {
			for i := range nodes {
				if nodes[i].usedCPU > 0 {
					out.nodes++
				}
			}
		}
	}
	var cpu, memory, usedCPU, usedMemory int
	for i := range nodes {
		cpu, memory = cpu+nodes[i].cpu, memory+nodes[i].memory
		usedCPU, usedMemory = usedCPU+nodes[i].usedCPU, usedMemory+nodes[i].usedMemory
	}
	out.share = (float64(usedCPU)/float64(cpu) + float64(usedMemory)/float64(memory)) / 2
	return out
}

// packScore is the normalised score of one more allocation on the node.
func packScore(n *packNode, j packJob) float64 {
	score := rank.FitScore(1-float64(n.usedCPU+j.cpu)/float64(n.cpu), 1-float64(n.usedMemory+j.memory)/float64(n.memory), false)
	if n.own == 0 {
		return score
	}
	return (score + rank.AntiAffinityScore(n.own, j.count)) / 2
}

// packOurs places the workload with the scheduler.
func packOurs(sizes [][2]int, jobs []packJob) packed {
	c := newCluster()
	for i, size := range sizes {
		n := newNode(fmt.Sprintf("n%d", i))
		n.NodeResources.Cpu.CpuShares, n.NodeResources.Memory.MemoryMB = int64(size[0]), int64(size[1])
		n.NodeResources.Disk.DiskMB = 1 << 30
		c.putNode(n)
	}
	c.commit()
	var out packed
	for n, j := range jobs {
		id := fmt.Sprintf("job-%d", n)
		job := benchJob(id, j.count)
		job.TaskGroups[0].Tasks[0].Resources = &api.Resources{CPU: new(j.cpu), MemoryMB: new(j.memory)}
		c.register(job)
		plan := scheduler.Process(c, c.eval(id, api.TriggerJobRegister), scheduler.Config{Now: c.now, Seed: uint64(n), Cache: c.cache}).Plan
		for _, rows := range plan.NodeAllocation {
			for i, a := range rows {
				c.putAlloc(a)
				if n <= len(jobs)/3 {
					out.add(i)
				}
			}
		}
		c.commit()
		if n == len(jobs)/3 {
			for ord := range c.snapshot.Len() {
				if _, _, _, allocs := c.snapshot.Used(ord); allocs > 0 {
					out.nodes++
				}
			}
		}
	}
	var cpu, memory, usedCPU, usedMemory int64
	for ord := range c.snapshot.Len() {
		capCPU, capMemory, _ := c.snapshot.Capacity(ord)
		useCPU, useMemory, _, _ := c.snapshot.Used(ord)
		cpu, memory, usedCPU, usedMemory = cpu+capCPU, memory+capMemory, usedCPU+useCPU, usedMemory+useMemory
	}
	out.share = (float64(usedCPU)/float64(cpu) + float64(usedMemory)/float64(memory)) / 2
	return out
}

// BenchmarkPacking packs the same random workloads with the scheduler, which scores every node, and with a
// simulation of sampled ranking, and reports how full the cluster is at the end, and when a third of the jobs had come
// how many nodes are in use and how many allocations share their node with another one of their job.
func BenchmarkPacking(b *testing.B) {
	for _, nodes := range []int{20, 100, 400} {
		b.Run(fmt.Sprintf("%d-nodes", nodes), func(b *testing.B) {
			var ours, sampled packed
			rounds := 0
			for b.Loop() {
				random := rand.New(rand.NewPCG(uint64(rounds), uint64(nodes)))
				sizes, jobs := packWorkload(random, nodes)
				o, s := packOurs(sizes, jobs), packSampled(random, sizes, jobs)
				ours.share, ours.nodes = ours.share+o.share, ours.nodes+o.nodes
				sampled.share, sampled.nodes = sampled.share+s.share, sampled.nodes+s.nodes
				ours.placed, ours.together = ours.placed+o.placed, ours.together+o.together
				sampled.placed, sampled.together = sampled.placed+s.placed, sampled.together+s.together
				rounds++
			}
			b.ReportMetric(100*ours.share/float64(rounds), "%full")
			b.ReportMetric(100*sampled.share/float64(rounds), "%full-sampled")
			b.ReportMetric(float64(ours.nodes)/float64(rounds), "nodes")
			b.ReportMetric(float64(sampled.nodes)/float64(rounds), "nodes-sampled")
			b.ReportMetric(100*float64(ours.together)/float64(ours.placed), "%together")
			b.ReportMetric(100*float64(sampled.together)/float64(sampled.placed), "%together-sampled")
		})
	}
}
