// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"

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
			summary, _, err := api.JobSummaryGet.Call(ctx, c, &api.JobRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID})
			if err != nil {
				return doing("Error reading the summary of the job", err)
			}
			for i, g := range p.Groups {
				if i > 0 {
					fmt.Fprintln(m.out)
				}
				explainGroup(m, g, verbose)
				if s := summary.Summary[g.Group]; s.Failed > 0 && s.Running == 0 {
					fmt.Fprintf(m.out, "Nodes were found, but %s failed there and none runs; see: nomadlike job status %s\n", count(s.Failed, "allocation"), stub.ID)
					if stub.Type == api.JobTypeSystem {
						fmt.Fprintf(m.out, "Those of a system job are replaced when a node or the job changes, and by: nomadlike job eval %s\n", stub.ID)
					}
				}
			}
			return nil
		},
	}
}

// explainGroup prints what is known about one group.
func explainGroup(m *meta, g *api.GroupPlacement, verbose bool) {
	state := "every allocation has a node"
	switch {
	case g.Missing > 0 && g.Placed > 0:
		state = fmt.Sprintf("%d of %d allocations have no node", g.Missing, g.Missing+g.Placed)
	case g.Missing == 1:
		state = "1 allocation has no node"
	case g.Missing > 0:
		state = fmt.Sprintf("%d allocations have no node", g.Missing)
	case g.Placed == 0 && len(g.Suggestions) > 0:
		state = "no node suits it, so it has no allocation"
	}
	fmt.Fprintln(m.out, m.paint(bold, fmt.Sprintf("Group %q: %s; %d of %s would take one more", g.Group, state, g.Suitable, count(g.Nodes, "node"))))
	for _, l := range m.placementLines(g, verbose) {
		fmt.Fprintln(m.out, l)
	}
}
