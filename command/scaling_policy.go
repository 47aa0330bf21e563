// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func scalingPolicyListCommand() *spec {
	var (
		req     api.ScalingPolicyListRequest
		verbose bool
		out     output
	)
	return &spec{
		usage: "scaling policy list [options]", synopsis: "List scaling policies", remote: true,
		long: "Lists the scaling policies of jobs.\n\nExample:\n\n    $ nomadlike scaling policy list -job web",
		flags: func(f *flag.FlagSet) {
			f.StringVar(&req.Job, "job", "", "Only those of the job with this `id`.")
			f.StringVar(&req.Type, "type", "", "Only those of this `type`.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			out.register(f)
		},
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			list, _, err := api.ScalingPolicyList.Call(ctx, c, &req)
			switch {
			case err != nil:
				return doing("Error listing scaling policies", err)
			case out.wanted():
				return out.print(m, list)
			case len(list) == 0:
				fmt.Fprintln(m.out, "No policies found")
				return nil
			}
			fmt.Fprintln(m.out, columns(policyRows(list, verbose)))
			return nil
		}),
	}
}

func policyRows(list []*api.ScalingPolicyListStub, verbose bool) [][]string {
	slices.SortFunc(list, func(a, b *api.ScalingPolicyListStub) int { return strings.Compare(a.ID, b.ID) })
	rows := [][]string{{"ID", "Enabled", "Type", "Target"}}
	for _, p := range list {
		rows = append(rows, []string{shortID(p.ID, verbose), strconv.FormatBool(p.Enabled), p.Type, policyTarget(p.Target)})
	}
	return rows
}

// policyTarget shows what a policy scales, the widest part first.
func policyTarget(target map[string]string) string {
	var parts []string
	for _, k := range []string{"Namespace", "Job", "Group", "Task"} {
		if v, ok := target[k]; ok {
			parts = append(parts, k+":"+v)
		}
	}
	for _, k := range sortedKeys(target) {
		if !slices.Contains([]string{"Namespace", "Job", "Group", "Task"}, k) {
			parts = append(parts, k+":"+target[k])
		}
	}
	return strings.Join(parts, ",")
}

func scalingPolicyInfoCommand() *spec {
	var (
		verbose bool
		out     output
	)
	return &spec{
		usage: "scaling policy info [options] <policy>", synopsis: "Show a scaling policy", remote: true, args: atMost(1, "<policy>"), completes: completePolicies,
		long: "Shows the scaling policy with the ID, or the start of one. -json and -t without an argument list all policies.\n\nExample:\n\n    $ nomadlike scaling policy info 739b77d2",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			out.register(f)
		},
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			switch {
			case len(args) == 0 && !out.wanted():
				return usageError("This command takes one argument: <policy>")
			case len(args) == 0:
				list, _, err := api.ScalingPolicyList.Call(ctx, c, &api.ScalingPolicyListRequest{})
				if err != nil {
					return doing("Error querying scaling policies", err)
				}
				return out.print(m, list)
			}
			p, err := findPolicy(ctx, m, c, args[0])
			if err != nil {
				return err
			}
			if out.wanted() {
				return out.print(m, p)
			}
			enabled := p.Enabled == nil || *p.Enabled
			kv := []string{"ID", shortID(p.ID, verbose), "Enabled", strconv.FormatBool(enabled), "Target", policyTarget(p.Target)}
			for _, limit := range []struct {
				name string
				n    *int
			}{{"Min", p.Min}, {"Max", p.Max}} {
				text := ""
				if limit.n != nil {
					text = strconv.Itoa(*limit.n)
				}
				kv = append(kv, limit.name, text)
			}
			doc, err := json.MarshalIndent(p.Policy, "", "    ")
			if err != nil {
				return doing("Error formatting the data", err)
			}
			fmt.Fprintf(m.out, "%s\n\nPolicy:\n%s\n", pairs(kv...), doc)
			return nil
		}),
	}
}

// findPolicy finds the one scaling policy whose ID starts with id.
func findPolicy(ctx context.Context, m *meta, c *client.Client, id string) (*api.ScalingPolicy, error) {
	prefix, err := cleanPrefix("Policy ID", id)
	if err != nil {
		return nil, err
	}
	req := &api.ScalingPolicyListRequest{}
	req.Prefix, req.Namespace = prefix, api.AllNamespaces
	list, _, err := api.ScalingPolicyList.Call(ctx, c, req)
	if err != nil {
		return nil, doing("Error querying scaling policy", err)
	}
	stub, err := oneOf(m, "scaling policies", fmt.Sprintf("No scaling policies with prefix or id %q found", id), prefix, list,
		func(p *api.ScalingPolicyListStub) string { return p.ID },
		func(l []*api.ScalingPolicyListStub) [][]string { return policyRows(l, false) })
	if err != nil {
		return nil, err
	}
	get := &api.ScalingPolicyRequest{PolicyID: stub.ID}
	get.Namespace = stub.Target["Namespace"]
	p, _, err := api.ScalingPolicyGet.Call(ctx, c, get)
	return p, doOpen("Error querying scaling policy", err)
}
