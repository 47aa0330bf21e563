// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// critical is the exit status of "check" when the agent is not well.
const critical = 2

func checkCommand() *spec {
	var minPeers, minServers int
	return &spec{
		usage: "check [options]", synopsis: "Check the health of the agent", remote: true,
		long: `Checks the agent that is asked, for tools that watch over it: a server by its raft peers, a client by the servers
that it knows and its heartbeats. The exit status is 0 when it is well, 2 when it is not or cannot be reached, and 1 when
it tells of neither.

Example:

    $ nomadlike check -min-servers 3`,
		flags: func(f *flag.FlagSet) {
			f.IntVar(&minPeers, "min-peers", 0, "The number `n` of other raft peers that a server must know.")
			f.IntVar(&minServers, "min-servers", 1, "The number `n` of servers that a client must know.")
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			self, _, err := api.AgentSelfGet.Call(ctx, c, &api.AgentRequest{})
			if err != nil {
				m.complain("unable to query agent info: %v", err)
				return exitError(critical)
			}
			server, client := self.Stats["nomad"] != nil, self.Stats["client"] != nil
			why := ""
			switch {
			case !server && !client:
				return fmt.Errorf("the agent at %s tells of neither a server nor a client", c.Address())
			case server:
				why = checkServer(self.Stats, minPeers)
			}
			if why == "" && client {
				why = checkClient(self.Stats["client"], minServers)
			}
			if why != "" {
				m.complain("%s", why)
				return exitError(critical)
			}
			return nil
		}),
	}
}

// checkServer says why a server is not well.
func checkServer(stats map[string]map[string]string, minPeers int) string {
	peers, err := strconv.Atoi(stats["raft"]["num_peers"])
	if err != nil {
		return fmt.Sprintf("the server tells no number of raft peers: %q", stats["raft"]["num_peers"])
	}
	if peers < minPeers {
		return fmt.Sprintf("the server knows %s, want at least %d", count(peers, "raft peer"), minPeers)
	}
	return ""
}

// checkClient says why a client is not well. An agent that does not tell about heartbeats is not judged by them.
func checkClient(stats map[string]string, minServers int) string {
	known := 0
	for s := range strings.SplitSeq(stats["known_servers"], ",") {
		if s != "" {
			known++
		}
	}
	if known < minServers {
		return fmt.Sprintf("the client knows %s, want at least %d", count(known, "server"), minServers)
	}
	ttl, last := stats["heartbeat_ttl"], stats["last_heartbeat"]
	if ttl == "" || last == "" {
		return ""
	}
	allowed, err := time.ParseDuration(ttl)
	if err != nil {
		return fmt.Sprintf("the client's heartbeat_ttl is %q", ttl)
	}
	ago, err := time.ParseDuration(last)
	if err != nil {
		return fmt.Sprintf("the client's last_heartbeat is %q", last)
	}
	if ago > allowed {
		return fmt.Sprintf("the client's last heartbeat was %s ago, want at most %s", ago, allowed)
	}
	return ""
}
