// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

func jobExplainCommand() *spec {
	var (
		verbose bool
		out     output
	)
	return &spec{
		usage: "job explain [options] <job>", synopsis: "Explain where a job can run and why it does not", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: `Shows for each group of the job what stands in the way of its allocations on all nodes, which nodes come
closest, and the smallest changes that would place one.

Example:

    $ nomadlike job explain web`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			out.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, stub, err := m.oneJob(ctx, args[0])
			if err != nil {
				return err
			}
			p, _, err := api.JobPlacementGet.Call(ctx, c, &api.JobRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID})
			switch {
			case err != nil:
				return doing("Error explaining the placement", err)
			case out.wanted():
				return out.print(m, p)
			}
			for i, g := range p.Groups {
				if i > 0 {
					fmt.Fprintln(m.out)
				}
				explainGroup(m, g, verbose)
			}
			return nil
		},
	}
}

// explainGroup prints what is known about one group.
func explainGroup(m *meta, g *api.GroupPlacement, verbose bool) {
	state := "every allocation has a node"
	if g.Missing > 0 {
		state = fmt.Sprintf("%d allocations have no node", g.Missing)
	}
	if g.Missing == 1 {
		state = "1 allocation has no node"
	}
	fmt.Fprintln(m.out, m.paint(bold, fmt.Sprintf("Group %q: %s; %d of %d nodes would take one more", g.Group, state, g.Suitable, g.Nodes)))
	if len(g.Obstacles) > 0 {
		rows := [][]string{{"Obstacle", "Nodes", "Alone", "Classes"}}
		for _, o := range g.Obstacles {
			rows = append(rows, []string{o.Reason, strconv.Itoa(o.Nodes), strconv.Itoa(o.Alone), classCounts(o.Classes)})
		}
		fmt.Fprintln(m.out, "\n"+columns(rows))
	}
	if len(g.NearestMisses) > 0 {
		rows := [][]string{{"Nearest node", "Name", "Class", "Lacks"}}
		for _, miss := range g.NearestMisses {
			id := miss.NodeID
			if !verbose && len(id) > 8 {
				id = id[:8]
			}
			rows = append(rows, []string{id, miss.NodeName, orNone(miss.NodeClass), shortages(miss.Lacks)})
		}
		fmt.Fprintln(m.out, "\n"+columns(rows))
	}
	if len(g.Suggestions) > 0 {
		fmt.Fprintln(m.out, "\n"+m.paint(bold, "What would place one"))
		for _, s := range g.Suggestions {
			fmt.Fprintln(m.out, "* "+s)
		}
	}
}

func orNone(text string) string {
	if text == "" {
		return "<none>"
	}
	return text
}

func classCounts(classes map[string]int) string {
	var parts []string
	for _, c := range slices.Sorted(maps.Keys(classes)) {
		parts = append(parts, fmt.Sprintf("%s: %d", orNone(c), classes[c]))
	}
	return strings.Join(parts, ", ")
}

func shortages(lacks []*api.Shortage) string {
	var parts []string
	for _, s := range lacks {
		if s.Wanted > 1 || s.Free > 0 {
			parts = append(parts, fmt.Sprintf("%s: wants %d, %d free", s.Dimension, s.Wanted, s.Free))
		} else {
			parts = append(parts, s.Dimension)
		}
	}
	return strings.Join(parts, "; ")
}
