// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// startTimeout bounds how long an agent may take until it answers.
const startTimeout = 30 * time.Second

// agent is a child process of the real binary.
type agent struct {
	cmd  *exec.Cmd
	http *client.Client
	rpc  string
	dir  string
	args []string
	// started is when the process was started.
	started time.Time
	done    chan error
}

// local is what servers on this machine have in common; it takes the directory of their data.
const local = `
data_dir  = %q
enable_debug = true
bind_addr = "127.0.0.1"
log_level = "WARN"
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
`

// serverConfig is a server alone, with its log on disk.
const serverConfig = local + `
server {
  enabled          = true
  bootstrap_expect = 1
}
`

const ports = `
ports {
  http = %d
  rpc  = %d
  serf = %d
}
`

// startDev starts server and client in one process, with raw_exec.
func startDev(ctx context.Context, bin string) (*agent, error) {
	return start(ctx, bin, "", "-dev")
}

// start starts an agent on free ports and waits until it answers.
func start(ctx context.Context, bin, config string, args ...string) (*agent, error) {
	free, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	a, err := spawn(bin, free, config, args...)
	if err != nil {
		return nil, err
	}
	if err := a.await(ctx, a.leads); err != nil {
		return nil, errors.Join(a.failed(err), a.stop())
	}
	return a, nil
}

// spawn starts an agent on three ports, those of HTTP, RPC and gossip, with its data in a directory of its own that
// the configuration names as %q.
func spawn(bin string, free []int, config string, args ...string) (a *agent, err error) {
	dir, err := os.MkdirTemp("", "nomadlike-bench-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	text := fmt.Sprintf(ports, free[0], free[1], free[2])
	if config != "" {
		text += fmt.Sprintf(config, filepath.Join(dir, "data"))
	}
	path := filepath.Join(dir, "agent.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }() // the child has its own handle
	c, err := client.New(client.Config{Address: fmt.Sprintf("http://127.0.0.1:%d", free[0])})
	if err != nil {
		return nil, err
	}
	a = &agent{http: c, rpc: fmt.Sprintf("127.0.0.1:%d", free[1]), dir: dir, done: make(chan error, 1)}
	a.args = append([]string{"agent", "-config", path}, args...)
	err = a.launch(bin, log)
	return a, err
}

// launch starts the process.
func (a *agent) launch(bin string, log *os.File) error {
	a.cmd = exec.Command(bin, a.args...)
	a.cmd.Stdout, a.cmd.Stderr = log, log
	a.started = time.Now()
	if err := a.cmd.Start(); err != nil {
		return err
	}
	go func() { a.done <- a.cmd.Wait() }() // ends with the process
	return nil
}

func freePorts(n int) ([]int, error) {
	var list []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // only its number is wanted
		list = append(list, l.Addr().(*net.TCPAddr).Port)
	}
	return list, nil
}

// profile writes a CPU profile of the agent over the next d to a file.
func (a *agent) profile(ctx context.Context, path string, d time.Duration) error {
	resp, err := a.http.Raw(ctx, http.MethodGet, fmt.Sprintf("/debug/pprof/profile?seconds=%d", int(d.Seconds())), nil, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // reading only
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	return errors.Join(err, f.Close())
}

// heap returns the bytes of the agent's heap that are in use after a collection, 0 when it does not tell.
func (a *agent) heap(ctx context.Context) float64 {
	resp, err := a.http.Raw(ctx, http.MethodGet, "/debug/pprof/heap?gc=1&debug=1", nil, nil)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }() // reading only
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "# HeapAlloc = ")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
	if err != nil {
		return 0
	}
	return n
}

// leads reports whether the server answers as leader.
func (a *agent) leads(ctx context.Context) bool {
	addr, _, err := api.StatusLeader.Call(ctx, a.http, &api.AgentRequest{})
	return err == nil && addr != ""
}

// nodeReady reports whether the agent's own node takes work.
func (a *agent) nodeReady(ctx context.Context) bool {
	nodes, _, err := api.NodeList.Call(ctx, a.http, &api.NodeListRequest{})
	return err == nil && len(nodes) > 0 && nodes[0].Status == api.NodeStatusReady
}

// await asks until ok is true, the process ends, or startTimeout passed.
func (a *agent) await(ctx context.Context, ok func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	t := time.NewTicker(2 * time.Millisecond)
	defer t.Stop()
	for !ok(ctx) {
		select {
		case err := <-a.done:
			a.done <- err
			return fmt.Errorf("agent ended: %w", err)
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("agent did not get ready: %w", ctx.Err())
		}
	}
	return nil
}

// failed adds the end of the agent's log.
func (a *agent) failed(err error) error {
	log, readErr := os.ReadFile(filepath.Join(a.dir, "log"))
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	return fmt.Errorf("%w\n%s", err, log[max(0, len(log)-2000):])
}

// stop ends the process and removes its files.
func (a *agent) stop() error {
	_ = a.cmd.Process.Signal(os.Interrupt) // it may have ended; it is killed below if it does not listen
	select {
	case <-a.done:
	case <-time.After(15 * time.Second):
		_ = a.cmd.Process.Kill()
		<-a.done
	}
	return os.RemoveAll(a.dir)
}
