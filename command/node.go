// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func nodeStatusCommand() *spec {
	var (
		self, allocs, short, verbose, quiet, osColumn, stats bool
		filter, token                                        string
		perPage                                              int
		out                                                  output
	)
	return &spec{
		usage: "node status [options] [<node>]", synopsis: "Show nodes, or one node in detail", remote: true, args: atMost(1, "<node>"),
		long: `Without an argument lists the nodes; with a node's ID, or the start of one, shows its drivers, events, resources
and allocations.

Example:

    $ nomadlike node status -self`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&self, "self", false, "Show the node of the agent that is asked.")
			f.BoolVar(&allocs, "allocs", false, "Count the running allocations of each node.")
			f.BoolVar(&short, "short", false, "Show less.")
			f.BoolVar(&stats, "stats", false, "Show the use of the host's resources.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers, attributes and meta.")
			f.BoolVar(&quiet, "quiet", false, "Print identifiers only.")
			f.BoolVar(&osColumn, "os", false, "Show the operating systems.")
			f.StringVar(&filter, "filter", "", "Only those that the `expression` selects.")
			f.IntVar(&perPage, "per-page", 0, "Show `n` at a time.")
			f.StringVar(&token, "page-token", "", "Start at the page that the `token` of the page before names.")
			out.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, err := m.client()
			if err != nil {
				return err
			}
			id := ""
			if len(args) == 1 {
				id = args[0]
			}
			if self {
				if id, err = ownNode(ctx, c); err != nil {
					return err
				}
			}
			if id == "" {
				req := &api.NodeListRequest{OS: osColumn}
				req.Filter, req.PerPage, req.NextToken = filter, perPage, token
				return nodeList(ctx, m, c, req, nodeListView{verbose, quiet, osColumn, allocs}, &out)
			}
			n, err := findNode(ctx, m, c, id)
			if err != nil {
				return err
			}
			if out.wanted() {
				return out.print(m, n)
			}
			return (&nodeStatus{m: m, c: c, n: n, verbose: verbose, short: short, stats: stats}).show(ctx)
		},
	}
}

// ownNode asks the agent for its node's ID.
func ownNode(ctx context.Context, c *client.Client) (string, error) {
	self, _, err := api.AgentSelfGet.Call(ctx, c, &api.AgentRequest{})
	if err != nil {
		return "", fmt.Errorf("Error querying agent info: %w", err) //nolint:staticcheck // the contract's text
	}
	id := self.Stats["client"]["node_id"]
	if id == "" {
		return "", fmt.Errorf("the agent at %s runs no client", c.Address())
	}
	return id, nil
}

type nodeListView struct{ verbose, quiet, os, allocs bool }

func nodeList(ctx context.Context, m *meta, c *client.Client, req *api.NodeListRequest, v nodeListView, out *output) error {
	nodes, meta, err := api.NodeList.Call(ctx, c, req)
	if err != nil {
		return fmt.Errorf("Error querying node status: %w", err) //nolint:staticcheck // the contract's text
	}
	switch {
	case out.wanted():
		return out.print(m, nodes)
	case len(nodes) == 0:
		fmt.Fprintln(m.out, "No nodes registered")
		return nil
	case v.quiet:
		for _, n := range nodes {
			fmt.Fprintln(m.out, shortID(n.ID, v.verbose))
		}
		return nil
	}
	rows := nodeRows(nodes, v.verbose)
	if v.os {
		rows[0] = append(rows[0], "OS")
		for i, n := range nodes {
			rows[i+1] = append(rows[i+1], n.Attributes["os.name"])
		}
	}
	if v.allocs {
		rows[0] = append(rows[0], "Running Allocs")
		for i, n := range nodes {
			list, _, err := api.NodeAllocations.Call(ctx, c, &api.NodeRequest{NodeID: n.ID})
			if err != nil {
				return fmt.Errorf("Error querying node allocations: %w", err) //nolint:staticcheck // the contract's text
			}
			running := 0
			for _, a := range list {
				if a.ClientStatus == api.AllocClientRunning {
					running++
				}
			}
			rows[i+1] = append(rows[i+1], strconv.Itoa(running))
		}
	}
	fmt.Fprintln(m.out, columns(rows))
	m.nextPage(meta.NextToken)
	return nil
}

func nodeRows(nodes []*api.NodeListStub, verbose bool) [][]string {
	head := []string{"ID", "Node Pool", "DC", "Name", "Class", "Drain", "Eligibility", "Status"}
	if verbose {
		head = []string{"ID", "Node Pool", "DC", "Name", "Class", "Address", "Version", "Drain", "Eligibility", "Status"}
	}
	rows := [][]string{head}
	for _, n := range nodes {
		row := []string{shortID(n.ID, verbose), n.NodePool, n.Datacenter, n.Name, n.NodeClass}
		if verbose {
			row = append(row, n.Address, n.Version)
		}
		rows = append(rows, append(row, strconv.FormatBool(n.Drain), n.SchedulingEligibility, n.Status))
	}
	return rows
}

type nodeStatus struct {
	m                     *meta
	c                     *client.Client
	n                     *api.Node
	verbose, short, stats bool
}

func (s *nodeStatus) show(ctx context.Context) error {
	n := s.n
	kv := []string{
		"ID", n.ID, "Name", n.Name, "Node Pool", n.NodePool, "Class", n.NodeClass, "DC", n.Datacenter, "Drain", strconv.FormatBool(n.Drain),
		"Eligibility", n.SchedulingEligibility, "Status", n.Status, "CSI Controllers", "", "CSI Drivers", "",
	}
	host, _, hostErr := api.ClientStats.Call(ctx, s.c, &api.ClientRequest{NodeID: n.ID})
	if s.short {
		kv = append(kv, "Drivers", strings.Join(healthyDrivers(n), ","))
	} else {
		if hostErr == nil && host != nil {
			kv = append(kv, "Uptime", (time.Duration(host.Uptime) * time.Second).String())
		}
		kv = append(kv, "Host Volumes", strings.Join(sortedKeys(n.HostVolumes), ","), "Host Networks", strings.Join(sortedKeys(n.HostNetworks), ","),
			"CSI Volumes", "", "Driver Status", strings.Join(healthyDrivers(n), ","))
	}
	fmt.Fprintln(s.m.out, pairs(kv...))
	allocs, _, err := api.NodeAllocations.Call(ctx, s.c, &api.NodeRequest{NodeID: n.ID})
	if err != nil {
		return fmt.Errorf("Error querying node allocations: %w", err) //nolint:staticcheck // the contract's text
	}
	if !s.short {
		s.drivers()
		s.events()
		s.allocated(allocs)
		if hostErr == nil && host != nil {
			s.utilization(host)
		}
	}
	s.m.heading("Allocations")
	if len(allocs) == 0 {
		fmt.Fprintln(s.m.out, "No allocations placed")
	} else {
		slices.Reverse(allocs)
		fmt.Fprintln(s.m.out, columns(nodeAllocRows(allocs, s.verbose)))
	}
	if s.verbose {
		s.attributes("Attributes", n.Attributes)
		s.attributes("Meta", n.Meta)
	}
	return nil
}

func healthyDrivers(n *api.Node) []string {
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

func (s *nodeStatus) drivers() {
	if !s.verbose {
		return
	}
	s.m.heading("Drivers")
	rows := [][]string{{"Driver", "Detected", "Healthy", "Message", "Time"}}
	for _, d := range sortedKeys(s.n.Drivers) {
		i := s.n.Drivers[d]
		at := ""
		if i.UpdateTime != nil {
			at = i.UpdateTime.Local().Format(time.RFC3339)
		}
		rows = append(rows, []string{d, strconv.FormatBool(i.Detected), strconv.FormatBool(i.Healthy), i.HealthDescription, at})
	}
	fmt.Fprintln(s.m.out, columns(rows))
}

func (s *nodeStatus) events() {
	if len(s.n.Events) == 0 {
		return
	}
	s.m.heading("Node Events")
	rows := [][]string{{"Time", "Subsystem", "Message"}}
	for i := len(s.n.Events) - 1; i >= 0; i-- {
		e := s.n.Events[i]
		at := ""
		if e.Timestamp != nil {
			at = e.Timestamp.Local().Format(time.RFC3339)
		}
		rows = append(rows, []string{at, e.Subsystem, e.Message})
	}
	fmt.Fprintln(s.m.out, columns(rows))
}

// allocated sums what the node's allocations hold against what it has.
func (s *nodeStatus) allocated(allocs []*api.Allocation) {
	r, held := s.n.NodeResources, s.n.ReservedResources
	if r == nil {
		return
	}
	cpu, mem, disk := r.Cpu.CpuShares, r.Memory.MemoryMB, r.Disk.DiskMB
	if held != nil {
		cpu, mem, disk = cpu-held.Cpu.CpuShares, mem-held.Memory.MemoryMB, disk-held.Disk.DiskMB
	}
	var usedCPU, usedMem, usedDisk int64
	live := 0
	for _, a := range allocs {
		if a.ClientTerminalStatus() || a.AllocatedResources == nil {
			continue
		}
		live++
		usedDisk += int64(a.AllocatedResources.Shared.DiskMB)
		for _, t := range a.AllocatedResources.Tasks {
			usedCPU += t.Cpu.CpuShares
			usedMem += t.Memory.MemoryMB
		}
	}
	s.m.heading("Allocated Resources")
	fmt.Fprintln(s.m.out, columns([][]string{
		{"CPU", "Memory", "Disk", "Alloc Count"},
		{fmt.Sprintf("%d/%d MHz", usedCPU, cpu), mib(usedMem) + "/" + mib(mem), mib(usedDisk) + "/" + mib(disk), strconv.Itoa(live)},
	}))
}

func (s *nodeStatus) utilization(h *api.HostStats) {
	s.m.heading("Host Resource Utilization")
	row := []string{fmt.Sprintf("%.0f MHz", h.CPUTicksConsumed), "", ""}
	if h.Memory != nil {
		row[1] = size(h.Memory.Used) + "/" + size(h.Memory.Total)
	}
	if d := h.AllocDirStats; d != nil {
		row[2] = size(d.Used) + "/" + size(d.Size)
	}
	fmt.Fprintln(s.m.out, columns([][]string{{"CPU", "Memory", "Disk"}, row}))
	if !s.stats {
		return
	}
	for _, c := range h.CPU {
		s.m.heading("CPU Stats " + c.CPU)
		pct := func(f float64) string { return fmt.Sprintf("%.2f%%", f) }
		fmt.Fprintln(s.m.out, pairs("CPU", c.CPU, "User", pct(c.User), "System", pct(c.System), "Idle", pct(c.Idle)))
	}
}

func (s *nodeStatus) attributes(title string, m map[string]string) {
	s.m.heading(title)
	var kv []string
	for _, k := range sortedKeys(m) {
		kv = append(kv, k, m[k])
	}
	fmt.Fprintln(s.m.out, pairs(kv...))
}

func nodeAllocRows(allocs []*api.Allocation, verbose bool) [][]string {
	now := time.Now()
	rows := [][]string{{"ID", "Job ID", "Task Group", "Version", "Desired", "Status", "Created", "Modified"}}
	for _, a := range allocs {
		v := ""
		if a.Job != nil {
			v = strconv.FormatUint(a.Job.Version, 10)
		}
		rows = append(rows, []string{
			shortID(a.ID, verbose), a.JobID, a.TaskGroup, v, a.DesiredStatus, a.ClientStatus, ago(a.CreateTime, now, verbose), ago(a.ModifyTime, now, verbose),
		})
	}
	return rows
}

func nodeEligibilityCommand() *spec {
	var enable, disable, self bool
	return &spec{
		usage: "node eligibility [options] <node>", synopsis: "Allow or forbid placements on a node", remote: true, args: atMost(1, "<node>"),
		long: "Sets whether new allocations may be placed on the node; those that run stay.\n\nExample:\n\n    $ nomadlike node eligibility -disable c0c63d32",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&enable, "enable", false, "Allow placements.")
			f.BoolVar(&disable, "disable", false, "Forbid placements.")
			f.BoolVar(&self, "self", false, "The node of the agent that is asked.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if enable == disable {
				return usageError("Either the '-enable' or '-disable' flag must be set")
			}
			if self == (len(args) == 1) {
				return usageError("Node ID must be specified if -self isn't being used")
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			var id string
			if self {
				id, err = ownNode(ctx, c)
			} else {
				id = args[0]
			}
			if err != nil {
				return err
			}
			n, err := findNode(ctx, m, c, id)
			if err != nil {
				return err
			}
			want, text := api.NodeEligible, "eligible"
			if disable {
				want, text = api.NodeIneligible, "ineligible"
			}
			if _, _, err := api.NodeEligibilitySet.Call(ctx, c, &api.NodeEligibilityRequest{PathID: n.ID, NodeID: n.ID, Eligibility: want}); err != nil {
				return fmt.Errorf("Error updating scheduling eligibility: %w", err) //nolint:staticcheck // the contract's text
			}
			fmt.Fprintf(m.out, "Node %q scheduling eligibility set: %s for scheduling\n", n.ID, text)
			return nil
		},
	}
}
