// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/rank"
)

// Notes names the preferences of the job that the nodes in its datacenters and pool cannot follow: spreads and
// affinities over what no node has, or what only some have. Such a job runs, and not where it was meant to. There
// are none when there is no such node, for then everything waits and says why; but not the groups that run once on each
// node, which therefore are named.
func Notes(view View, job *api.Job) []string {
	if job == nil || !prefers(job) && !perNode(job) {
		return nil
	}
	p := newPass(WithJob(view, job), &api.Evaluation{Namespace: job.Namespace, JobID: job.ID, Type: job.Type}, Config{})
	if p.job == nil {
		return nil
	}
	notes := p.preferences("", job.Spreads, job.Affinities)
	for _, tg := range job.TaskGroups {
		prefix := fmt.Sprintf("group %q: ", tg.Name)
		notes = append(notes, p.groupPreferences(prefix, tg)...)
		if perNode(job) && len(p.newest.nodes.Candidates()) == 0 && !p.suits(tg) {
			notes = append(notes, prefix+fmt.Sprintf("no node is in its datacenters and node pool, so nothing of it runs until one does (job explain %s tells why)", job.ID))
		}
	}
	return notes
}

// suits reports whether the group may run on some node, if there is room. A group that is not to run needs none.
func (p *pass) suits(tg *api.TaskGroup) bool {
	checks := p.newest.group(tg)
	return p.job.Stopped() || tg.CountOrDefault() == 0 || slices.ContainsFunc(p.newest.nodes.Candidates(), func(ord int32) bool { return checks.Filtered(int(ord)) == "" })
}

// prefers reports whether there is a spread or an affinity anywhere in the job.
func prefers(job *api.Job) bool {
	if len(job.Spreads)+len(job.Affinities) > 0 {
		return true
	}
	return slices.ContainsFunc(job.TaskGroups, func(tg *api.TaskGroup) bool {
		return len(tg.Spreads)+len(tg.Affinities) > 0 ||
			slices.ContainsFunc(tg.Tasks, func(t *api.Task) bool { return t != nil && len(t.Affinities) > 0 })
	})
}

func (p *pass) groupPreferences(prefix string, tg *api.TaskGroup) []string {
	notes := p.preferences(prefix, tg.Spreads, tg.Affinities)
	for _, t := range tg.Tasks {
		if t != nil {
			notes = append(notes, p.preferences(prefix, nil, t.Affinities)...)
		}
	}
	return notes
}

// preferences looks at spreads and affinities over the nodes that come into question.
func (p *pass) preferences(prefix string, spreads []*api.Spread, affinities []*api.Affinity) []string {
	if len(p.newest.nodes.Candidates()) == 0 {
		return nil
	}
	var notes []string
	note := func(text string) {
		if text != "" {
			notes = append(notes, prefix+text)
		}
	}
	for _, s := range spreads {
		if s != nil {
			note(p.spreadNote(s))
		}
	}
	for _, a := range affinities {
		if a != nil {
			note(p.affinityNote(a))
		}
	}
	return notes
}

func (p *pass) spreadNote(s *api.Spread) string {
	what, target := "spread over "+s.Attribute, feasible.NewTarget(s.Attribute)
	if ofNode, _ := target.Names(); !ofNode {
		return fmt.Sprintf("spread over %q has no effect: it is text, the same on every node; attributes of nodes are written as ${meta.rack}", s.Attribute)
	}
	values, unset := map[string]bool{}, 0
	nodes := p.newest.nodes.Candidates()
	for _, ord := range nodes {
		if v, ok := target.Value(p.overlay.Node(int(ord))); ok {
			values[v] = true
		} else {
			unset++
		}
	}
	switch {
	case len(values) == 0:
		return what + " has no effect: " + p.absence(&target, s.Attribute)
	case unset > 0:
		return fmt.Sprintf("%s: %d of %d nodes do not have it and are used last", what, unset, len(nodes))
	}
	var absent []string
	for _, t := range s.SpreadTarget {
		if t != nil && t.Percent > 0 && t.Value != rank.ImplicitTarget && !values[t.Value] {
			absent = append(absent, fmt.Sprintf("%q (%d %%)", t.Value, t.Percent))
		}
	}
	if len(absent) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: no node has the value %s", what, strings.Join(absent, " or "))
}

// affinityNote is about affinities that hold nowhere because no node has what they look at; one that other nodes
// would satisfy is as it should be.
func (p *pass) affinityNote(a *api.Affinity) string {
	c := feasible.NewCondition(a.LTarget, a.Operand, a.RTarget, p.cfg.Cache)
	target := c.Left()
	if ofNode, _ := target.Names(); !ofNode {
		return fmt.Sprintf("affinity %q has no effect: its attribute is text, the same on every node; attributes of nodes are written as ${meta.rack}", c.Text())
	}
	for _, ord := range p.newest.nodes.Candidates() {
		node := p.overlay.Node(int(ord))
		if _, ok := target.Value(node); ok || c.Holds(node) {
			return ""
		}
	}
	return fmt.Sprintf("affinity %q has no effect: %s", c.Text(), p.absence(&target, a.LTarget))
}

// absence says that no node has the target, and what may have been meant.
func (p *pass) absence(t *feasible.Target, text string) string {
	if _, known := t.Names(); !known {
		return "nodes have no " + text + "; they have ${node.unique.id}, ${node.unique.name}, ${node.datacenter}, ${node.class}, ${node.pool}, ${attr.…} and ${meta.…}"
	}
	if similar := p.similar(t); similar != "" {
		return "no node has it; did you mean ${" + similar + "}?"
	}
	return "no node has it"
}
