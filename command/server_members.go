// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

func serverMembersCommand() *spec {
	var (
		verbose, detailed bool
		page              webUI
		out               output
	)
	return &spec{
		usage: "server members [options]", synopsis: "List the servers", remote: true,
		long: "Lists the servers that gossip knows, with the leader of each region.\n\nExample:\n\n    $ nomadlike server members",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&verbose, "verbose", false, "Show protocol versions and tags.")
			f.BoolVar(&detailed, "detailed", false, "Same as -verbose.")
			out.register(f)
			page.register(f)
		},
		run: func(ctx context.Context, m *meta, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			resp, _, err := api.AgentMembers.Call(ctx, c, &api.AgentRequest{})
			if err != nil {
				return fmt.Errorf("Error querying servers: %w", err) //nolint:staticcheck // the contract's text
			}
			if out.wanted() {
				return out.print(m, resp.Members)
			}
			leaders := map[string]string{}
			var failed []string
			for _, s := range resp.Members {
				region := s.Tags["region"]
				if _, ok := leaders[region]; ok {
					continue
				}
				req := &api.AgentRequest{}
				req.Region = region
				leaders[region], _, err = api.StatusLeader.Call(ctx, c, req)
				if err == nil && leaders[region] == "" {
					err = errNoLeader
				}
				if err != nil {
					failed = append(failed, fmt.Sprintf("\t* Region %q: %v", region, err))
				}
			}
			slices.SortFunc(resp.Members, func(a, b *api.Member) int { return strings.Compare(a.Name, b.Name) })
			fmt.Fprintln(m.out, columns(memberRows(resp.Members, leaders, verbose || detailed)))
			if len(failed) > 0 {
				return fmt.Errorf("\nError determining leaders: %s occurred:\n%s", count(len(failed), "error"), strings.Join(failed, "\n"))
			}
			m.hint(ctx, c, &page, "View and manage Nomad servers", "servers")
			return nil
		},
	}
}

var errNoLeader = errors.New("No cluster leader") //nolint:staticcheck // the contract's text

func memberRows(members []*api.Member, leaders map[string]string, verbose bool) [][]string {
	head := []string{"Name", "Address", "Port", "Status", "Leader", "Raft Version", "Build", "Datacenter", "Region"}
	if verbose {
		head = append(slices.Insert(head, 5, "Protocol"), "Tags")
	}
	rows := [][]string{head}
	for _, s := range members {
		leader := leaders[s.Tags["region"]]
		leads := leader != "" && (leader == s.Tags["rpc_addr"]+":"+s.Tags["port"] || leader == s.Addr+":"+s.Tags["port"])
		row := []string{
			s.Name, s.Addr, strconv.Itoa(int(s.Port)), s.Status, strconv.FormatBool(leads), s.Tags["raft_vsn"], s.Tags["build"], s.Tags["dc"], s.Tags["region"],
		}
		if verbose {
			var tags []string
			for _, k := range sortedKeys(s.Tags) {
				tags = append(tags, k+"="+s.Tags[k])
			}
			row = append(slices.Insert(row, 5, strconv.Itoa(s.ProtocolCur)), strings.Join(tags, ","))
		}
		rows = append(rows, row)
	}
	return rows
}
