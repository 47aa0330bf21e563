// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

func jobPlanCommand() *spec {
	var (
		file                   jobFile
		diff, verbose, jsonOut bool
		override               bool
		tmpl                   string
	)
	return &spec{
		usage: "job plan [options] <path>", synopsis: "Show what running a job would change", remote: true, args: exactly(1, "<path>"), completes: completeFiles, failure: 255,
		long: `Asks the servers what registering the job would do, without doing it, and shows the difference from the
stored version.

Exit status: 0 when nothing would be created or destroyed, 1 when something would, 255 on errors.

Example:

    $ nomadlike job plan web.nomad.hcl`,
		flags: func(f *flag.FlagSet) {
			file.register(f)
			f.BoolVar(&diff, "diff", true, "Show the difference from the stored version.")
			f.BoolVar(&verbose, "verbose", false, "Show unchanged fields beside changed ones.")
			f.BoolVar(&override, "policy-override", false, "Override soft policies; there are none.")
			f.BoolVar(&jsonOut, "json-output", false, "Print the plan as JSON.")
			f.StringVar(&tmpl, "t", "", "Print the plan through the Go `template`.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			code, err := plan(ctx, m, &file, args[0], &api.JobPlanRequest{Diff: diff, PolicyOverride: override, Explain: true}, verbose, output{jsonOut, tmpl})
			if err == nil && code != 0 {
				err = exitError(code)
			}
			return err
		},
	}
}

func plan(ctx context.Context, m *meta, file *jobFile, path string, req *api.JobPlanRequest, verbose bool, out output) (int, error) {
	if err := out.check(); err != nil {
		return 0, err
	}
	l, err := file.load(ctx, m, path)
	if err != nil {
		return 0, err
	}
	m.settle(l.job)
	c, err := m.client()
	if err != nil {
		return 0, err
	}
	req.PathID, req.Job = l.job.ID, l.job
	resp, _, err := api.JobPlan.Call(ctx, c, req)
	if err != nil {
		return 0, l.located(fmt.Errorf("Error during plan: %w", err)) //nolint:staticcheck // the contract's text
	}
	if out.wanted() {
		return planCode(resp), out.print(m, resp)
	}
	if resp.Diff != nil {
		d := &diffPrinter{m: m, verbose: verbose}
		d.job(resp.Diff)
		fmt.Fprintf(m.out, "%s\n\n", strings.TrimRight(d.b.String(), "\n"))
	}
	fmt.Fprintln(m.out, m.paint(bold, "Scheduler dry-run:"))
	fmt.Fprintln(m.out, m.dryRun(resp, l.job, verbose))
	if a := resp.Annotations; a != nil && len(a.PreemptedAllocs) > 0 {
		m.heading("Preemptions:")
		fmt.Fprintln(m.out, columns(preemptionRows(a.PreemptedAllocs)))
	}
	if resp.Warnings != "" {
		fmt.Fprintf(m.out, "\n%s\n", m.paint(yellow, "Job Warnings:\n"+resp.Warnings))
	}
	if l.job.Multiregion != nil {
		return planCode(resp), nil // every region has an index of its own
	}
	flags := m.flagsGiven("diff", "verbose", "json-output", "t", "var", "var-file") + file.varFlags()
	fmt.Fprintf(m.out, `
Job Modify Index: %d
To submit the job with version verification run:

%s job run -check-index %d%s %s

When running the job with the check-index flag, the job will only be run if the
job modify index given matches the server-side version. If the index has
changed, another user has modified the job and the plan's results are
potentially invalid.
`, resp.JobModifyIndex, name, resp.JobModifyIndex, flags, shellQuote(path))
	return planCode(resp), nil
}

// preemptionRows shows what would be preempted: each allocation when there are few, else how many of each job,
// and of each type of job when there are many jobs too.
func preemptionRows(allocs []*api.AllocListStub) [][]string {
	const few = 10
	if len(allocs) < few {
		rows := [][]string{{"Alloc ID", "Job ID", "Task Group"}}
		for _, a := range allocs {
			rows = append(rows, []string{a.ID, a.JobID, a.TaskGroup})
		}
		return rows
	}
	jobs, kinds := map[string]int{}, map[string]int{}
	for _, a := range allocs {
		jobs[a.Namespace+"\x00"+a.JobID]++
		kinds[a.JobType]++
	}
	rows := [][]string{{"Job Type", "Preemptions"}}
	if len(jobs) < few {
		rows = [][]string{{"Namespace", "Job ID", "Preemptions"}}
		for _, k := range sortedKeys(jobs) {
			namespace, id, _ := strings.Cut(k, "\x00")
			rows = append(rows, []string{namespace, id, strconv.Itoa(jobs[k])})
		}
		return rows
	}
	for _, k := range sortedKeys(kinds) {
		rows = append(rows, []string{k, strconv.Itoa(kinds[k])})
	}
	return rows
}

// planCode is 1 when an allocation would be made, stopped or replaced.
func planCode(resp *api.JobPlanResponse) int {
	if resp.Diff != nil && resp.Diff.Type == "None" || resp.Annotations == nil {
		return 0
	}
	for _, u := range resp.Annotations.DesiredTGUpdates {
		if u.Stop+u.Place+u.Migrate+u.DestructiveUpdate+u.Canary > 0 {
			return 1
		}
	}
	return 0
}

// dryRun says what the scheduler would do.
func (m *meta) dryRun(resp *api.JobPlanResponse, job *api.Job, verbose bool) string {
	lines := []string{m.paint(green, "- All tasks successfully allocated.")}
	if len(resp.FailedTGAllocs) > 0 {
		what := "all allocations"
		if job.Type == api.JobTypeSystem || job.Type == api.JobTypeSysBatch {
			what = "allocations on all nodes"
		}
		lines = []string{m.paint(yellow, "- WARNING: Failed to place "+what+".")}
	}
	for _, g := range sortedKeys(resp.FailedTGAllocs) {
		metric := resp.FailedTGAllocs[g]
		lines = append(lines, "  "+m.paint(yellow, fmt.Sprintf("Task Group %q (failed to place %s):", g, count(metric.CoalescedFailures+1, "allocation"))))
		for _, l := range metricLines(metric) {
			lines = append(lines, "    * "+l)
		}
		for _, l := range m.placementLines(metric.Placement, verbose) {
			lines = append(lines, "    "+l)
		}
	}
	for _, e := range resp.CreatedEvals {
		if e.TriggeredBy == api.TriggerRollingUpdate {
			wait := e.Wait
			if e.WaitUntil != nil {
				wait = max(wait, e.WaitUntil.Sub(m.now()).Round(time.Second))
			}
			lines = append(lines, m.paint(green, fmt.Sprintf("- Rolling update, next evaluation will be in %s.", wait)))
		}
	}
	if at := resp.NextPeriodicLaunch; at != nil && !at.IsZero() {
		lines = append(lines, m.paint(green, fmt.Sprintf("- If submitted now, next periodic launch would be at %s (%s from now).",
			local(at, ""), at.Sub(m.now()).Round(time.Second))))
	}
	return strings.Join(lines, "\n")
}
