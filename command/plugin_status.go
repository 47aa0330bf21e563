// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func pluginStatusCommand() *spec {
	var (
		kind           string
		short, verbose bool
		out            output
	)
	return &spec{
		usage: "plugin status [options] [<id>]", synopsis: "Show volume plugins", remote: true, args: atMost(1, "<id>"),
		long: "Lists the volume plugins; with the ID of one, or the start of it, shows that.\n\nExample:\n\n    $ nomadlike plugin status",
		flags: func(f *flag.FlagSet) {
			f.StringVar(&kind, "type", "csi", "The `type` of plugins, csi.")
			f.BoolVar(&short, "short", false, "Show less of one plugin.")
			f.BoolVar(&verbose, "verbose", false, "Show more of one plugin.")
			out.register(f)
		},
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			if kind != "csi" {
				return usageError(fmt.Sprintf("Unknown plugin type %q: -type takes csi", kind))
			}
			req := &api.PluginListRequest{Type: kind}
			req.Prefix = strings.Join(args, "")
			list, _, err := api.PluginList.Call(ctx, c, req)
			switch {
			case err != nil:
				return doing("Error querying CSI plugins", err)
			case len(args) == 1:
				p, err := oneOf(m, "plugins", fmt.Sprintf("No plugin(s) with prefix or ID %q found", args[0]), args[0], list,
					func(p *api.CSIPluginListStub) string { return p.ID }, pluginRows)
				if err != nil {
					return err
				}
				if out.wanted() {
					return out.print(m, p)
				}
				kv := []string{"ID", p.ID, "Provider", p.Provider}
				if verbose {
					kv = append(kv, "Controller Required", strconv.FormatBool(p.ControllerRequired))
				}
				if !short {
					kv = append(kv, "Controllers Healthy", strconv.Itoa(p.ControllersHealthy), "Controllers Expected", strconv.Itoa(p.ControllersExpected),
						"Nodes Healthy", strconv.Itoa(p.NodesHealthy), "Nodes Expected", strconv.Itoa(p.NodesExpected))
				}
				fmt.Fprintln(m.out, pairs(kv...))
				return nil
			case out.wanted():
				return out.print(m, list)
			case len(list) == 0:
				fmt.Fprintln(m.out, "No CSI plugins")
				return nil
			}
			fmt.Fprintln(m.out, columns(pluginRows(list)))
			return nil
		}),
	}
}

func pluginRows(list []*api.CSIPluginListStub) [][]string {
	rows := [][]string{{"ID", "Provider", "Controllers Healthy/Expected", "Nodes Healthy/Expected"}}
	for _, p := range list {
		rows = append(rows, []string{
			p.ID, p.Provider, fmt.Sprintf("%d/%d", p.ControllersHealthy, p.ControllersExpected), fmt.Sprintf("%d/%d", p.NodesHealthy, p.NodesExpected),
		})
	}
	return rows
}
