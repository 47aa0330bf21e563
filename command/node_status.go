// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// nodeStatus shows one node.
type nodeStatus struct {
	m                     *meta
	c                     *client.Client
	n                     *api.Node
	verbose, short, stats bool
}

func (s *nodeStatus) show(ctx context.Context) error {
	n := s.n
	host, _, err := api.ClientStats.Call(ctx, s.c, &api.ClientRequest{NodeID: n.ID})
	if err != nil {
		host = nil // the node cannot be reached; the servers know the rest
	}
	fmt.Fprintln(s.m.out, pairs(s.keys(host)...))
	allocs, _, err := api.NodeAllocations.Call(ctx, s.c, &api.NodeRequest{NodeID: n.ID})
	if err != nil {
		return fmt.Errorf("Error querying node allocations: %w", err) //nolint:staticcheck // the contract's text
	}
	if !s.short {
		s.volumes()
		s.drivers()
		s.events()
		s.allocated(allocs)
		if host != nil {
			s.used(ctx, allocs)
			s.utilization(host)
		}
	}
	s.m.heading("Allocations")
	if len(allocs) == 0 {
		fmt.Fprintln(s.m.out, "No allocations placed")
	} else {
		fmt.Fprintln(s.m.out, columns(s.allocRows(allocs)))
	}
	if s.verbose {
		s.attributes("Attributes", n.Attributes)
		s.attributes("Meta", n.Meta)
	}
	return nil
}

// keys is the first block.
func (s *nodeStatus) keys(host *api.HostStats) []string {
	n := s.n
	kv := []string{
		"ID", n.ID, "Name", n.Name, "Node Pool", n.NodePool, "Class", n.NodeClass, "DC", n.Datacenter, "Drain", strconv.FormatBool(n.Drain),
		"Eligibility", n.SchedulingEligibility, "Status", n.Status, "CSI Controllers", strings.Join(sortedKeys(n.CSIControllerPlugins), ","),
		"CSI Drivers", strings.Join(sortedKeys(n.CSINodePlugins), ","),
	}
	if host != nil && !s.short {
		kv = append(kv, "Uptime", (time.Duration(host.Uptime) * time.Second).String())
	}
	kv = append(kv, "Host Volumes", strings.Join(sortedKeys(n.HostVolumes), ","), "Host Networks", strings.Join(sortedKeys(n.HostNetworks), ","), "CSI Volumes", "")
	title := "Driver Status"
	if s.short {
		title = "Drivers"
	}
	return append(kv, title, strings.Join(usableDrivers(n), ","))
}

// usableDrivers lists the drivers that were found, with those that are not healthy marked.
func usableDrivers(n *api.Node) []string {
	var out []string
	for _, d := range sortedKeys(n.Drivers) {
		switch info := n.Drivers[d]; {
		case info == nil || !info.Detected:
		case info.Healthy:
			out = append(out, d)
		default:
			out = append(out, d+" (unhealthy)")
		}
	}
	return out
}

// volumes is the table of the host volumes of the agent's configuration.
func (s *nodeStatus) volumes() {
	if !s.verbose || len(s.n.HostVolumes) == 0 {
		return
	}
	s.m.heading("Host Volumes")
	rows := [][]string{{"Name", "ReadOnly", "Source"}}
	for _, name := range sortedKeys(s.n.HostVolumes) {
		if v := s.n.HostVolumes[name]; v != nil {
			rows = append(rows, []string{name, strconv.FormatBool(v.ReadOnly), v.Path})
		}
	}
	fmt.Fprintln(s.m.out, columns(rows))
}

func (s *nodeStatus) drivers() {
	if !s.verbose {
		return
	}
	s.m.heading("Drivers")
	rows := [][]string{{"Driver", "Detected", "Healthy", "Message", "Time"}}
	for _, d := range sortedKeys(s.n.Drivers) {
		i := s.n.Drivers[d]
		rows = append(rows, []string{d, strconv.FormatBool(i.Detected), strconv.FormatBool(i.Healthy), i.HealthDescription, local(i.UpdateTime, "")})
	}
	fmt.Fprintln(s.m.out, columns(rows))
}

func (s *nodeStatus) events() {
	if len(s.n.Events) == 0 {
		return
	}
	s.m.heading("Node Events")
	head := []string{"Time", "Subsystem", "Message"}
	if s.verbose {
		head = append(head, "Details")
	}
	rows := [][]string{head}
	for _, e := range slices.Backward(s.n.Events) {
		row := []string{local(e.Timestamp, ""), e.Subsystem, e.Message}
		if s.verbose {
			var details []string
			for _, k := range sortedKeys(e.Details) {
				details = append(details, k+": "+e.Details[k])
			}
			row = append(row, strings.Join(details, ", "))
		}
		rows = append(rows, row)
	}
	fmt.Fprintln(s.m.out, columns(rows))
}

// capacity is what allocations may use of the node.
func (s *nodeStatus) capacity() (cpu, memory, disk int64) {
	r, held := s.n.NodeResources, s.n.ReservedResources
	if r == nil {
		return 0, 0, 0
	}
	cpu, memory, disk = r.Cpu.CpuShares, r.Memory.MemoryMB, r.Disk.DiskMB
	if held != nil {
		cpu, memory, disk = cpu-held.Cpu.CpuShares, memory-held.Memory.MemoryMB, disk-held.Disk.DiskMB
	}
	return cpu, memory, disk
}

// allocated sums what the node's allocations hold against what it has.
func (s *nodeStatus) allocated(allocs []*api.Allocation) {
	cpu, memory, disk := s.capacity()
	var usedCPU, usedMemory, maxMemory, usedDisk int64
	live := 0
	for _, a := range allocs {
		if a.ClientTerminalStatus() || a.AllocatedResources == nil {
			continue
		}
		live++
		usedDisk += int64(a.AllocatedResources.Shared.DiskMB)
		for _, t := range a.AllocatedResources.Tasks {
			usedCPU += t.Cpu.CpuShares
			usedMemory += t.Memory.MemoryMB
			maxMemory += max(t.Memory.MemoryMB, t.Memory.MemoryMaxMB)
		}
	}
	head := []string{"CPU", "Memory", "Disk", "Alloc Count"}
	row := []string{fmt.Sprintf("%d/%d MHz", usedCPU, cpu), mib(usedMemory) + "/" + mib(memory), mib(usedDisk) + "/" + mib(disk), strconv.Itoa(live)}
	if maxMemory > usedMemory {
		head = slices.Insert(head, 2, "Memory Max")
		row = slices.Insert(row, 2, mib(maxMemory)+"/"+mib(memory))
	}
	s.m.heading("Allocated Resources")
	fmt.Fprintln(s.m.out, columns([][]string{head, row}))
}

// used sums what the running allocations use right now, as far as the client says.
func (s *nodeStatus) used(ctx context.Context, allocs []*api.Allocation) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	uses := make([]*api.ResourceUsage, len(allocs))
	for i, a := range allocs {
		if a.ClientStatus != api.AllocClientRunning {
			continue
		}
		g.Go(func() error {
			if u, _, err := api.AllocStats.Call(ctx, s.c, &api.AllocStatsRequest{AllocID: a.ID}); err == nil && u != nil {
				uses[i] = u.ResourceUsage
			}
			return nil
		})
	}
	g.Wait() //nolint:errcheck // the functions return none
	var ticks float64
	var bytes uint64
	for _, u := range uses {
		if u == nil {
			continue
		}
		if u.CpuStats != nil {
			ticks += u.CpuStats.TotalTicks
		}
		if u.MemoryStats != nil {
			bytes += max(u.MemoryStats.RSS, u.MemoryStats.Usage)
		}
	}
	cpu, memory, _ := s.capacity()
	s.m.heading("Allocation Resource Utilization")
	fmt.Fprintln(s.m.out, columns([][]string{{"CPU", "Memory"}, {fmt.Sprintf("%.0f/%d MHz", ticks, cpu), size(bytes) + "/" + mib(memory)}}))
}

func (s *nodeStatus) utilization(h *api.HostStats) {
	total := int64(0)
	if s.n.NodeResources != nil {
		total = s.n.NodeResources.Cpu.CpuShares
	}
	row := []string{fmt.Sprintf("%.0f/%d MHz", h.CPUTicksConsumed, total), "", ""}
	if h.Memory != nil {
		row[1] = size(h.Memory.Used) + "/" + size(h.Memory.Total)
	}
	if d := h.AllocDirStats; d != nil {
		row[2] = size(d.Used) + "/" + size(d.Size)
	}
	s.m.heading("Host Resource Utilization")
	fmt.Fprintln(s.m.out, columns([][]string{{"CPU", "Memory", "Disk"}, row}))
	s.devices(h.DeviceStats)
	if s.stats {
		s.hostStats(h)
		s.deviceStats(h.DeviceStats)
	}
}

// hostStats shows the host's use in detail.
func (s *nodeStatus) hostStats(h *api.HostStats) {
	percent := func(f float64) string { return fmt.Sprintf("%.2f%%", f) }
	block := func(i int, kv ...string) {
		if i > 0 {
			fmt.Fprintln(s.m.out)
		}
		fmt.Fprintln(s.m.out, pairs(kv...))
	}
	s.m.heading("CPU Stats")
	for i, c := range h.CPU {
		block(i, "CPU", c.CPU, "User", percent(c.User), "System", percent(c.System), "Idle", percent(c.Idle))
	}
	if m := h.Memory; m != nil {
		s.m.heading("Memory Stats")
		block(0, "Total", size(m.Total), "Available", size(m.Available), "Used", size(m.Used), "Free", size(m.Free))
	}
	s.m.heading("Disk Stats")
	for i, d := range h.DiskStats {
		block(i, "Device", d.Device, "MountPoint", d.Mountpoint, "Size", size(d.Size), "Used", size(d.Used), "Available", size(d.Available),
			"Used Percent", percent(d.UsedPercent), "Inodes Percent", percent(d.InodesUsedPercent))
	}
}

func (s *nodeStatus) attributes(title string, m map[string]string) {
	s.m.heading(title)
	var kv []string
	for _, k := range sortedKeys(m) {
		kv = append(kv, k, m[k])
	}
	if len(kv) > 0 {
		fmt.Fprintln(s.m.out, pairs(kv...))
	}
}

// allocRows is the table of the node's allocations, newest first.
func (s *nodeStatus) allocRows(allocs []*api.Allocation) [][]string {
	now := s.m.now()
	head := []string{"ID", "Node ID", "Task Group", "Version", "Desired", "Status", "Created", "Modified"}
	if s.verbose {
		head = []string{"ID", "Eval ID", "Node ID", "Node Name", "Task Group", "Version", "Desired", "Status", "Created", "Modified"}
	}
	rows := [][]string{head}
	slices.SortStableFunc(allocs, func(a, b *api.Allocation) int { return int(b.CreateIndex) - int(a.CreateIndex) })
	for _, a := range allocs {
		version := ""
		if a.Job != nil {
			version = strconv.FormatUint(a.Job.Version, 10)
		}
		row := []string{shortID(a.ID, s.verbose)}
		if s.verbose {
			row = append(row, a.EvalID, a.NodeID, a.NodeName)
		} else {
			row = append(row, shortID(a.NodeID, false))
		}
		rows = append(rows, append(row, a.TaskGroup, version, a.DesiredStatus, a.ClientStatus,
			ago(a.CreateTime, now, s.verbose), ago(a.ModifyTime, now, s.verbose)))
	}
	return rows
}
