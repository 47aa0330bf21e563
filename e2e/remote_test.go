// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
	nomad "github.com/hashicorp/nomad/api"
)

// unreachable makes a node advertise an HTTP address that nobody listens on, so that callers who would go to the node
// directly have to be served by the agent that they asked.
const unreachable = `
enable_debug = true
advertise {
  http = "127.0.0.1:1"
}
`

func (a *agent) alsoConfigured(text string) {
	a.t.Helper()
	file := filepath.Join(a.dir, "also.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
	a.args = append(a.args, "-config", file)
}

// get answers with the body of a request that must succeed.
func (a *agent) get(method, path, body string) string {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.addr+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		a.t.Fatalf("%s %s: %d %v %s", method, path, resp.StatusCode, err, text)
	}
	return string(text)
}

// matches asks until the answer has the pattern.
func (a *agent) matches(pattern, method, path, body string) {
	a.t.Helper()
	re := regexp.MustCompile(`(?s)` + pattern)
	a.eventually(path+" has "+pattern, func() error {
		if text := a.get(method, path, body); !re.MatchString(text) {
			return fmt.Errorf("the answer is %.500q", text)
		}
		return nil
	})
}

// TestThroughOtherAgents calls everything that only the node of an allocation can answer through every agent that does
// not run it: a server with a client of its own, which reaches the others over the connections that they opened, and
// clients, which reach each other through the server.
func TestThroughOtherAgents(t *testing.T) {
	both := newAgent(t, false, "name = \"both\"\n")
	both.alsoConfigured(unreachable)
	both.start()
	agents := map[string]*agent{"both": both}
	for _, name := range []string{"far", "near"} {
		c := newClient(t, name, both.rpc())
		c.alsoConfigured(unreachable)
		c.launch()
		agents[name] = c
	}
	nodes := map[string]string{} // by name
	both.eventually("three nodes are ready", func() error {
		list, _, err := both.client.Nodes().List(nil)
		for _, n := range list {
			if n.Status == "ready" {
				nodes[n.Name] = n.ID
			}
		}
		if len(nodes) != 3 {
			return fmt.Errorf("ready nodes are %v %v", nodes, err)
		}
		return nil
	})
	defer both.stopJobs() // before the clients end, or their tasks would go on
	job := shellJob("apart", "service", 3, `trap 'echo usr1' USR1; echo "file of $NOMAD_ALLOC_ID" > "$NOMAD_TASK_DIR/f"; echo ready; while :; do sleep 0.1; done`)
	job.Constrain(nomad.NewConstraint("", "distinct_hosts", "true"))
	job.TaskGroups[0].Tasks[0].Actions = []*nomad.Action{{Name: "hi", Command: "/bin/sh", Args: []string{"-c", "echo $NOMAD_ALLOC_ID; exit 4"}}}
	both.register(job)
	done := shellJob("done", "batch", 3, "true")
	done.Constrain(nomad.NewConstraint("", "distinct_hosts", "true"))
	both.register(done)
	ended := map[string]string{} // allocation by node
	both.eventually("the batch job is complete", func() error {
		list, _, err := both.client.Jobs().Allocations("done", false, nil)
		for _, s := range list {
			if s.ClientStatus == "complete" {
				ended[s.NodeName] = s.ID
			}
		}
		if len(ended) != 3 {
			return fmt.Errorf("complete are %v %v", ended, err)
		}
		return nil
	})
	allocs := both.running("apart", 3)
	for _, hop := range []struct{ through, to string }{{"both", "far"}, {"far", "both"}, {"far", "near"}, {"near", "far"}} {
		for _, s := range allocs {
			if s.NodeName != hop.to {
				continue
			}
			a := *agents[hop.through]
			t.Run(hop.through+" to "+hop.to, func(t *testing.T) {
				a.t = t
				a.reachesFiles(s.ID)
				a.reachesCommands(s.ID)
				a.reachesTask(s.ID, s.NodeID)
				if id := ended[hop.to]; id != "" {
					a.get("GET", "/v1/client/allocation/"+id+"/gc", "")
					a.matchesRefusal(404, `Unknown allocation`, "/v1/client/fs/ls/"+id)
					delete(ended, hop.to)
				}
				a.reachesNode(nodes[hop.to])
			})
		}
	}
	if len(ended) != 0 {
		t.Errorf("not collected: %v", ended)
	}
}

// rpc is the port on which the agent's server takes connections of clients.
func (a *agent) rpc() (port int) {
	a.t.Helper()
	a.eventually("the server leads", func() error {
		leader, err := a.client.Status().Leader()
		if err == nil {
			_, err = fmt.Sscanf(leader, "127.0.0.1:%d", &port)
		}
		return err
	})
	return port
}

func (a *agent) matchesRefusal(status int, pattern, path string) {
	a.t.Helper()
	resp, err := http.Get(a.addr + path)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status || !regexp.MustCompile(pattern).Match(text) {
		a.t.Errorf("%s: %d %q %v, want %d and %s", path, resp.StatusCode, text, err, status, pattern)
	}
}

// reachesFiles reads files and logs of an allocation, whole, in parts, following and by the command line.
func (a *agent) reachesFiles(id string) {
	a.t.Helper()
	content := "file of " + id + "\n"
	a.matches("^"+content+"$", "GET", "/v1/client/fs/cat/"+id+"?path=main/local/f", "")
	if got := a.get("GET", "/v1/client/fs/readat/"+id+"?path=main/local/f&offset=5&limit=2", ""); got != "of" {
		a.t.Errorf("read %q at 5", got)
	}
	var frame nomad.StreamFrame
	if err := json.Unmarshal([]byte(a.get("GET", "/v1/client/fs/stream/"+id+"?path=main/local/f&follow=false", "")), &frame); err != nil || string(frame.Data) != content {
		a.t.Errorf("streamed %+v %v", frame, err)
	}
	a.want(0, `Mode +Size +Modified Time +Name\n.*main/\n`, "alloc", "fs", id)
	a.want(0, `-rw-r--r-- +\d+ B +\S+ +f\n`, "alloc", "fs", "-stat", id, "main/local/f")
	a.want(0, `-rw-r--r-- +\d+ +\d{4}-\S+ +f\n`, "alloc", "fs", "-stat", "-H", id, "main/local/f")
	a.want(0, "^"+content+"$", "alloc", "fs", id, "main/local/f")
	a.want(1, `no such file`, "alloc", "fs", id, "main/local/absent")
	a.want(0, `^ready\n`, "alloc", "logs", id)
	a.want(0, `\n$`, "alloc", "logs", "-tail", "-n", "1", id)
	p := a.terminal("alloc", "logs", "-f", "-n", "1000", id)
	p.expect(`ready`)
	p.keys("\x03")
	if code := p.ends(); code != 0 {
		a.t.Errorf("the followed log ended with status %d", code)
	}
}

// reachesCommands runs commands inside the task, with a terminal and without, and an action of the job.
func (a *agent) reachesCommands(id string) {
	a.t.Helper()
	out, errs, code := a.cli("typed\n", "alloc", "exec", "-task", "main", id, "/bin/sh", "-c", "cat; echo $NOMAD_ALLOC_ID; echo err >&2; exit 3")
	if out != "typed\n"+id+"\n" || errs != "err\n" || code != 3 {
		a.t.Errorf("exec: %q %q %d", out, errs, code)
	}
	large := strings.Repeat("0123456789abcdef", 64<<10)
	if out, _, code := a.cli(large, "alloc", "exec", id, "cat"); out != large || code != 0 {
		a.t.Errorf("%d of %d bytes came back, status %d", len(out), len(large), code)
	}
	p := a.terminal("alloc", "exec", id, "/bin/sh")
	p.keys("stty size\r")
	p.expect(`33 101\r\n`)
	if err := pty.Setsize(p.file, &pty.Winsize{Rows: 40, Cols: 120}); err != nil {
		a.t.Fatal(err)
	}
	p.keys("while [ \"$(stty size)\" != \"40 120\" ]; do :; done; exit 7\r")
	if code := p.ends(); code != 7 {
		a.t.Errorf("status %d on a terminal, want 7", code)
	}
	if out, errs, code := a.cli("", "job", "action", "-job", "apart", "-alloc", id, "hi"); out != id+"\n" || code != 4 {
		a.t.Errorf("action: %q %q %d", out, errs, code)
	}
}

// reachesTask asks for the use of an allocation, signals its task and restarts it.
func (a *agent) reachesTask(id, node string) {
	a.t.Helper()
	a.matches(`"Tasks":\{"main":\{.*"ResourceUsage":\{`, "GET", "/v1/client/allocation/"+id+"/stats", "")
	a.want(0, `Memory Stats\n`, "alloc", "status", "-stats", id)
	a.want(0, `No health checks defined for allocation`, "alloc", "checks", id)
	before := strings.Count(a.want(0, "", "alloc", "logs", id), "usr1")
	a.want(0, `^$`, "alloc", "signal", "-s", "SIGUSR1", id)
	a.eventually("the signal arrived", func() error {
		if now := strings.Count(a.want(0, "", "alloc", "logs", id), "usr1"); now != before+1 {
			return fmt.Errorf("%d signals", now)
		}
		return nil
	})
	a.want(1, `Could not find task|nope`, "alloc", "signal", "-s", "SIGUSR1", "-task", "nope", id)
	a.restartsWatched(id, node)
}

// restartsWatched restarts the task until the monitor of its node, which begins to listen at some moment, has told of it.
func (a *agent) restartsWatched(id, node string) {
	a.t.Helper()
	ctx, stop := context.WithCancel(a.t.Context())
	defer stop()
	monitor := exec.CommandContext(ctx, os.Getenv("NOMADLIKE_BIN"), "monitor", "-log-level", "DEBUG", "-node-id", node)
	monitor.Env = append(os.Environ(), "NOMAD_ADDR="+a.addr)
	seen := &syncBuffer{}
	monitor.Stdout, monitor.Stderr = seen, seen
	if err := monitor.Start(); err != nil {
		a.t.Fatal(err)
	}
	defer func() {
		stop()
		monitor.Wait() //nolint:errcheck // it was ended
	}()
	before, count := strings.Count(a.want(0, "", "alloc", "logs", id), "ready"), 0
	a.eventually("the node's log tells of a restart", func() error {
		a.want(0, `^$`, "alloc", "restart", id)
		count++
		a.eventually("the task runs again", func() error {
			if n := strings.Count(a.want(0, "", "alloc", "logs", id), "ready"); n != before+count {
				return fmt.Errorf("it started %d times", n)
			}
			return nil
		})
		if log := seen.String(); !strings.Contains(log, "alloc_id="+id) {
			return fmt.Errorf("the log is %q", log)
		}
		return nil
	})
}

// reachesNode asks another node for its use, metadata, host and profile, changes its metadata and lets it collect.
func (a *agent) reachesNode(node string) {
	a.t.Helper()
	a.want(0, `Host Resource Utilization\n.*CPU Stats\n.*Memory Stats\n.*Disk Stats\n`, "node", "status", "-stats", node)
	a.matches(`"CPU":\[\{`, "GET", "/v1/client/stats?node_id="+node, "")
	key := strings.ReplaceAll(strings.ToLower(a.t.Name()), "/", "_")
	a.want(0, `^$`, "node", "meta", "apply", "-node-id", node, key+"=set")
	a.want(0, key+` += set\n`, "node", "meta", "read", "-node-id", node)
	a.want(0, `^$`, "node", "meta", "apply", "-node-id", node, "-unset", key)
	if out := a.want(0, "", "node", "meta", "read", "-json", "-node-id", node); strings.Contains(out, key+`": "set"`) {
		a.t.Errorf("the metadata after its removal are %s", out)
	}
	a.get("GET", "/v1/client/gc?node_id="+node, "")
	a.matches(`"AgentID":".*"HostData":\{`, "GET", "/v1/agent/host?node_id="+node, "")
	a.matches(`goroutine`, "GET", "/v1/agent/pprof/goroutine?debug=1&node_id="+node, "")
}
