// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

func evalListCommand() *spec {
	var (
		job, status string
		verbose     bool
		list        listFlags
		page        webUI
		out         output
	)
	return &spec{
		usage: "eval list [options]", synopsis: "List evaluations", remote: true, flagCompletes: map[string]string{"job": completeJobs},
		long: "Lists evaluations in the order of their creation.\n\nExample:\n\n    $ nomadlike eval list -status blocked",
		flags: func(f *flag.FlagSet) {
			f.StringVar(&job, "job", "", "Only those of the `job`.")
			f.StringVar(&status, "status", "", "Only those with the `status`.")
			list.register(f)
			list.paging(f)
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			out.register(f)
			page.register(f)
		},
		run: func(ctx context.Context, m *meta, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			req := &api.EvalListRequest{JobFilter: job, Status: status}
			list.apply(&req.ReadOptions)
			evals, meta, err := api.EvalList.Call(ctx, c, req)
			if err != nil {
				return fmt.Errorf("Error querying evaluations: %w", err) //nolint:staticcheck // the contract's text
			}
			if out.wanted() {
				return out.print(m, evals)
			}
			if len(evals) == 0 {
				fmt.Fprintln(m.out, "No evals found")
				return nil
			}
			fmt.Fprintln(m.out, columns(evalRows(evals, verbose)))
			m.nextPage(meta.NextToken)
			m.hint(ctx, c, &page, "View and manage evaluations", "evaluations")
			return nil
		},
	}
}

func evalRows(evals []*api.Evaluation, verbose bool) [][]string {
	rows := [][]string{{"ID", "Priority", "Triggered By", "Job ID", "Namespace", "Node ID", "Status", "Placement Failures"}}
	for _, v := range evals {
		rows = append(rows, []string{
			shortID(v.ID, verbose), strconv.Itoa(v.Priority), v.TriggeredBy, v.JobID, v.Namespace, shortID(v.NodeID, verbose), v.Status, failuresOf(v),
		})
	}
	return rows
}

// failuresOf says whether an evaluation failed to place something.
func failuresOf(v *api.Evaluation) string {
	if v.Status == api.EvalStatusBlocked {
		return "N/A - In Progress"
	}
	return strconv.FormatBool(len(v.FailedTGAllocs) > 0)
}

func evalStatusCommand() *spec {
	var (
		monitor, verbose bool
		page             webUI
		out              output
	)
	return &spec{
		usage: "eval status [options] <eval>", synopsis: "Show an evaluation", remote: true, args: atMost(1, "<eval>"), completes: completeEvals,
		long: `Shows an evaluation: what it was for, what it placed, and why something could not be placed. -json and -t
without an argument list all evaluations.

Example:

    $ nomadlike eval status eeec8080`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&monitor, "monitor", false, "Follow the evaluation until it is done.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers and absolute times.")
			out.register(f)
			page.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if monitor && out.wanted() {
				return usageError("-monitor is exclusive with -json and -t")
			}
			if err := out.check(); err != nil {
				return err
			}
			if len(args) == 0 && !out.wanted() {
				return usageError("This command takes one argument: <eval>")
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				evals, _, err := api.EvalList.Call(ctx, c, &api.EvalListRequest{})
				if err != nil {
					return fmt.Errorf("Error querying evaluations: %w", err) //nolint:staticcheck // the contract's text
				}
				return out.print(m, evals)
			}
			v, err := findEval(ctx, m, c, args[0])
			switch {
			case err != nil:
				return err
			case monitor:
				return newMonitor(m, c, verbose).follow(ctx, v.ID)
			case out.wanted():
				return out.print(m, v)
			}
			showEval(m, v, verbose)
			req := &api.EvalRequest{EvalID: v.ID}
			req.Namespace = v.Namespace
			placed, _, err := api.EvalAllocations.Call(ctx, c, req)
			if err != nil {
				return fmt.Errorf("Error querying allocations: %w", err) //nolint:staticcheck // the contract's text
			}
			if len(placed) > 0 {
				m.heading("Placed Allocations")
				fmt.Fprintln(m.out, columns(m.allocRows(placed, verbose)))
			}
			showFailures(m, v, verbose)
			m.hint(ctx, c, &page, "View this evaluation", "evaluations?currentEval="+v.ID)
			return nil
		},
	}
}

func showEval(m *meta, v *api.Evaluation, verbose bool) {
	now := m.now()
	kv := []string{
		"ID", shortID(v.ID, verbose), "Create Time", ago(v.CreateTime, now, verbose), "Modify Time", ago(v.ModifyTime, now, verbose),
		"Status", v.Status, "Status Description", either(v.StatusDescription, v.Status), "Type", v.Type, "TriggeredBy", v.TriggeredBy,
		"Job ID", v.JobID, "Namespace", v.Namespace,
	}
	if v.NodeID != "" {
		kv = append(kv, "Node ID", shortID(v.NodeID, verbose))
	}
	if v.DeploymentID != "" && v.TriggeredBy == api.TriggerDeploymentWatcher {
		kv = append(kv, "Deployment ID", shortID(v.DeploymentID, verbose))
	}
	kv = append(kv, "Priority", strconv.Itoa(v.Priority), "Placement Failures", failuresOf(v))
	if v.WaitUntil != nil && !v.WaitUntil.IsZero() {
		kv = append(kv, "Wait Until", local(v.WaitUntil, ""))
	}
	if v.QuotaLimitReached != "" {
		kv = append(kv, "Quota Limit Reached", v.QuotaLimitReached)
	}
	kv = append(kv, "Previous Eval", shortID(v.PreviousEval, verbose), "Next Eval", shortID(v.NextEval, verbose), "Blocked Eval", shortID(v.BlockedEval, verbose))
	fmt.Fprintln(m.out, pairs(kv...))
	if len(v.RelatedEvals) > 0 {
		m.heading("Related Evaluations")
		rows := [][]string{{"ID", "Priority", "Triggered By", "Node ID", "Status", "Description"}}
		for _, r := range v.RelatedEvals {
			rows = append(rows, []string{shortID(r.ID, verbose), strconv.Itoa(r.Priority), r.TriggeredBy, shortID(r.NodeID, verbose), r.Status, r.StatusDescription})
		}
		fmt.Fprintln(m.out, columns(rows))
	}
	p := v.PlanAnnotations
	if p == nil {
		return
	}
	if len(p.DesiredTGUpdates) > 0 {
		m.heading("Plan Annotations")
		fmt.Fprintln(m.out, columns(annotationRows(p, verbose)))
	}
	if len(p.PreemptedAllocs) > 0 {
		m.heading("Preempted Allocations")
		fmt.Fprintln(m.out, columns(m.allocRows(p.PreemptedAllocs, verbose)))
	}
}

func annotationRows(p *api.PlanAnnotations, verbose bool) [][]string {
	rows := [][]string{{"Task Group", "Ignore", "Place", "Stop", "InPlace", "Destructive"}}
	if verbose {
		rows[0] = append(rows[0], "Migrate", "Canary", "Preemptions", "Reschedule Now", "Reschedule Later", "Disconnect", "Reconnect")
	}
	for _, g := range sortedKeys(p.DesiredTGUpdates) {
		u := p.DesiredTGUpdates[g]
		numbers := []int{u.Ignore, u.Place, u.Stop, u.InPlaceUpdate, u.DestructiveUpdate}
		if verbose {
			numbers = append(numbers, u.Migrate, u.Canary, u.Preemptions, u.RescheduleNow, u.RescheduleLater, u.Disconnect, u.Reconnect)
		}
		row := []string{g}
		for _, n := range numbers {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	return rows
}

// showFailures tells what could not be placed, and what the cluster lacks besides nodes.
func showFailures(m *meta, v *api.Evaluation, verbose bool) {
	if len(v.Notes) > 0 {
		m.heading(strings.TrimSuffix(notesTitle, ":"))
		fmt.Fprintln(m.out, strings.Join(v.Notes, "\n"))
	}
	if len(v.FailedTGAllocs) > 0 {
		m.heading("Failed Placements")
		for _, g := range sortedKeys(v.FailedTGAllocs) {
			metric := v.FailedTGAllocs[g]
			fmt.Fprintf(m.out, "Task Group %q (failed to place %s):\n", g, count(metric.CoalescedFailures+1, "allocation"))
			for _, l := range metricLines(metric) {
				fmt.Fprintf(m.out, "  * %s\n", l)
			}
			for _, l := range m.placementLines(metric.Placement, verbose) {
				fmt.Fprintf(m.out, "  %s\n", l)
			}
		}
		if v.BlockedEval != "" {
			fmt.Fprintf(m.out, "\nEvaluation %q waiting for additional capacity to place remainder\n", shortID(v.BlockedEval, verbose))
		}
	}
	if len(v.MissingNonNodeResources) > 0 {
		m.heading("Missing Resources")
		for _, r := range v.MissingNonNodeResources {
			fmt.Fprintln(m.out, r)
		}
	}
}
