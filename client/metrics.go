// SPDX-License-Identifier: MPL-2.0

package client

import (
	"cmp"
	"context"
	"time"

	"github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
)

// metricsInterval is how often gauges are set, unless configured (telemetry.collection_interval).
const metricsInterval = 5 * time.Second

// gauges are the numbers of one moment, by name below nomad.client.
type gauges map[[2]string]float32

// publishMetrics tells what the node has, what is allocated of it, and what its allocations do.
func (c *Client) publishMetrics(ctx context.Context) error {
	if c.deps.Metrics == nil {
		return nil
	}
	t := time.NewTicker(cmp.Or(c.cfg.MetricsInterval, metricsInterval))
	defer t.Stop()
	for {
		labels := c.metricLabels()
		for name, value := range c.gauges() {
			c.deps.Metrics.SetGaugeWithLabels([]string{"client", name[0], name[1]}, value, labels)
		}
		node := labels[:nodeLabels]
		if c.cfg.Metrics.Node {
			c.publishNode(ctx, node)
		}
		if c.cfg.Metrics.Allocs {
			c.publishAllocs(ctx, node)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// nodeLabels is how many of the labels, the first, do not change while the node runs.
const nodeLabels = 4

// metricLabels say which node it is, and how it is.
func (c *Client) metricLabels() []metrics.Label {
	n := c.Node()
	class, status := n.NodeClass, api.NodeStatusInit
	if class == "" {
		class = "none"
	}
	select {
	case <-c.ready:
		status = api.NodeStatusReady
	default:
	}
	return []metrics.Label{
		{Name: "node_id", Value: n.ID},
		{Name: "datacenter", Value: n.Datacenter},
		{Name: "node_class", Value: class},
		{Name: "node_pool", Value: n.NodePool},
		{Name: "node_status", Value: status},
		{Name: "node_scheduling_eligibility", Value: n.SchedulingEligibility},
	}
}

// gauges counts what there is now.
func (c *Client) gauges() gauges {
	g := gauges{
		{"allocations", "blocked"}: 0, {"allocations", "migrating"}: 0, {"allocations", "pending"}: 0,
		{"allocations", "running"}: 0, {"allocations", "start"}: 0, {"allocations", "terminal"}: 0,
		{"tasks", "pending"}: 0, {"tasks", "running"}: 0, {"tasks", "dead"}: 0,
	}
	var cpu, memory, maxMemory, disk int64
	for _, r := range c.allRunners() {
		report := r.Report()
		for _, s := range report.TaskStates {
			if s != nil && s.State != "" {
				g[[2]string{"tasks", s.State}]++
			}
		}
		switch status := report.ClientStatus; {
		case isFinished(r):
			g[[2]string{"allocations", "terminal"}]++
			continue
		case status == api.AllocClientRunning:
			g[[2]string{"allocations", "running"}]++
		default:
			g[[2]string{"allocations", "pending"}]++
		}
		granted := r.Alloc().AllocatedResources
		if granted == nil {
			continue
		}
		disk += int64(granted.Shared.DiskMB)
		for _, t := range granted.Tasks {
			cpu += t.Cpu.CpuShares
			memory += t.Memory.MemoryMB
			maxMemory += max(t.Memory.MemoryMB, t.Memory.MemoryMaxMB)
		}
	}
	set := func(name string, allocated, total, reserved int64) {
		g[[2]string{"allocated", name}] = float32(allocated)
		g[[2]string{"unallocated", name}] = float32(max(total-reserved-allocated, 0))
	}
	res, rsv := c.Node().NodeResources, c.Node().ReservedResources
	set("cpu", cpu, res.Cpu.CpuShares, rsv.Cpu.CpuShares)
	set("memory", memory, res.Memory.MemoryMB, rsv.Memory.MemoryMB)
	set("disk", disk, res.Disk.DiskMB, rsv.Disk.DiskMB)
	g[[2]string{"allocated", "max_memory"}] = float32(maxMemory)
	return g
}
