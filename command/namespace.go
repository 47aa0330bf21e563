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

func namespaceListCommand() *spec {
	var out output
	return &spec{
		usage: "namespace list [options]", synopsis: "List namespaces", remote: true,
		long:  "Lists the namespaces that the caller may see.\n\nExample:\n\n    $ nomadlike namespace list",
		flags: out.register,
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			list, _, err := api.NamespaceList.Call(ctx, c, &api.NamespaceListRequest{})
			if err != nil {
				return doing("Error retrieving namespaces", err)
			}
			if out.wanted() {
				return out.print(m, list)
			}
			fmt.Fprintln(m.out, columns(namespaceRows(list)))
			return nil
		}),
	}
}

func namespaceRows(list []*api.Namespace) [][]string {
	rows := [][]string{{"Name", "Description"}}
	for _, n := range list {
		rows = append(rows, []string{n.Name, n.Description})
	}
	return rows
}

// findNamespace finds the one namespace whose name is name or starts with it.
func findNamespace(ctx context.Context, m *meta, c *client.Client, name string) (*api.Namespace, error) {
	req := &api.NamespaceListRequest{}
	req.Prefix = name
	list, _, err := api.NamespaceList.Call(ctx, c, req)
	if err != nil {
		return nil, doing("Error retrieving namespaces", err)
	}
	return oneOf(m, "namespaces", fmt.Sprintf("Namespace %q matched no namespaces", name), name, list,
		func(n *api.Namespace) string { return n.Name }, namespaceRows)
}

func namespaceStatusCommand() *spec {
	var out output
	return &spec{
		usage: "namespace status [options] <namespace>", synopsis: "Show a namespace", remote: true, args: exactly(1, "<namespace>"), completes: completeNamespaces,
		long:  "Shows one namespace and what is allowed in it.\n\nExample:\n\n    $ nomadlike namespace status team-a",
		flags: out.register,
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			n, err := findNamespace(ctx, m, c, args[0])
			if err != nil {
				return err
			}
			if out.wanted() {
				return out.print(m, n)
			}
			showNamespace(m, n)
			return nil
		}),
	}
}

func showNamespace(m *meta, n *api.Namespace) {
	caps := n.Capabilities
	if caps == nil {
		caps = &api.NamespaceCapabilities{}
	}
	fmt.Fprintln(m.out, pairs(
		"Name", n.Name, "Description", n.Description, "Quota", n.Quota,
		"Enabled Drivers", orAll(caps.EnabledTaskDrivers), "Disabled Drivers", strings.Join(caps.DisabledTaskDrivers, ","),
		"Enabled Network Modes", orAll(caps.EnabledNetworkModes), "Disabled Network Modes", strings.Join(caps.DisabledNetworkModes, ","),
	))
	if len(n.Meta) > 0 {
		m.heading("Metadata")
		fmt.Fprintln(m.out, keyValues(n.Meta))
	}
	for _, s := range []struct {
		title string
		cfg   *api.NamespaceListConfiguration
	}{{"Node Pool Configuration", n.NodePoolConfiguration}, {"Vault Configuration", n.VaultConfiguration}, {"Consul Configuration", n.ConsulConfiguration}} {
		if s.cfg != nil {
			m.heading(s.title)
			fmt.Fprintln(m.out, pairs("Default", s.cfg.Default, "Allowed", orAll(s.cfg.Allowed), "Denied", strings.Join(s.cfg.Denied, ",")))
		}
	}
}

// orAll shows a list of what is allowed; none stands for no restriction.
func orAll(list []string) string {
	if len(list) == 0 {
		return "*"
	}
	return strings.Join(list, ",")
}

func namespaceInspectCommand() *spec {
	out := output{json: true}
	return &spec{
		usage: "namespace inspect [options] <namespace>", synopsis: "Print a namespace as JSON", remote: true, args: exactly(1, "<namespace>"), completes: completeNamespaces,
		long: "Prints one namespace as the HTTP API has it.\n\nExample:\n\n    $ nomadlike namespace inspect team-a",
		flags: func(f *flag.FlagSet) {
			f.StringVar(&out.template, "t", "", "Print through the Go `template`; Sprig functions have the prefix sprig_.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			out.json = out.template == ""
			return remotely(&out, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
				n, err := findNamespace(ctx, m, c, args[0])
				if err != nil {
					return err
				}
				return out.print(m, n)
			})(ctx, m, args)
		},
	}
}
