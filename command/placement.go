// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// placementLines tells why a group has no node, and then what would help: the one form of it that plans, runs,
// evaluations, jobs and explanations print. There are none when nothing is known.
func (m *meta) placementLines(g *api.GroupPlacement, verbose bool) []string {
	if g == nil {
		return nil
	}
	var lines []string
	part := func(title string, rows ...string) {
		lines = append(lines, m.paint(bold, title))
		for _, row := range rows {
			lines = append(lines, "  "+row)
		}
	}
	points := func(title string, texts []string) {
		if len(texts) == 0 {
			return
		}
		rows := make([]string, len(texts))
		for i, s := range texts {
			rows[i] = "* " + s
		}
		part(title, rows...)
	}
	points("Perhaps a mistake in the job:", g.Corrections)
	if len(g.Obstacles) > 0 {
		rows := [][]string{{"Reason", "Nodes", "Only reason", "Classes"}}
		of := ""
		if g.Missing == 0 && g.Placed > 0 {
			of = " of one more"
		}
		have := slices.ContainsFunc(g.Obstacles, func(o *api.PlacementObstacle) bool { return valueCounts(o) != "" })
		if have {
			rows[0] = append(rows[0], "Nodes have")
		}
		for _, o := range g.Obstacles {
			alone := "no"
			if o.Alone > 0 {
				alone = fmt.Sprintf("on %d", o.Alone)
			}
			row := []string{obstacleText(o), strconv.Itoa(o.Nodes), alone, classCounts(o.Classes)}
			if have {
				row = append(row, cmp.Or(valueCounts(o), "-"))
			}
			rows = append(rows, row)
		}
		part(fmt.Sprintf("What stands in the way%s, on %s:", of, count(g.Nodes, "node")), strings.Split(columns(rows), "\n")...)
	}
	if len(g.NearestMisses) > 0 {
		rows := [][]string{{"ID", "Name", "Class", "Lacks"}}
		for _, miss := range g.NearestMisses {
			rows = append(rows, []string{shortID(miss.NodeID, verbose), miss.NodeName, orNone(miss.NodeClass), shortages(miss.Lacks)})
		}
		part("Nearest misses, nodes that lack only room:", strings.Split(columns(rows), "\n")...)
	}
	points(changesTitle(g), g.Suggestions)
	if len(g.Notes) > 0 {
		part(notesTitle, g.Notes...)
	}
	return lines
}

// changesTitle heads the changes of which each is enough; the web interface has the same words.
func changesTitle(g *api.GroupPlacement) string {
	which, what := "Any one of these", "at least one allocation"
	if len(g.Suggestions) == 1 {
		which = "This"
	}
	if g.Missing == 1 {
		what = "it"
	}
	return which + " would place " + what + ":"
}

// notesTitle heads preferences such as spreads over what no node has.
const notesTitle = "What the nodes cannot follow:"

// obstacleText names an obstacle in words.
func obstacleText(o *api.PlacementObstacle) string {
	switch {
	case o.Kind == api.ObstacleRoom && !strings.Contains(o.Reason, ":") && !strings.Contains(o.Reason, " "):
		return "not enough " + o.Reason
	case o.Kind == api.ObstacleConstraint && o.Reason == api.OpDistinctHosts:
		return "distinct_hosts: has one already"
	case o.Kind == api.ObstacleConstraint && strings.HasPrefix(o.Reason, "${"):
		return "not " + o.Reason
	}
	return o.Reason
}

func orNone(text string) string {
	if text == "" {
		return "<none>"
	}
	return text
}

// maxClasses is how many node classes a line lists.
const maxClasses = 5

// classCounts lists the classes with most nodes.
func classCounts(classes map[string]int) string {
	names := slices.SortedFunc(maps.Keys(classes), func(a, b string) int {
		return cmp.Or(cmp.Compare(classes[b], classes[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, c := range names[:min(maxClasses, len(names))] {
		parts = append(parts, fmt.Sprintf("%s: %d", orNone(c), classes[c]))
	}
	if more := len(names) - maxClasses; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

// valueCounts lists what nodes have instead of what a constraint wants, "" for what is no constraint.
func valueCounts(o *api.PlacementObstacle) string {
	names := slices.SortedFunc(maps.Keys(o.Values), func(a, b string) int {
		return cmp.Or(cmp.Compare(o.Values[b], o.Values[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, v := range names {
		parts = append(parts, fmt.Sprintf("%q: %d", v, o.Values[v]))
	}
	if o.OtherValues > 0 {
		parts = append(parts, fmt.Sprintf("%d other values", o.OtherValues))
	}
	if o.Unset > 0 {
		parts = append(parts, fmt.Sprintf("not set: %d", o.Unset))
	}
	return strings.Join(parts, ", ")
}

func shortages(lacks []*api.Shortage) string {
	var parts []string
	for _, s := range lacks {
		if s.Wanted > 1 || s.Free > 0 {
			free := strconv.FormatInt(s.Free, 10)
			if s.Free < 0 { // an allocation that is to stop still has it
				free = fmt.Sprintf("0 (%d over)", -s.Free)
			}
			parts = append(parts, fmt.Sprintf("%s: wants %d, has %s free, %d short", s.Dimension, s.Wanted, free, s.Short()))
		} else {
			parts = append(parts, s.Dimension)
		}
	}
	return strings.Join(parts, "; ")
}
