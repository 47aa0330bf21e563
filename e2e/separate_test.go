// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
)

// newClient prepares an agent that only runs tasks, for the servers whose RPC ports are given.
func newClient(t *testing.T, name string, serverRPC ...int) *agent {
	t.Helper()
	var addrs []string
	for _, port := range serverRPC {
		addrs = append(addrs, fmt.Sprintf("%q", fmt.Sprintf("127.0.0.1:%d", port)))
	}
	a := &agent{t: t, dir: t.TempDir(), log: &syncBuffer{}}
	p := freePorts(t, 1)
	conf := fmt.Sprintf(`
name      = %q
data_dir  = %q
bind_addr = "127.0.0.1"
ports {
  http = %d
}
advertise {
  http = "127.0.0.1"
}
client {
  enabled = true
  servers = [%s]
}
plugin "raw_exec" {
  config {
    enabled = true
  }
}
`, name, filepath.Join(a.dir, "data"), p[0], strings.Join(addrs, ", "))
	file := filepath.Join(a.dir, "agent.hcl")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	a.args = []string{"agent", "-config", file}
	a.addr = fmt.Sprintf("http://127.0.0.1:%d", p[0])
	t.Cleanup(func() {
		if a.cmd != nil {
			_ = a.cmd.Process.Kill() // it may have ended
			<-a.exited
		}
		sweep(a.dir)
		if t.Failed() {
			text := a.log.String()
			t.Logf("end of the log of %s:\n%s", name, text[max(0, len(text)-4000):])
		}
	})
	return a
}

// TestSeparateClients runs a server and two clients as processes of their own: tasks spread over both, the
// server reaches their logs through the connections that they opened, and tasks go on while the server is away.
func TestSeparateClients(t *testing.T) {
	server := newServers(t, 1)[0]
	server.launch()
	var rpc int
	server.eventually("the server leads", func() error {
		leader, err := server.client.Status().Leader()
		if err != nil {
			return err
		}
		_, err = fmt.Sscanf(leader, "127.0.0.1:%d", &rpc)
		return err
	})
	clients := []*agent{newClient(t, "c1", rpc), newClient(t, "c2", rpc)}
	for _, c := range clients {
		c.launch()
	}
	defer server.stopJobs() // before the clients end, or their tasks would go on
	server.eventually("both nodes are ready", func() error {
		nodes, _, err := server.client.Nodes().List(nil)
		if err != nil {
			return err
		}
		ready := 0
		for _, n := range nodes {
			if n.Status == "ready" {
				ready++
			}
		}
		if ready != 2 {
			return fmt.Errorf("%d of %d nodes are ready", ready, len(nodes))
		}
		return nil
	})
	job := shellJob("apart", "service", 2, `echo "on $NOMAD_ALLOC_INDEX"; exec sleep 1000`)
	job.Constrain(nomad.NewConstraint("", "distinct_hosts", "true"))
	server.register(job)
	allocs := server.running("apart", 2)
	if allocs[0].NodeID == allocs[1].NodeID {
		t.Errorf("both allocations are on node %s", allocs[0].NodeID)
	}
	for _, s := range allocs {
		want := "on " + s.Name[strings.Index(s.Name, "[")+1:len(s.Name)-1] + "\n"
		server.eventually("the server reaches the log", func() error {
			out, errs, code := server.cli("", "alloc", "logs", s.ID)
			if code != 0 || out != want {
				return fmt.Errorf("status %d: %q %s, want %q", code, out, errs, want)
			}
			return nil
		})
	}
	// The second client reaches the first one's allocation through the server.
	for _, c := range clients {
		for _, s := range allocs {
			c.want(0, `^on \d`, "alloc", "logs", s.ID)
		}
	}
	// An agent without a server of its own takes another list of servers.
	addr := fmt.Sprintf("127.0.0.1:%d", rpc)
	lone, err := nomad.NewClient(&nomad.Config{Address: clients[0].addr})
	if err != nil {
		t.Fatal(err)
	}
	if err := lone.Agent().SetServers([]string{addr}); err != nil {
		t.Errorf("set servers: %v", err)
	}
	if list, err := lone.Agent().Servers(); err != nil || len(list) != 1 || list[0] != addr {
		t.Errorf("servers of a client are %v %v", list, err)
	}
	server.kill()
	server.launch()
	for _, s := range server.running("apart", 2) {
		if s.ID != allocs[0].ID && s.ID != allocs[1].ID || s.TaskStates["main"].Restarts != 0 {
			t.Errorf("allocation %s is new or was restarted", s.ID)
		}
	}
	// -self is the node of the agent that is asked: a client, but no server.
	own, other := allocs[0], allocs[1]
	asked := clients[0]
	if out, _, _ := asked.cli("", "node", "status", "-self", "-short"); !strings.Contains(out, own.NodeID) {
		own, other = other, own
	}
	server.want(1, "runs no client", "node", "drain", "-enable", "-self")
	asked.want(0, fmt.Sprintf(`Node %q drain strategy set.*Alloc %q status running -> complete.*All allocations on node %[1]q have stopped`, own.NodeID, own.ID), "node", "drain", "-enable", "-force", "-self")
	asked.want(0, "No drain strategy set", "node", "drain", "-monitor", "-self")
	server.want(0, own.NodeID+`.*ineligible`, "node", "status", "-verbose")
	server.want(0, other.NodeID+`.* eligible`, "node", "status", "-verbose")
	asked.want(0, fmt.Sprintf("Node %q drain strategy unset", own.NodeID), "node", "drain", "-disable", "-keep-ineligible", "-self")
	asked.want(0, fmt.Sprintf("Node %q scheduling eligibility set: ineligible", own.NodeID), "node", "eligibility", "-disable", "-self")
}
