// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// stats shows what the task's driver measured, in the order of the names.
func (s *allocStatus) stats(u *api.ResourceUsage) {
	table := func(title string, measured []string, value func(string) string) {
		var head, row []string
		for _, name := range sortedCopy(measured) {
			if v := value(name); v != "" {
				head, row = append(head, name), append(row, v)
			}
		}
		if len(head) > 0 {
			fmt.Fprintf(s.m.out, "%s\n%s\n\n", title, columns([][]string{head, row}))
		}
	}
	if m := u.MemoryStats; m != nil {
		bytes := map[string]uint64{
			"RSS": m.RSS, "Cache": m.Cache, "Swap": m.Swap, "Mapped File": m.MappedFile, "Usage": m.Usage,
			"Max Usage": m.MaxUsage, "Kernel Usage": m.KernelUsage, "Kernel Max Usage": m.KernelMaxUsage,
		}
		table("Memory Stats", m.Measured, func(name string) string {
			n, ok := bytes[name]
			if !ok {
				return ""
			}
			return size(n)
		})
	}
	if c := u.CpuStats; c != nil {
		table("CPU Stats", c.Measured, func(name string) string {
			switch name {
			case "Percent":
				return fmt.Sprintf("%.2f%%", c.Percent)
			case "System Mode":
				return fmt.Sprintf("%.2f%%", c.SystemMode)
			case "User Mode":
				return fmt.Sprintf("%.2f%%", c.UserMode)
			case "Total Ticks":
				return fmt.Sprintf("%.2f MHz", c.TotalTicks)
			case "Throttled Periods":
				return strconv.FormatUint(c.ThrottledPeriods, 10)
			case "Throttled Time":
				return strconv.FormatUint(c.ThrottledTime, 10)
			}
			return ""
		})
	}
}

// checks shows the results of the checks of services whose provider is nomad. An allocation that does not run
// has none, and an agent that cannot be reached shows none.
func (s *allocStatus) checks(ctx context.Context, c *client.Client) {
	if !s.hasChecks() {
		return
	}
	results, _, err := api.AllocChecks.Call(ctx, c, &api.AllocChecksRequest{ReadOptions: inNamespace(s.a.Namespace), AllocID: s.a.ID})
	if err != nil || len(results) == 0 {
		return
	}
	s.m.heading("Nomad Service Checks:")
	rows := [][]string{{"Service", "Task", "Name", "Mode", "Status"}}
	for _, r := range sortedChecks(results) {
		rows = append(rows, []string{r.Service, either(r.Task, "(group)"), r.Check, r.Mode, r.Status})
	}
	fmt.Fprintln(s.m.out, columns(rows))
}

func (s *allocStatus) hasChecks() bool {
	if s.a.Job == nil || s.a.ClientStatus != api.AllocClientRunning {
		return false
	}
	g := s.a.Job.LookupTaskGroup(s.a.TaskGroup)
	if g == nil {
		return false
	}
	services := g.Services
	for _, t := range g.Tasks {
		services = append(slices.Clip(services), t.Services...)
	}
	for _, v := range services {
		if v.Provider == "nomad" && len(v.Checks) > 0 {
			return true
		}
	}
	return false
}

// volumes shows what a task has mounted.
func (s *allocStatus) volumes(task string) {
	t := s.lookup(task)
	if t == nil || len(t.VolumeMounts) == 0 {
		return
	}
	g := s.a.Job.LookupTaskGroup(s.a.TaskGroup)
	rows := [][]string{{"ID", "Read Only"}}
	for _, mount := range t.VolumeMounts {
		if v := g.Volumes[mount.Volume]; v != nil && v.Type == "host" {
			rows = append(rows, []string{v.Name, strconv.FormatBool(v.ReadOnly || mount.ReadOnly)})
		}
	}
	if len(rows) > 1 {
		fmt.Fprintf(s.m.out, "Host Volumes:\n%s\n\n", columns(rows))
	}
}
