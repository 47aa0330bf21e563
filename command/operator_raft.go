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

func raftListPeersCommand() *spec {
	var stale bool
	return &spec{
		usage: "operator raft list-peers [options]", synopsis: "List the raft peers", remote: true,
		long:  "Lists the servers that take part in raft.\n\nExample:\n\n    $ nomadlike operator raft list-peers",
		flags: func(f *flag.FlagSet) { f.BoolVar(&stale, "stale", false, "Let a server answer that does not lead.") },
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			req := &api.OperatorReadRequest{}
			req.AllowStale = stale
			cfg, _, err := api.RaftConfigurationGet.Call(ctx, c, req)
			if err != nil {
				return doing("Failed to retrieve raft configuration", err)
			}
			rows := [][]string{{"Node", "ID", "Address", "State", "Voter", "RaftProtocol"}}
			for _, s := range cfg.Servers {
				state := "follower"
				if s.Leader {
					state = "leader"
				}
				rows = append(rows, []string{s.Node, s.ID, s.Address, state, strconv.FormatBool(s.Voter), s.RaftProtocol})
			}
			fmt.Fprintln(m.out, columns(rows))
			return nil
		}),
	}
}

func raftRemovePeerCommand() *spec {
	var id string
	return &spec{
		usage: "operator raft remove-peer [options]", synopsis: "Remove a raft peer", remote: true,
		long: `Removes a server from raft that will not come back. A server that still runs is better told to leave.

Example:

    $ nomadlike operator raft remove-peer -peer-id 4e601d47-2dc8-9a86-c8dd-8d3215239e74`,
		flags: func(f *flag.FlagSet) { f.StringVar(&id, "peer-id", "", "The raft `id` of the server.") },
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			if id == "" {
				return usageError("Missing peer id required")
			}
			if _, _, err := api.RaftPeerRemove.Call(ctx, c, &api.RaftPeerRemoveRequest{ID: id}); err != nil {
				return doing("Failed to remove raft peer", err)
			}
			fmt.Fprintf(m.out, "Removed peer with id %q\n", id)
			return nil
		}),
	}
}

func raftTransferCommand() *spec {
	var id, address string
	return &spec{
		usage: "operator raft transfer-leadership [options]", synopsis: "Hand leadership to another server", remote: true,
		long: `Makes the leader hand leadership to the server that is named by its ID or address.

Example:

    $ nomadlike operator raft transfer-leadership -peer-address 10.0.0.2:4647`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&id, "peer-id", "", "The raft `id` of the server.")
			f.StringVar(&address, "peer-address", "", "The raft `address` of the server, host:port.")
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			if (id == "") == (address == "") {
				return usageError("One of -peer-id and -peer-address must be set")
			}
			resp, _, err := api.RaftTransfer.Call(ctx, c, &api.RaftTransferRequest{ID: id, Address: address})
			if err == nil && resp.Err != nil {
				err = fmt.Errorf("%s", *resp.Err)
			}
			if err != nil {
				return doing("Failed to transfer leadership to peer", err)
			}
			if id != "" {
				fmt.Fprintf(m.out, "Transferred leadership to peer with id %q\n", id)
			} else {
				fmt.Fprintf(m.out, "Transferred leadership to peer with address %q\n", address)
			}
			return nil
		}),
	}
}
