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

func nodePoolListCommand() *spec {
	var (
		page listFlags
		out  output
	)
	return &spec{
		usage: "node pool list [options]", synopsis: "List node pools", remote: true,
		long: "Lists the pools that nodes are divided into.\n\nExample:\n\n    $ nomadlike node pool list",
		flags: func(f *flag.FlagSet) {
			page.register(f)
			page.paging(f)
			out.register(f)
		},
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			req := &api.NodePoolListRequest{}
			page.apply(&req.ReadOptions)
			pools, meta, err := api.NodePoolList.Call(ctx, c, req)
			if err != nil {
				return doing("Error querying node pools", err)
			}
			if out.wanted() {
				return out.print(m, pools)
			}
			fmt.Fprintln(m.out, columns(nodePoolRows(pools)))
			m.nextPage(meta.NextToken)
			return nil
		}),
	}
}

func nodePoolRows(pools []*api.NodePool) [][]string {
	rows := [][]string{{"Name", "Description"}}
	for _, p := range pools {
		rows = append(rows, []string{p.Name, p.Description})
	}
	return rows
}

// findNodePool finds the one node pool whose name is name or starts with it.
func findNodePool(ctx context.Context, m *meta, c *client.Client, name string) (*api.NodePool, error) {
	req := &api.NodePoolListRequest{}
	req.Prefix = name
	pools, _, err := api.NodePoolList.Call(ctx, c, req)
	if err != nil {
		return nil, doing("Error retrieving node pool", err)
	}
	return oneOf(m, "node pools", fmt.Sprintf("No node pool with prefix %q found", name), name, pools,
		func(p *api.NodePool) string { return p.Name }, nodePoolRows)
}

func nodePoolInfoCommand() *spec {
	var out output
	return &spec{
		usage: "node pool info [options] <node-pool>", synopsis: "Show a node pool", remote: true, args: exactly(1, "<node-pool>"), completes: completeNodePools,
		long:  "Shows one node pool.\n\nExample:\n\n    $ nomadlike node pool info gpu",
		flags: out.register,
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			p, err := findNodePool(ctx, m, c, args[0])
			if err != nil {
				return err
			}
			if out.wanted() {
				return out.print(m, p)
			}
			fmt.Fprintln(m.out, pairs("Name", p.Name, "Description", p.Description, "Node Identity TTL", p.NodeIdentityTTL.String()))
			if len(p.Meta) > 0 {
				m.heading("Metadata")
				fmt.Fprintln(m.out, keyValues(p.Meta))
			} else {
				fmt.Fprint(m.out, "\nNo metadata\n")
			}
			s := p.SchedulerConfiguration
			if s == nil {
				fmt.Fprint(m.out, "\nNo scheduler configuration\n")
				return nil
			}
			m.heading("Scheduler Configuration")
			var kv []string // what is not set is the cluster's
			if s.SchedulerAlgorithm != "" {
				kv = append(kv, "Scheduler Algorithm", s.SchedulerAlgorithm)
			}
			if s.MemoryOversubscriptionEnabled != nil {
				kv = append(kv, "Memory Oversubscription Enabled", strconv.FormatBool(*s.MemoryOversubscriptionEnabled))
			}
			fmt.Fprintln(m.out, pairs(kv...))
			return nil
		}),
	}
}

func nodePoolNodesCommand() *spec {
	var (
		verbose bool
		page    listFlags
		out     output
	)
	return &spec{
		usage: "node pool nodes [options] <node-pool>", synopsis: "List the nodes of a pool", remote: true, args: exactly(1, "<node-pool>"), completes: completeNodePools,
		long: "Lists the nodes that belong to a pool.\n\nExample:\n\n    $ nomadlike node pool nodes gpu",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			page.register(f)
			page.paging(f)
			out.register(f)
		},
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			p, err := findNodePool(ctx, m, c, args[0])
			if err != nil {
				return err
			}
			req := &api.NodePoolNodesRequest{Name: p.Name}
			page.apply(&req.ReadOptions)
			nodes, meta, err := api.NodePoolNodes.Call(ctx, c, req)
			switch {
			case err != nil:
				return doing(fmt.Sprintf("Error querying nodes in node pool %q", p.Name), err)
			case out.wanted():
				return out.print(m, nodes)
			case len(nodes) == 0:
				fmt.Fprintln(m.out, "No nodes")
				return nil
			}
			fmt.Fprintln(m.out, columns(nodeRows(nodes, nodeColumns{verbose: verbose})))
			m.nextPage(meta.NextToken)
			return nil
		}),
	}
}

func nodePoolJobsCommand() *spec {
	var (
		page listFlags
		out  output
	)
	return &spec{
		usage: "node pool jobs [options] <node-pool>", synopsis: "List the jobs of a pool", remote: true, args: exactly(1, "<node-pool>"), completes: completeNodePools,
		long: "Lists the jobs that are placed in a pool.\n\nExample:\n\n    $ nomadlike node pool jobs gpu",
		flags: func(f *flag.FlagSet) {
			page.register(f)
			page.paging(f)
			out.register(f)
		},
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			p, err := findNodePool(ctx, m, c, args[0])
			if err != nil {
				return err
			}
			req := &api.NodePoolJobsRequest{Name: p.Name}
			page.apply(&req.ReadOptions)
			jobs, meta, err := api.NodePoolJobs.Call(ctx, c, req)
			switch {
			case err != nil:
				return doing(fmt.Sprintf("Error querying jobs in node pool %q", p.Name), err)
			case out.wanted():
				return out.print(m, jobs)
			case len(jobs) == 0:
				fmt.Fprintln(m.out, "No jobs")
				return nil
			}
			fmt.Fprintln(m.out, columns(jobRows(jobs, m.namespace == api.AllNamespaces)))
			m.nextPage(meta.NextToken)
			return nil
		}),
	}
}
