// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// monitor follows an evaluation and the allocations it makes (cli.md 2.1): headings start with "==>",
// events are indented. On a terminal they appear as they happen in colours, in a pipe as plain lines.
type monitor struct {
	m       *meta
	c       *client.Client
	verbose bool

	eval   *api.Evaluation
	allocs map[string]*api.AllocListStub
	asked  time.Time
}

func newMonitor(m *meta, c *client.Client, verbose bool) *monitor {
	return &monitor{m: m, c: c, verbose: verbose, allocs: map[string]*api.AllocListStub{}, asked: time.Now()}
}

func (o *monitor) head(format string, args ...any) {
	fmt.Fprintln(o.m.out, o.m.paint(green, fmt.Sprintf("==> %s: %s", time.Now().Format(time.RFC3339), fmt.Sprintf(format, args...))))
}

func (o *monitor) note(format string, args ...any) {
	fmt.Fprintf(o.m.out, "    %s: %s\n", time.Now().Format(time.RFC3339), fmt.Sprintf(format, args...))
}

// monitorPoll bounds one blocking query, so that news of the evaluation's allocations come soon too.
const monitorPoll = time.Second

// follow reports until the evaluation and its successors are done. Placement failures end with status 2.
func (o *monitor) follow(ctx context.Context, evalID string) error {
	for evalID != "" {
		o.head("Monitoring evaluation %q", shortID(evalID, o.verbose))
		ev, err := o.one(ctx, evalID)
		if err != nil {
			return err
		}
		next := ev.NextEval
		failed := ev.Status == api.EvalStatusFailed || ev.Status == api.EvalStatusCanceled
		if failed && next == "" {
			return exitError(1)
		}
		if !failed {
			if len(ev.FailedTGAllocs) > 0 {
				return exitError(2)
			}
			return o.settled(ctx, ev)
		}
		o.note("Monitoring next evaluation %q", shortID(next, o.verbose))
		evalID = next
	}
	return nil
}

// one reports a single evaluation until it is done.
func (o *monitor) one(ctx context.Context, evalID string) (*api.Evaluation, error) {
	o.eval = nil
	req := &api.EvalRequest{EvalID: evalID}
	for {
		ev, meta, err := api.EvalGet.Call(ctx, o.c, req)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, exitError(1)
		case client.IsStatus(err, http.StatusNotFound) && time.Since(o.asked) < 5*time.Second:
			// The server that answered has not caught up with the write.
			req.MinIndex, req.MaxWait = 0, 0
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
		if ev.Status == api.EvalStatusBlocked || ev.WaitUntil != nil && ev.WaitUntil.After(time.Now().Add(time.Minute)) {
			o.note("Evaluation %q is %s", shortID(ev.ID, o.verbose), ev.Status)
			return ev, nil
		}
		req.MinIndex, req.MaxWait = meta.Index, monitorPoll
	}
}

// update prints what is new about the evaluation and its allocations.
func (o *monitor) update(ctx context.Context, ev *api.Evaluation) error {
	if o.eval == nil {
		switch {
		case ev.NodeID != "":
			o.note("Evaluation triggered by node %q", shortID(ev.NodeID, o.verbose))
		case ev.JobID != "":
			o.note("Evaluation triggered by job %q", ev.JobID)
		default:
			o.note("Evaluation triggered by %q", ev.TriggeredBy)
		}
	}
	if err := o.updateAllocs(ctx, ev); err != nil {
		return err
	}
	if o.eval != nil && o.eval.Status != ev.Status {
		o.note("Evaluation status changed: %q -> %q", o.eval.Status, ev.Status)
	}
	o.eval = ev
	return nil
}

func (o *monitor) updateAllocs(ctx context.Context, ev *api.Evaluation) error {
	stubs, _, err := api.EvalAllocations.Call(ctx, o.c, &api.EvalRequest{EvalID: ev.ID})
	if err != nil {
		return fmt.Errorf("Error reading allocations: %w", err) //nolint:staticcheck // the contract's text
	}
	for _, a := range stubs {
		old := o.allocs[a.ID]
		o.allocs[a.ID] = a
		switch {
		case old == nil && a.DesiredStatus != api.AllocDesiredRun:
		case old == nil && a.CreateIndex < ev.CreateIndex:
			o.note("Allocation %q modified: node %q, group %q", shortID(a.ID, o.verbose), shortID(a.NodeID, o.verbose), a.TaskGroup)
		case old == nil:
			o.note("Allocation %q created: node %q, group %q", shortID(a.ID, o.verbose), shortID(a.NodeID, o.verbose), a.TaskGroup)
			old = &api.AllocListStub{ClientStatus: api.AllocClientPending}
		}
		if old != nil && old.ClientStatus != a.ClientStatus {
			o.note("Allocation %q status changed: %q -> %q (%s)", shortID(a.ID, o.verbose), old.ClientStatus, a.ClientStatus, a.ClientDescription)
		}
	}
	return nil
}

// finish prints how the evaluation ended, with every reason for what was not placed.
func (o *monitor) finish(ev *api.Evaluation) {
	switch {
	case ev.Status == api.EvalStatusFailed:
		o.head("Evaluation %q finished with status %q: %s", shortID(ev.ID, o.verbose), ev.Status, ev.StatusDescription)
		return
	case len(ev.FailedTGAllocs) == 0:
		o.head("Evaluation %q finished with status %q", shortID(ev.ID, o.verbose), ev.Status)
		return
	}
	o.head("Evaluation %q finished with status %q but failed to place all allocations:", shortID(ev.ID, o.verbose), ev.Status)
	for _, g := range sortedKeys(ev.FailedTGAllocs) {
		metric := ev.FailedTGAllocs[g]
		o.note("Task Group %q (failed to place %s):", g, count(metric.CoalescedFailures+1, "allocation"))
		for _, l := range metricLines(metric) {
			fmt.Fprintf(o.m.out, "      * %s\n", l)
		}
	}
	if ev.BlockedEval != "" {
		o.note("Evaluation %q waiting for additional capacity to place remainder", shortID(ev.BlockedEval, o.verbose))
	}
}

// settleWait is how long the monitor waits for placed allocations to leave the status pending.
const settleWait = 30 * time.Second

// settled waits until the evaluation's allocations started or ended, so that "job run" returns on running
// tasks rather than on a plan.
func (o *monitor) settled(ctx context.Context, ev *api.Evaluation) error {
	ctx, cancel := context.WithTimeout(ctx, settleWait)
	defer cancel()
	pending := func() bool {
		for _, a := range o.allocs {
			if a.DesiredStatus == api.AllocDesiredRun && a.ClientStatus == api.AllocClientPending {
				return true
			}
		}
		return false
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	live := &progress{m: o.m}
	defer live.clear()
	for pending() {
		live.show(o.allocs)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		live.clear()
		if err := o.updateAllocs(ctx, ev); err != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil
			}
			return err
		}
	}
	return nil
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
