// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func serverJoinCommand() *spec {
	return &spec{
		usage: "server join [options] <addr>...", synopsis: "Make a server join others", remote: true, args: atLeast(1, "<addr>"),
		long: `Makes the server that is asked join the servers at the gossip addresses. It suffices to reach one.

Example:

    $ nomadlike server join 10.0.0.1:4648`,
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			resp, _, err := api.AgentJoin.Call(ctx, c, &api.AgentAddressesRequest{Address: args})
			if err == nil && resp.Error != "" {
				err = errors.New(strings.TrimSpace(resp.Error))
			}
			if err != nil {
				return doing("Error joining", err)
			}
			if resp.Warning != "" {
				fmt.Fprintln(m.err, m.paint(yellow, resp.Warning))
			}
			fmt.Fprintf(m.out, "Joined %d servers successfully\n", resp.NumJoined)
			return nil
		}),
	}
}

func serverForceLeaveCommand() *spec {
	var prune bool
	return &spec{
		usage: "server force-leave [options] <node>", synopsis: "Make a failed server count as left", remote: true, args: exactly(1, "<node>"), completes: completeServers,
		long: `Makes a server that failed count as one that left, so that the others stop trying to reach it. It is named as in
"server members".

Example:

    $ nomadlike server force-leave server-3.global`,
		flags: func(f *flag.FlagSet) { f.BoolVar(&prune, "prune", false, "Forget the server at once.") },
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			if _, _, err := api.AgentForceLeave.Call(ctx, c, &api.AgentForceLeaveRequest{Node: args[0], Prune: prune}); err != nil {
				return doing("Error force-leaving server "+args[0], err)
			}
			return nil
		}),
	}
}
