// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func allocStatusCommand() *spec {
	var (
		short, stats, verbose bool
		page                  webUI
		out                   output
	)
	return &spec{
		usage: "alloc status [options] <alloc>", synopsis: "Show an allocation", remote: true, args: atMost(1, "<alloc>"), completes: completeAllocs,
		long: `Shows an allocation with its addresses, the state of its tasks and their recent events; with -verbose also how
its node was chosen. -json and -t without an argument list all allocations.

Example:

    $ nomadlike alloc status 4fd35a03`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&short, "short", false, "Show the tasks in one table.")
			page.register(f)
			f.BoolVar(&stats, "stats", false, "Show the use of resources in detail.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers and how the node was chosen.")
			out.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			if len(args) == 0 && !out.wanted() {
				return usageError("This command takes one argument: <alloc>")
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				stubs, _, err := api.AllocList.Call(ctx, c, &api.AllocListRequest{})
				if err != nil {
					return fmt.Errorf("Error querying allocations: %w", err) //nolint:staticcheck // the contract's text
				}
				return out.print(m, stubs)
			}
			a, err := findAlloc(ctx, m, c, args[0])
			if err != nil {
				return err
			}
			if out.wanted() {
				return out.print(m, a)
			}
			s := &allocStatus{m: m, a: a, verbose: verbose, now: m.now()}
			s.show(ctx, c, short, stats)
			m.hint(ctx, c, &page, "View this allocation", "allocations/"+a.ID)
			return nil
		},
	}
}

type allocStatus struct {
	m       *meta
	a       *api.Allocation
	verbose bool
	now     time.Time
	// followUp is when the allocation is rescheduled, nil when that is not known or not planned.
	followUp *time.Time
}

func (s *allocStatus) show(ctx context.Context, c *client.Client, short, stats bool) {
	a := s.a
	if short {
		fmt.Fprintln(s.m.out, pairs("ID", a.ID, "Name", a.Name, "Created", ago(a.CreateTime, s.now, s.verbose), "Modified", ago(a.ModifyTime, s.now, s.verbose)))
		s.shortTasks()
		return
	}
	if a.FollowupEvalID != "" && a.NextAllocation == "" {
		if v, _, err := api.EvalGet.Call(ctx, c, &api.EvalRequest{EvalID: a.FollowupEvalID}); err == nil && v.WaitUntil != nil && v.WaitUntil.After(s.now) {
			s.followUp = v.WaitUntil
		}
	}
	fmt.Fprintln(s.m.out, pairs(s.keys()...))
	s.addresses()
	s.checks(ctx, c)
	var usage *api.AllocResourceUsage
	if a.ClientStatus == api.AllocClientRunning {
		usage, _, _ = api.AllocStats.Call(ctx, c, &api.AllocStatsRequest{ReadOptions: inNamespace(a.Namespace), AllocID: a.ID}) // shown if the client can be reached
	}
	for _, t := range s.tasks() {
		s.task(t, usage, stats)
	}
	if s.verbose || a.ClientStatus == api.AllocClientPending && a.DesiredStatus == api.AllocDesiredRun && len(a.TaskStates) == 0 {
		s.placement()
	}
}

func (s *allocStatus) keys() []string {
	a := s.a
	version := ""
	if a.Job != nil {
		version = strconv.FormatUint(a.Job.Version, 10)
	}
	kv := []string{
		"ID", a.ID, "Eval ID", shortID(a.EvalID, s.verbose), "Name", a.Name, "Node ID", shortID(a.NodeID, s.verbose), "Node Name", a.NodeName,
		"Job ID", a.JobID, "Job Version", version, "Client Status", a.ClientStatus, "Client Description", a.ClientDescription,
		"Desired Status", a.DesiredStatus, "Desired Description", a.DesiredDescription,
		"Created", ago(a.CreateTime, s.now, s.verbose), "Modified", ago(a.ModifyTime, s.now, s.verbose),
	}
	if a.DeploymentID != "" {
		health := "unset"
		if d := a.DeploymentStatus; d != nil && d.Healthy != nil {
			if health = "unhealthy"; *d.Healthy {
				health = "healthy"
			}
		}
		kv = append(kv, "Deployment ID", shortID(a.DeploymentID, s.verbose), "Deployment Health", health)
	}
	if d := a.DeploymentStatus; d != nil && d.Canary {
		kv = append(kv, "Canary", "true")
	}
	kv = append(kv, s.reschedule()...)
	if a.NextAllocation != "" {
		kv = append(kv, "Replacement Alloc ID", shortID(a.NextAllocation, s.verbose))
	}
	if a.FollowupEvalID != "" && s.followUp != nil {
		kv = append(kv, "Reschedule Eligibility", brief(s.followUp.Sub(s.now))+" from now")
	}
	if len(a.PreemptedAllocations) > 0 {
		kv = append(kv, "Preempted Allocations", strings.Join(shortIDs(a.PreemptedAllocations, s.verbose), ", "))
	}
	if a.PreemptedByAllocation != "" {
		kv = append(kv, "Preempted by Alloc ID", shortID(a.PreemptedByAllocation, s.verbose))
	}
	if m := a.Metrics; s.verbose && m != nil {
		kv = append(kv, "Evaluated Nodes", strconv.Itoa(m.NodesEvaluated), "Filtered Nodes", strconv.Itoa(m.NodesFiltered),
			"Exhausted Nodes", strconv.Itoa(m.NodesExhausted), "Allocation Time", m.AllocationTime.String(), "Failures", strconv.Itoa(m.CoalescedFailures))
	}
	return kv
}

// reschedule tells how often the allocation was rescheduled, of how often it may be.
func (s *allocStatus) reschedule() []string {
	t := s.a.RescheduleTracker
	if t == nil || len(t.Events) == 0 || s.a.Job == nil {
		return nil
	}
	text := strconv.Itoa(len(t.Events))
	if g := s.a.Job.LookupTaskGroup(s.a.TaskGroup); g != nil && g.ReschedulePolicy != nil && !api.Val(g.ReschedulePolicy.Unlimited) {
		text += "/" + strconv.Itoa(api.Val(g.ReschedulePolicy.Attempts))
	}
	return []string{"Reschedule Attempts", text}
}

func shortIDs(ids []string, verbose bool) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = shortID(id, verbose)
	}
	return out
}

func (s *allocStatus) addresses() {
	r := s.a.AllocatedResources
	if r == nil || len(r.Shared.Ports) == 0 {
		return
	}
	title := "Allocation Addresses"
	if len(r.Shared.Networks) > 0 && r.Shared.Networks[0].Mode != "" && r.Shared.Networks[0].Mode != "host" {
		title += fmt.Sprintf(" (mode = %q)", r.Shared.Networks[0].Mode)
	}
	s.m.heading(title + ":")
	rows := [][]string{{"Label", "Dynamic", "Address"}}
	for _, p := range r.Shared.Ports {
		addr := net.JoinHostPort(p.HostIP, strconv.Itoa(p.Value))
		if p.To > 0 {
			addr += " -> " + strconv.Itoa(p.To)
		}
		rows = append(rows, []string{"*" + p.Label, "yes", addr})
	}
	fmt.Fprintln(s.m.out, columns(rows))
}

// tasks returns the task names in the order of their lifecycle.
func (s *allocStatus) tasks() []string {
	names := sortedKeys(s.a.TaskStates)
	order := map[string]int{"prestart": 0, "poststart": 1, "": 2, "poststop": 3}
	slices.SortStableFunc(names, func(x, y string) int { return cmp.Compare(order[s.hook(x)], order[s.hook(y)]) })
	return names
}

func (s *allocStatus) lookup(task string) *api.Task {
	if s.a.Job == nil {
		return nil
	}
	if g := s.a.Job.LookupTaskGroup(s.a.TaskGroup); g != nil {
		return g.LookupTask(task)
	}
	return nil
}

func (s *allocStatus) hook(task string) string {
	if t := s.lookup(task); t != nil && t.Lifecycle != nil {
		return t.Lifecycle.Hook
	}
	return ""
}

func (s *allocStatus) shortTasks() {
	s.m.heading("Tasks")
	rows := [][]string{{"Name", "State", "Last Event", "Time", "Lifecycle"}}
	for _, n := range s.tasks() {
		st := s.a.TaskStates[n]
		last, at := "", ""
		if len(st.Events) > 0 {
			e := st.Events[len(st.Events)-1]
			last, at = e.Type, absolute(e.Time)
		}
		rows = append(rows, []string{n, st.State, last, at, either(s.hook(n), "main")})
	}
	fmt.Fprintln(s.m.out, columns(rows))
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (s *allocStatus) task(n string, usage *api.AllocResourceUsage, stats bool) {
	st := s.a.TaskStates[n]
	kind := ""
	if t := s.lookup(n); t != nil && t.Lifecycle != nil {
		kind = " (" + t.Lifecycle.Hook
		if t.Lifecycle.Sidecar {
			kind += " sidecar"
		}
		kind += ")"
	}
	s.m.heading(fmt.Sprintf("Task %q%s is %q", n, kind, st.State))
	var used *api.ResourceUsage
	if usage != nil && usage.Tasks[n] != nil {
		used = usage.Tasks[n].ResourceUsage
	}
	s.resources(n, used)
	s.devices(n, used, stats)
	if stats && used != nil {
		s.stats(used)
	}
	s.volumes(n)
	s.events(st)
}

func (s *allocStatus) resources(n string, used *api.ResourceUsage) {
	r := s.a.AllocatedResources
	if r == nil || r.Tasks[n] == nil {
		return
	}
	t := r.Tasks[n]
	cpu, mem := strconv.FormatInt(t.Cpu.CpuShares, 10)+" MHz", mib(t.Memory.MemoryMB)
	if used != nil {
		if used.CpuStats != nil {
			cpu = fmt.Sprintf("%.0f/%s", used.CpuStats.TotalTicks, cpu)
		}
		if used.MemoryStats != nil {
			mem = size(max(used.MemoryStats.RSS, used.MemoryStats.Usage)) + "/" + mem
		}
	}
	head := "CPU"
	if len(t.Cpu.ReservedCores) > 0 {
		head = fmt.Sprintf("CPU (%d cores)", len(t.Cpu.ReservedCores))
	}
	memory := []string{mem}
	if t.Memory.MemoryMaxMB > t.Memory.MemoryMB {
		memory = append(memory, "Max: "+mib(t.Memory.MemoryMaxMB))
	}
	addresses := taskAddresses(t)
	rows := [][]string{{head, "Memory", "Disk", "Addresses"}}
	for i := range max(len(memory), len(addresses)) {
		row := []string{blank, blank, blank, blank}
		if i == 0 {
			row[0], row[2] = cpu, mib(int64(r.Shared.DiskMB))
		}
		if i < len(memory) {
			row[1] = memory[i]
		}
		if i < len(addresses) {
			row[3] = addresses[i]
		}
		rows = append(rows, row)
	}
	fmt.Fprintf(s.m.out, "Task Resources:\n%s\n\n", columns(rows))
}

// devices shows which devices the task has and what they do, with detail all that they tell.
func (s *allocStatus) devices(n string, used *api.ResourceUsage, detail bool) {
	r := s.a.AllocatedResources
	if r == nil || r.Tasks[n] == nil || len(r.Tasks[n].Devices) == 0 {
		return
	}
	var groups []*api.DeviceGroupStats
	if used != nil {
		groups = used.DeviceStats
	}
	var lines, details []string
	for _, d := range r.Tasks[n].Devices {
		for _, id := range d.DeviceIDs {
			name := deviceName(d.Vendor, d.Type, d.Name, id)
			told := deviceTold(groups, d, id)
			lines = append(lines, name, statText(told["Summary"]))
			details = append(details, pairs(append([]string{"Device", name}, statPairs("", told["Stats"])...)...))
		}
	}
	fmt.Fprintf(s.m.out, "Task Devices:\n%s\n\n", pairs(lines...))
	if detail && len(groups) > 0 {
		fmt.Fprintf(s.m.out, "Device Stats:\n%s\n\n", strings.Join(details, "\n\n"))
	}
}

// deviceTold is what one of the task's devices told last, nil if nothing.
func deviceTold(groups []*api.DeviceGroupStats, d *api.AllocatedDeviceResource, id string) map[string]any {
	for _, g := range groups {
		if g.Vendor == d.Vendor && g.Type == d.Type && g.Name == d.Name {
			told, _ := g.InstanceStats[id].(map[string]any)
			return told
		}
	}
	return nil
}

// taskAddresses are the ports of networks that belong to a single task, the old form.
func taskAddresses(t *api.AllocatedTaskResources) []string {
	var out []string
	for _, n := range t.Networks {
		for _, p := range slices.Concat(n.DynamicPorts, n.ReservedPorts) {
			out = append(out, p.Label+": "+net.JoinHostPort(n.IP, strconv.Itoa(p.Value)))
		}
	}
	return out
}

func (s *allocStatus) events(st *api.TaskState) {
	fmt.Fprintf(s.m.out, "Task Events:\n%s\n\n", pairs("Started At", local(st.StartedAt, "N/A"), "Finished At", local(st.FinishedAt, "N/A"),
		"Total Restarts", strconv.Itoa(st.Restarts), "Last Restart", local(st.LastRestart, "N/A")))
	rows := [][]string{{"Time", "Type", "Description"}}
	for _, e := range slices.Backward(st.Events) {
		rows = append(rows, []string{absolute(e.Time), e.Type, either(e.DisplayMessage, blank)})
	}
	fmt.Fprintf(s.m.out, "Recent Events:\n%s\n", columns(rows))
}

// placement shows the scores of the candidates.
func (s *allocStatus) placement() {
	if s.a.Metrics == nil || len(s.a.Metrics.ScoreMetaData) == 0 {
		return
	}
	names := map[string]bool{}
	for _, n := range s.a.Metrics.ScoreMetaData {
		for k := range n.Scores {
			names[k] = true
		}
	}
	cols := sortedKeys(names)
	rows := [][]string{append(append([]string{"Node"}, cols...), "final score")}
	for _, n := range s.a.Metrics.ScoreMetaData {
		row := []string{shortID(n.NodeID, s.verbose)}
		for _, k := range cols {
			row = append(row, fmt.Sprintf("%.3g", n.Scores[k]))
		}
		rows = append(rows, append(row, fmt.Sprintf("%.3g", n.NormScore)))
	}
	s.m.heading("Placement Metrics")
	fmt.Fprintln(s.m.out, columns(rows))
}
