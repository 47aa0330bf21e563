// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func nodeStatusCommand() *spec {
	var (
		self, allocs, short, verbose, quiet, osColumn, stats bool
		filter, token                                        string
		perPage                                              int
		page                                                 webUI
		out                                                  output
	)
	return &spec{
		usage: "node status [options] [<node>]", synopsis: "Show nodes, or one node in detail", remote: true, args: atMost(1, "<node>"), completes: completeNodes,
		long: `Without an argument lists the nodes; with a node's ID, or the start of one, shows its drivers, events, resources
and allocations.

Example:

    $ nomadlike node status -self`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&self, "self", false, "Show the node of the agent that is asked.")
			f.BoolVar(&allocs, "allocs", false, "Count the running allocations of each node.")
			f.BoolVar(&short, "short", false, "Show less.")
			f.BoolVar(&stats, "stats", false, "Show the use of the host's resources.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers, attributes and meta.")
			f.BoolVar(&quiet, "quiet", false, "Print identifiers only.")
			f.BoolVar(&osColumn, "os", false, "Show the operating systems.")
			f.StringVar(&filter, "filter", "", "Only those that the `expression` selects.")
			f.IntVar(&perPage, "per-page", 0, "Show `n` at a time.")
			f.StringVar(&token, "page-token", "", "Start at the page that the `token` of the page before names.")
			out.register(f)
			page.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if self && len(args) == 1 {
				return usageError("-self is exclusive with a node")
			}
			if quiet && (verbose || out.wanted()) {
				return usageError("-quiet is exclusive with -verbose, -json and -t")
			}
			if err := out.check(); err != nil {
				return err
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			id := ""
			if len(args) == 1 {
				id = args[0]
			}
			if self {
				if id, err = ownNode(ctx, c); err != nil {
					return err
				}
			}
			if id == "" {
				req := &api.NodeListRequest{OS: osColumn}
				req.Filter, req.PerPage, req.NextToken = filter, perPage, token
				if err := nodeList(ctx, m, c, req, nodeListView{nodeColumns{verbose: verbose, pool: true, os: osColumn}, quiet, allocs}, &out); err != nil || out.wanted() || quiet {
					return err
				}
				m.hint(ctx, c, &page, "View and manage Nomad clients", "clients")
				return nil
			}
			n, err := findNode(ctx, m, c, id)
			if err != nil {
				return err
			}
			if out.wanted() {
				return out.print(m, n)
			}
			if err := (&nodeStatus{m: m, c: c, n: n, verbose: verbose, short: short, stats: stats}).show(ctx); err != nil {
				return err
			}
			m.hint(ctx, c, &page, "View this client", "clients/"+n.ID)
			return nil
		},
	}
}

// ownNode asks the agent for its node's ID.
func ownNode(ctx context.Context, c *client.Client) (string, error) {
	self, _, err := api.AgentSelfGet.Call(ctx, c, &api.AgentRequest{})
	if err != nil {
		return "", fmt.Errorf("Error querying agent info: %w", err) //nolint:staticcheck // the contract's text
	}
	id := self.Stats["client"]["node_id"]
	if id == "" {
		return "", fmt.Errorf("the agent at %s runs no client", c.Address())
	}
	return id, nil
}

type nodeListView struct {
	nodeColumns
	quiet, allocs bool
}

// nodeColumns says which columns a table of nodes has beside the usual.
type nodeColumns struct{ verbose, pool, os bool }

func nodeList(ctx context.Context, m *meta, c *client.Client, req *api.NodeListRequest, v nodeListView, out *output) error {
	nodes, meta, err := api.NodeList.Call(ctx, c, req)
	if err != nil {
		return fmt.Errorf("Error querying node status: %w", err) //nolint:staticcheck // the contract's text
	}
	switch {
	case out.wanted():
		return out.print(m, nodes)
	case len(nodes) == 0:
		fmt.Fprintln(m.out, "No nodes registered")
		return nil
	case v.quiet:
		for _, n := range nodes {
			fmt.Fprintln(m.out, n.ID)
		}
		return nil
	}
	rows := nodeRows(nodes, v.nodeColumns)
	if v.allocs {
		rows[0] = append(rows[0], "Running Allocs")
		for i, n := range nodes {
			list, _, err := api.NodeAllocations.Call(ctx, c, &api.NodeRequest{NodeID: n.ID})
			if err != nil {
				return fmt.Errorf("Error querying node allocations: %w", err) //nolint:staticcheck // the contract's text
			}
			running := 0
			for _, a := range list {
				if a.ClientStatus == api.AllocClientRunning {
					running++
				}
			}
			rows[i+1] = append(rows[i+1], strconv.Itoa(running))
		}
	}
	fmt.Fprintln(m.out, columns(rows))
	m.nextPage(meta.NextToken)
	return nil
}

func nodeRows(nodes []*api.NodeListStub, v nodeColumns) [][]string {
	row := func(id, pool, dc, name, class, os, address, version, drain, eligibility, status string) []string {
		r := []string{id}
		if v.pool {
			r = append(r, pool)
		}
		r = append(r, dc, name, class)
		if v.os {
			r = append(r, os)
		}
		if v.verbose {
			r = append(r, address, version)
		}
		return append(r, drain, eligibility, status)
	}
	rows := [][]string{row("ID", "Node Pool", "DC", "Name", "Class", "OS", "Address", "Version", "Drain", "Eligibility", "Status")}
	for _, n := range nodes {
		rows = append(rows, row(shortID(n.ID, v.verbose), n.NodePool, n.Datacenter, n.Name, n.NodeClass, n.Attributes["os.name"],
			n.Address, n.Version, strconv.FormatBool(n.Drain), n.SchedulingEligibility, n.Status))
	}
	return rows
}
