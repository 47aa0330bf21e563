// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
	"github.com/nomadlike/nomadlike/internal/run"
)

// monitor follows an evaluation and what comes of it (cli.md 2.1): headings start with "==>", events are
// indented. On a terminal a block below them shows the present state and is redrawn in place; in a pipe
// there are plain lines only.
type monitor struct {
	m       *meta
	c       *client.Client
	verbose bool
	// rollout also follows a service job until the allocations of the evaluated version have started.
	rollout bool
	// wait bounds one blocking query of a deployment, rolloutPoll when 0.
	wait time.Duration

	eval   *api.Evaluation
	allocs map[string]*api.AllocListStub
	asked  time.Time
	live   *progress
}

func newMonitor(m *meta, c *client.Client, verbose bool) *monitor {
	return &monitor{m: m, c: c, verbose: verbose, allocs: map[string]*api.AllocListStub{}, asked: m.now(), live: &progress{m: m}}
}

func (o *monitor) stamp() string { return o.m.now().Format(time.RFC3339) }

func (o *monitor) head(format string, args ...any) {
	o.live.clear()
	fmt.Fprintln(o.m.out, o.m.paint(green, fmt.Sprintf("==> %s: %s", o.stamp(), fmt.Sprintf(format, args...))))
}

func (o *monitor) note(format string, args ...any) {
	o.live.clear()
	fmt.Fprintf(o.m.out, "    %s: %s\n", o.stamp(), visible(fmt.Sprintf(format, args...)))
}

func (o *monitor) id(id string) string { return shortID(id, o.verbose) }

// monitorPoll bounds one blocking query, so that news of the evaluation's allocations come soon too.
const monitorPoll = time.Second

// follow reports until the evaluation and its successors are done, and then until the deployment or rollout
// is. Placement failures end with status 2.
func (o *monitor) follow(ctx context.Context, evalID string) error {
	defer o.live.clear()
	for {
		o.head("Monitoring evaluation %q", o.id(evalID))
		ev, err := o.one(ctx, evalID)
		if err != nil {
			return err
		}
		if ev.Status == api.EvalStatusFailed || ev.Status == api.EvalStatusCanceled {
			if ev.NextEval == "" {
				return exitError(1)
			}
			o.note("Monitoring next evaluation %q%s", o.id(ev.NextEval), waitText(ev))
			evalID = ev.NextEval
			continue
		}
		if ev.DeploymentID != "" {
			unplaced := 0
			if len(ev.FailedTGAllocs) > 0 {
				unplaced = 2
			}
			return o.deployment(ctx, ev.DeploymentID, ev.Namespace, unplaced)
		}
		if len(ev.FailedTGAllocs) > 0 {
			return exitError(2)
		}
		if o.rollout && ev.Type == api.JobTypeService && ev.TriggeredBy != api.TriggerJobDeregister {
			return o.followRollout(ctx, ev)
		}
		return nil
	}
}

func waitText(ev *api.Evaluation) string {
	if ev.Wait <= 0 {
		return ""
	}
	return " in " + ev.Wait.String()
}

// one reports a single evaluation until it is done.
func (o *monitor) one(ctx context.Context, evalID string) (*api.Evaluation, error) {
	o.eval = &api.Evaluation{Status: api.EvalStatusPending}
	req := &api.EvalRequest{EvalID: evalID, Explain: true}
	for {
		ev, meta, err := api.EvalGet.Call(ctx, o.c, req)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, exitError(1)
		case client.IsStatus(err, http.StatusNotFound) && o.m.now().Sub(o.asked) < 5*time.Second:
			// The server that answered has not caught up with the write.
			if err := run.Sleep(ctx, 50*time.Millisecond); err != nil {
				return nil, exitError(1)
			}
			continue
		case err != nil:
			return nil, fmt.Errorf("Error reading evaluation: %w", err) //nolint:staticcheck // the contract's text
		}
		if err := o.update(ctx, ev); err != nil {
			return nil, err
		}
		if ev.TerminalStatus() {
			o.finish(ev)
			return ev, nil
		}
		if ev.Status == api.EvalStatusBlocked || ev.WaitUntil != nil && ev.WaitUntil.After(o.m.now().Add(time.Minute)) {
			o.note("Evaluation %q is %s", o.id(ev.ID), ev.Status)
			return ev, nil
		}
		req.MinIndex, req.MaxWait = meta.Index, monitorPoll
	}
}

// update prints what is new about the evaluation and its allocations.
func (o *monitor) update(ctx context.Context, ev *api.Evaluation) error {
	if o.eval.ID == "" {
		switch {
		case ev.NodeID != "":
			o.note("Evaluation triggered by node %q", o.id(ev.NodeID))
		case ev.JobID != "":
			o.note("Evaluation triggered by job %q", ev.JobID)
		default:
			o.note("Evaluation triggered by %q", ev.TriggeredBy)
		}
	}
	stubs, _, err := api.EvalAllocations.Call(ctx, o.c, &api.EvalRequest{EvalID: ev.ID})
	if err != nil {
		if ctx.Err() != nil {
			return exitError(1)
		}
		return fmt.Errorf("Error reading allocations: %w", err) //nolint:staticcheck // the contract's text
	}
	o.created(stubs, ev.CreateIndex)
	if ev.DeploymentID != "" && o.eval.DeploymentID == "" {
		o.note("Evaluation within deployment: %q", o.id(ev.DeploymentID))
	}
	o.changed(stubs)
	if o.eval.Status != ev.Status {
		o.note("Evaluation status changed: %q -> %q", o.eval.Status, ev.Status)
	}
	o.eval = ev
	return nil
}

// created prints the allocations that were not there before; those older than since were changed in place.
func (o *monitor) created(stubs []*api.AllocListStub, since uint64) {
	for _, a := range stubs {
		if o.allocs[a.ID] != nil {
			continue
		}
		was := *a
		switch {
		case a.DesiredStatus != api.AllocDesiredRun:
		case a.CreateIndex < since:
			o.note("Allocation %q modified: node %q, group %q", o.id(a.ID), o.id(a.NodeID), a.TaskGroup)
		default:
			o.note("Allocation %q created: node %q, group %q", o.id(a.ID), o.id(a.NodeID), a.TaskGroup)
			was.ClientStatus = api.AllocClientPending
		}
		o.allocs[a.ID] = &was
	}
}

// changed prints the changes of status since the last time.
func (o *monitor) changed(stubs []*api.AllocListStub) {
	for _, a := range stubs {
		if was := o.allocs[a.ID]; was.ClientStatus != a.ClientStatus {
			why := ""
			if a.ClientDescription != "" {
				why = " (" + a.ClientDescription + ")"
			}
			o.note("Allocation %q status changed: %q -> %q%s", o.id(a.ID), was.ClientStatus, a.ClientStatus, why)
		}
		o.allocs[a.ID] = a
	}
}

// finish prints how the evaluation ended, with every reason for what was not placed.
func (o *monitor) finish(ev *api.Evaluation) {
	switch {
	case ev.Status == api.EvalStatusFailed:
		o.head("Evaluation %q finished with status %q: %s", o.id(ev.ID), ev.Status, ev.StatusDescription)
		return
	case len(ev.FailedTGAllocs) == 0:
		o.head("Evaluation %q finished with status %q", o.id(ev.ID), ev.Status)
		return
	}
	o.head("Evaluation %q finished with status %q but failed to place all allocations:", o.id(ev.ID), ev.Status)
	o.reasons(ev)
}

// reasons prints why groups could not be placed.
func (o *monitor) reasons(ev *api.Evaluation) {
	for _, g := range sortedKeys(ev.FailedTGAllocs) {
		metric := ev.FailedTGAllocs[g]
		o.note("Task Group %q (failed to place %s):", g, count(metric.CoalescedFailures+1, "allocation"))
		for _, l := range metricLines(metric) {
			fmt.Fprintf(o.m.out, "      * %s\n", l)
		}
		for _, l := range o.m.placementLines(metric.Placement, o.verbose) {
			fmt.Fprintf(o.m.out, "      %s\n", l)
		}
	}
	if ev.BlockedEval != "" {
		o.note("Evaluation %q waiting for additional capacity to place remainder", o.id(ev.BlockedEval))
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// metricLines says why a group was not placed, in the contract's order.
func metricLines(m *api.AllocMetric) []string {
	var out []string
	if m.NodesEvaluated == 0 {
		out = append(out, "No nodes were eligible for evaluation")
	}
	for _, dc := range sortedKeys(m.NodesAvailable) {
		if m.NodesAvailable[dc] == 0 {
			out = append(out, fmt.Sprintf("No nodes are available in datacenter %q", dc))
		}
	}
	for _, k := range sortedKeys(m.ClassFiltered) {
		out = append(out, fmt.Sprintf("Class %q: %d nodes excluded by filter", k, m.ClassFiltered[k]))
	}
	for _, k := range sortedKeys(m.ConstraintFiltered) {
		out = append(out, fmt.Sprintf("Constraint %q: %d nodes excluded by filter", k, m.ConstraintFiltered[k]))
	}
	if m.NodesExhausted > 0 {
		out = append(out, fmt.Sprintf("Resources exhausted on %d nodes", m.NodesExhausted))
	}
	for _, k := range sortedKeys(m.ClassExhausted) {
		out = append(out, fmt.Sprintf("Class %q exhausted on %d nodes", k, m.ClassExhausted[k]))
	}
	for _, k := range sortedKeys(m.DimensionExhausted) {
		out = append(out, fmt.Sprintf("Dimension %q exhausted on %d nodes", k, m.DimensionExhausted[k]))
	}
	for _, q := range m.QuotaExhausted {
		out = append(out, fmt.Sprintf("Quota limit hit %q", q))
	}
	return out
}
