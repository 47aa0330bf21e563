// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
)

// newServers prepares n servers that form one cluster.
func newServers(t *testing.T, n int) []*agent {
	t.Helper()
	ports := freePorts(t, 3*n)
	var servers []*agent
	for i := range n {
		a := &agent{t: t, dir: t.TempDir(), log: &syncBuffer{}}
		p := ports[3*i : 3*i+3]
		conf := fmt.Sprintf(`
name      = "s%d"
data_dir  = %q
bind_addr = "127.0.0.1"
log_level = "DEBUG"
ports {
  http = %d
  rpc  = %d
  serf = %d
}
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
server {
  enabled          = true
  bootstrap_expect = %d
  server_join {
    retry_join     = ["127.0.0.1:%d"]
    retry_interval = "1s"
  }
}
`, i, filepath.Join(a.dir, "data"), p[0], p[1], p[2], n, ports[2])
		file := filepath.Join(a.dir, "agent.hcl")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		a.args = []string{"agent", "-config", file}
		a.addr = fmt.Sprintf("http://127.0.0.1:%d", p[0])
		c, err := nomad.NewClient(&nomad.Config{Address: a.addr})
		if err != nil {
			t.Fatal(err)
		}
		a.client = c
		t.Cleanup(func() {
			a.stop()
			if t.Failed() {
				text := a.log.String()
				t.Logf("end of the log of %s:\n%s", a.addr, text[max(0, len(text)-4000):])
			}
		})
		servers = append(servers, a)
	}
	return servers
}

// TestCluster kills the leader of three servers: another one leads, what was acknowledged is there, writes
// to any server work, and the killed one catches up.
func TestCluster(t *testing.T) {
	servers := newServers(t, 3)
	for _, s := range servers {
		s.launch()
	}
	leaderOf := func(s *agent) string {
		addr := ""
		s.eventually("there is a leader", func() (err error) {
			addr, err = s.client.Status().Leader()
			if err == nil && addr == "" {
				err = errors.New("none yet")
			}
			return err
		})
		return addr
	}
	for _, s := range servers {
		s.eventually("all three are peers", func() error {
			peers, err := s.client.Status().Peers()
			if err == nil && len(peers) != 3 {
				err = fmt.Errorf("peers are %v", peers)
			}
			return err
		})
	}
	for i, s := range servers {
		s.register(shellJob(fmt.Sprintf("before-%d", i), "service", 1, "true"))
	}
	leader := leaderOf(servers[0])
	var dead *agent
	var rest []*agent
	for _, s := range servers {
		self, err := s.client.Agent().Self()
		if err != nil {
			t.Fatal(err)
		}
		if self.Member.Tags["rpc_addr"]+":"+self.Member.Tags["port"] == leader {
			dead = s
		} else {
			rest = append(rest, s)
		}
	}
	if dead == nil {
		t.Fatalf("no server has the leader's address %s", leader)
	}
	dead.kill()
	for i, s := range rest {
		job := shellJob(fmt.Sprintf("after-%d", i), "service", 1, "true")
		s.eventually("a write is accepted again", func() error {
			_, _, err := s.client.Jobs().Register(job, nil)
			return err
		})
	}
	dead.launch()
	for _, s := range servers {
		s.eventually("every server has every job", func() error {
			jobs, meta, err := s.client.Jobs().List(&nomad.QueryOptions{AllowStale: true})
			if err != nil {
				return err
			}
			if len(jobs) != 5 || !meta.KnownLeader {
				return fmt.Errorf("%d jobs, leader known: %v", len(jobs), meta.KnownLeader)
			}
			return nil
		})
	}
}
