// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func nodeMetaReadCommand() *spec {
	var (
		node string
		out  output
	)
	return &spec{
		usage: "node meta read [options]", synopsis: "Show the metadata of a node", remote: true,
		long: `Shows the metadata of a node: all that counts, what was set through the API, and what the agent's configuration
says.

Example:

    $ nomadlike node meta read -node-id c0c63d32`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&node, "node-id", "", "The node's `id`, or the start of it; the node of the agent that is asked by default.")
			out.register(f)
		},
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			id, err := m.nodeOrOwn(ctx, c, node)
			if err != nil {
				return err
			}
			got, _, err := api.ClientMetadataGet.Call(ctx, c, &api.ClientRequest{NodeID: id})
			if err != nil {
				return doing("Error reading dynamic node metadata", err)
			}
			if out.wanted() {
				return out.print(m, got)
			}
			dynamic := map[string]string{}
			for k, v := range got.Dynamic {
				if v == nil {
					dynamic[k] = "<unset>"
				} else {
					dynamic[k] = *v
				}
			}
			fmt.Fprintln(m.out, m.paint(bold, "All Meta"))
			if len(got.Meta) > 0 {
				fmt.Fprintln(m.out, keyValues(got.Meta))
			}
			m.heading("Dynamic Meta")
			if len(dynamic) > 0 {
				fmt.Fprintln(m.out, keyValues(dynamic))
			}
			m.heading("Static Meta")
			if len(got.Static) > 0 {
				fmt.Fprintln(m.out, keyValues(got.Static))
			}
			return nil
		}),
	}
}

// nodeOrOwn completes the start of a node's ID; none stands for the node of the agent that is asked.
func (m *meta) nodeOrOwn(ctx context.Context, c *client.Client, id string) (string, error) {
	if id == "" || len(id) == 36 {
		return id, nil
	}
	n, err := findNode(ctx, m, c, id)
	if err != nil {
		return "", err
	}
	return n.ID, nil
}

func nodeMetaApplyCommand() *spec {
	var node, unset string
	return &spec{
		usage: "node meta apply [options] [<key>=<value>...]", synopsis: "Change the metadata of a node", remote: true,
		args: func(int) string { return "" },
		long: `Sets metadata of a node, or unsets it. The servers hear of it within about ten seconds.

Example:

    $ nomadlike node meta apply -node-id c0c63d32 -unset testing rack=r1`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&node, "node-id", "", "The node's `id`, or the start of it; the node of the agent that is asked by default.")
			f.StringVar(&unset, "unset", "", "Comma separated `keys` to unset.")
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			change := map[string]*string{}
			for k := range strings.SplitSeq(unset, ",") {
				if k != "" {
					change[k] = nil
				}
			}
			for _, a := range args {
				k, v, ok := strings.Cut(a, "=")
				if !ok || k == "" {
					return usageError(fmt.Sprintf("Invalid metadata %q: want key=value", a))
				}
				if _, twice := change[k]; twice {
					return usageError(fmt.Sprintf("Key %q is changed twice", k))
				}
				change[k] = &v
			}
			if len(change) == 0 {
				return usageError("Must specify either one or more key=value pairs or use -unset")
			}
			id, err := m.nodeOrOwn(ctx, c, node)
			if err != nil {
				return err
			}
			if _, _, err := api.ClientMetadataApply.Call(ctx, c, &api.ClientMetadataRequest{NodeID: id, Meta: change}); err != nil {
				return doing("Error applying dynamic node metadata", err)
			}
			return nil
		}),
	}
}
