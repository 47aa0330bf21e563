// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func nodeConfigCommand() *spec {
	var servers, update bool
	return &spec{
		usage: "node config [options]", synopsis: "Show or change the servers that a client uses", remote: true,
		args: func(n int) string { return "" },
		long: `Shows the servers that the client of the agent knows, or replaces them.

Example:

    $ nomadlike node config -update-servers 10.0.0.1:4647 10.0.0.2:4647`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&servers, "servers", false, "List the servers.")
			f.BoolVar(&update, "update-servers", false, "Replace the servers by the arguments, host:port each.")
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			switch {
			case servers == update:
				return usageError("Either the '-servers' or '-update-servers' flag must be set")
			case servers && len(args) > 0:
				return usageError("This command takes no arguments with -servers")
			case update && len(args) == 0:
				return usageError("Please specify at least one server to -update-servers")
			case update:
				if _, _, err := api.AgentServersSet.Call(ctx, c, &api.AgentAddressesRequest{Address: args}); err != nil {
					return doing("Error updating server list", err)
				}
				fmt.Fprintln(m.out, "Updated server list")
				return nil
			}
			list, _, err := api.AgentServers.Call(ctx, c, &api.AgentRequest{})
			if err != nil {
				return doing("Error querying server list", err)
			}
			for _, s := range list {
				fmt.Fprintln(m.out, s)
			}
			return nil
		}),
	}
}
