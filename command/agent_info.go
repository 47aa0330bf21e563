// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func agentInfoCommand() *spec {
	var out output
	return &spec{
		usage: "agent-info [options]", synopsis: "Show what the agent tells of itself", remote: true,
		long: `Shows figures of the agent that is asked, by part of it; -json and -t take all that it tells of itself, its
configuration included.

Example:

    $ nomadlike agent-info`,
		flags: out.register,
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			self, _, err := api.AgentSelfGet.Call(ctx, c, &api.AgentRequest{})
			if err != nil {
				return doing("Error querying agent info", err)
			}
			if out.wanted() {
				return out.print(m, self)
			}
			for _, section := range sortedKeys(self.Stats) {
				fmt.Fprintln(m.out, section)
				for _, k := range sortedKeys(self.Stats[section]) {
					fmt.Fprintf(m.out, "  %s = %s\n", k, self.Stats[section][k])
				}
			}
			return nil
		}),
	}
}
