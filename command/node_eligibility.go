// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

func nodeEligibilityCommand() *spec {
	var enable, disable, self bool
	return &spec{
		usage: "node eligibility [options] <node>", synopsis: "Allow or forbid placements on a node", remote: true, args: atMost(1, "<node>"), completes: completeNodes,
		long: "Sets whether new allocations may be placed on the node; those that run stay.\n\nExample:\n\n    $ nomadlike node eligibility -disable c0c63d32",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&enable, "enable", false, "Allow placements.")
			f.BoolVar(&disable, "disable", false, "Forbid placements.")
			f.Bool("yes", false, "Without effect: nothing is asked.")
			f.BoolVar(&self, "self", false, "The node of the agent that is asked.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if enable == disable {
				return usageError("Either the '-enable' or '-disable' flag must be set")
			}
			if !self && len(args) == 0 {
				return usageError("Node ID must be specified if -self isn't being used")
			}
			if self && len(args) == 1 {
				return usageError("-self is exclusive with a node")
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			var id string
			if self {
				id, err = ownNode(ctx, c)
			} else {
				id = args[0]
			}
			if err != nil {
				return err
			}
			n, err := findNode(ctx, m, c, id)
			if err != nil {
				return err
			}
			want, text := api.NodeEligible, "eligible"
			if disable {
				want, text = api.NodeIneligible, "ineligible"
			}
			if _, _, err := api.NodeEligibilitySet.Call(ctx, c, &api.NodeEligibilityRequest{PathID: n.ID, NodeID: n.ID, Eligibility: want}); err != nil {
				return fmt.Errorf("Error updating scheduling eligibility: %w", err) //nolint:staticcheck // the contract's text
			}
			fmt.Fprintf(m.out, "Node %q scheduling eligibility set: %s for scheduling\n", n.ID, text)
			return nil
		},
	}
}
