// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// defaultDrainDeadline is how long a drain takes at most unless the command says otherwise.
const defaultDrainDeadline = time.Hour

// drainFlags are what "node drain" was asked to do.
type drainFlags struct {
	enable, disable, force, noDeadline, ignoreSystem, keepIneligible bool
	self, detach, monitor, yes                                       bool
	deadline                                                         time.Duration
	message                                                          string
	meta                                                             stringList
	// timed is set when -deadline was given.
	timed bool
}

func nodeDrainCommand() *spec {
	var d drainFlags
	s := &spec{
		usage: "node drain [options] <node>", synopsis: "Move the allocations of a node away", remote: true,
		args: atMost(1, "<node>"), completes: completeNodes,
		long: `Starts or ends the drain of a node. A draining node takes no allocations; those that it has migrate at the pace
of their migrate blocks, batch jobs may finish until the deadline and are not replaced, and system jobs are
stopped last. After the drain the node stays ineligible until "node eligibility -enable".

Example:

    $ nomadlike node drain -enable -deadline 10m c0c63d32`,
	}
	var set *flag.FlagSet
	s.flags = func(f *flag.FlagSet) {
		set = f
		f.BoolVar(&d.enable, "enable", false, "Drain the node.")
		f.BoolVar(&d.disable, "disable", false, "End the drain of the node.")
		f.DurationVar(&d.deadline, "deadline", defaultDrainDeadline, "The `time` after which everything that is left has to go at once.")
		f.BoolVar(&d.force, "force", false, "Let everything go at once.")
		f.BoolVar(&d.noDeadline, "no-deadline", false, "Wait for as long as it takes.")
		f.BoolVar(&d.ignoreSystem, "ignore-system", false, "Leave the allocations of system jobs.")
		f.BoolVar(&d.keepIneligible, "keep-ineligible", false, "With -disable: keep new allocations away.")
		f.StringVar(&d.message, "m", "", "A `message` that is kept with the drain.")
		f.Var(&d.meta, "meta", "A `key=value` that is kept with the drain. May be repeated.")
		f.BoolVar(&d.self, "self", false, "The node of the agent that is asked.")
		f.BoolVar(&d.detach, "detach", false, "Return once the drain is set.")
		f.BoolVar(&d.monitor, "monitor", false, "Only follow a drain that is on its way.")
		f.BoolVar(&d.yes, "yes", false, "Do not ask when the argument is only the start of an ID.")
	}
	s.run = func(ctx context.Context, m *meta, args []string) error {
		set.Visit(func(f *flag.Flag) { d.timed = d.timed || f.Name == "deadline" })
		return d.run(ctx, m, args)
	}
	return s
}

// check refuses flags that contradict each other.
func (d *drainFlags) check(args []string) error {
	switch {
	case d.enable == d.disable && (d.enable || !d.monitor):
		return usageError("Either the '-enable' or '-disable' flag must be set, unless using '-monitor'")
	case d.monitor && d.detach:
		return usageError("The -monitor flag cannot be used with the '-detach' flag")
	case d.disable && (d.timed || d.force || d.noDeadline):
		return usageError("-disable can't be combined with flags configuring drain strategy")
	case d.force && (d.timed || d.noDeadline), d.timed && d.noDeadline:
		return usageError("-deadline, -force and -no-deadline are mutually exclusive")
	case d.timed && d.deadline <= 0:
		return usageError("A positive drain duration must be given; use -force or -no-deadline instead")
	case d.keepIneligible && !d.disable:
		return usageError("-keep-ineligible only works with -disable")
	case !d.self && len(args) == 0:
		return usageError("Node ID must be specified if -self isn't being used")
	case d.self && len(args) == 1:
		return usageError("-self is exclusive with a node")
	}
	return nil
}

func (d *drainFlags) run(ctx context.Context, m *meta, args []string) error {
	if err := d.check(args); err != nil {
		return err
	}
	metadata, err := d.metadata()
	if err != nil {
		return err
	}
	c, err := m.client()
	if err != nil {
		return err
	}
	id := ""
	if d.self {
		if id, err = ownNode(ctx, c); err != nil {
			return err
		}
	} else {
		id = args[0]
	}
	n, err := findNode(ctx, m, c, id)
	if err != nil {
		return err
	}
	if d.monitor && !d.enable && !d.disable {
		if n.DrainStrategy == nil {
			fmt.Fprintln(m.out, "No drain strategy set")
			return nil
		}
		return d.follow(ctx, m, c, n, 1)
	}
	if n.ID != id && !d.yes {
		verb := "enable"
		if d.disable {
			verb = "disable"
		}
		if ok, err := m.confirm(fmt.Sprintf("Are you sure you want to %s drain mode for node %q? [y/N]", verb, n.ID)); err != nil || !ok {
			return err
		}
	}
	req := &api.NodeDrainRequest{PathID: n.ID, NodeID: n.ID, Meta: metadata, MarkEligible: d.disable && !d.keepIneligible}
	if d.enable {
		req.DrainSpec = d.spec()
	}
	resp, _, err := api.NodeDrain.Call(ctx, c, req)
	if err != nil {
		return fmt.Errorf("Error updating drain specification: %w", err) //nolint:staticcheck // the contract's text
	}
	if d.disable {
		fmt.Fprintf(m.out, "Node %q drain strategy unset\n", n.ID)
		return nil
	}
	if d.detach {
		fmt.Fprintf(m.out, "Node %q drain strategy set\n", n.ID)
		return nil
	}
	fmt.Fprintf(m.out, "%s: Ctrl-C to stop monitoring: will not cancel the node drain\n", stampOf(m))
	fmt.Fprintf(m.out, "%s: Node %q drain strategy set\n", stampOf(m), n.ID)
	return d.follow(ctx, m, c, n, resp.NodeModifyIndex)
}

func (d *drainFlags) spec() *api.DrainSpec {
	s := &api.DrainSpec{Deadline: d.deadline, IgnoreSystemJobs: d.ignoreSystem}
	switch {
	case d.force:
		s.Deadline = -1
	case d.noDeadline:
		s.Deadline = 0
	}
	return s
}

func (d *drainFlags) metadata() (map[string]string, error) {
	if d.message == "" && len(d.meta) == 0 {
		return nil, nil
	}
	out := map[string]string{}
	if d.message != "" {
		out["message"] = d.message
	}
	for _, pair := range d.meta {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, usageError(fmt.Sprintf("-meta takes key=value, got %q", pair))
		}
		out[key] = value
	}
	return out, nil
}

// follow reports what happens to the node and its allocations until the drain is over and all that left have
// stopped.
func (d *drainFlags) follow(ctx context.Context, m *meta, c api.Caller, n *api.Node, index uint64) error {
	w := &drainWatch{m: m, seen: map[string]drainSeen{}, ignoreSystem: n.DrainStrategy != nil && n.DrainStrategy.IgnoreSystemJobs || d.ignoreSystem}
	node := &api.NodeRequest{NodeID: n.ID}
	list := &api.NodeRequest{NodeID: n.ID}
	node.MaxWait, list.MaxWait = monitorPoll, monitorPoll
	for {
		allocs, meta, err := api.NodeAllocations.Call(ctx, c, list)
		if err != nil {
			return followError(ctx, err)
		}
		list.MinIndex = meta.Index
		w.report(allocs)
		if !w.over {
			row, _, err := api.NodeGet.Call(ctx, c, node)
			if err != nil {
				return followError(ctx, err)
			}
			if row.DrainStrategy == nil && row.ModifyIndex >= index {
				w.over = true
				if row.LastDrain != nil && row.LastDrain.Status == api.DrainStatusCanceled {
					w.say("Drain cancelled for node %s", n.ID)
					return nil
				}
				w.say("Drain complete for node %s", n.ID)
			}
		}
		if w.over && w.stopped {
			w.say("All allocations on node %q have stopped", n.ID)
			return nil
		}
	}
}

func followError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return exitError(1)
	}
	return fmt.Errorf("Error monitoring the drain: %w", err) //nolint:staticcheck // like the contract's texts
}

// drainWatch remembers what was reported of each allocation.
type drainWatch struct {
	m            *meta
	seen         map[string]drainSeen
	ignoreSystem bool
	started      bool
	over         bool
	// stopped is set while no allocation that has to go is left.
	stopped bool
}

type drainSeen struct {
	status           string
	marked, draining bool
}

func (w *drainWatch) say(format string, args ...any) {
	fmt.Fprintf(w.m.out, "%s: %s\n", stampOf(w.m), fmt.Sprintf(format, args...))
}

func stampOf(m *meta) string { return m.now().Format(time.RFC3339) }

func (w *drainWatch) report(allocs []*api.Allocation) {
	w.stopped = true
	for _, a := range allocs {
		system := a.Job != nil && (a.Job.Type == api.JobTypeSystem || a.Job.Type == api.JobTypeSysBatch)
		if system && w.ignoreSystem {
			continue
		}
		w.stopped = w.stopped && a.ClientTerminalStatus()
		old, known := w.seen[a.ID]
		now := drainSeen{a.ClientStatus, a.DesiredTransition.ShouldMigrate(), a.DesiredTransition.ShouldMigrate() && a.ServerTerminalStatus()}
		w.seen[a.ID] = now
		if !w.started && a.ClientTerminalStatus() {
			continue
		}
		if now.marked && !old.marked && !a.ClientTerminalStatus() {
			w.say("Alloc %q marked for migration", a.ID)
		}
		if now.draining && !old.draining && !a.ClientTerminalStatus() {
			w.say("Alloc %q draining", a.ID)
		}
		if known && old.status != now.status {
			w.say("Alloc %q status %s -> %s", a.ID, old.status, now.status)
		}
	}
	w.started = true
}
