// SPDX-License-Identifier: MPL-2.0

// Package e2e drives the real binary with the official Go client library and with the CLI, as a stranger
// would. It is a module of its own, so that the client library is no dependency of the product.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// patience is how long anything that must happen may take on a busy machine.
const patience = 60 * time.Second

func TestMain(m *testing.M) { os.Exit(withBinary(m.Run)) }

// withBinary runs the tests with the binary that the environment names, or one that is made for them.
func withBinary(tests func() int) int {
	if os.Getenv("NOMADLIKE_BIN") == "" {
		dir, err := os.MkdirTemp("", "nomadlike-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		bin := filepath.Join(dir, "nomadlike")
		cmd := exec.Command("go", "build", "-o", bin, ".")
		cmd.Dir = ".."
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		os.Setenv("NOMADLIKE_BIN", bin)
	}
	return tests()
}

// agent is one running agent, or a stopped one that can be started again on the same data.
type agent struct {
	t      *testing.T
	dir    string
	args   []string
	addr   string
	client *nomad.Client

	cmd    *exec.Cmd
	exited chan struct{}
	log    *syncBuffer
}

// ownerMark is a variable of the environment of an agent, which its plugin processes inherit.
const ownerMark = "NOMADLIKE_E2E_OWNER"

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// newAgent prepares an agent with server and client on free ports; extra is more configuration.
func newAgent(t *testing.T, dev bool, extra string) *agent {
	t.Helper()
	a := &agent{t: t, dir: t.TempDir(), log: &syncBuffer{}}
	p := freePorts(t, 3)
	conf := fmt.Sprintf("ports {\n  http = %d\n  rpc = %d\n  serf = %d\n}\n", p[0], p[1], p[2])
	if dev {
		a.args = []string{"agent", "-dev"}
	} else {
		a.args = []string{"agent"}
		conf += fmt.Sprintf(`
data_dir  = %q
bind_addr = "127.0.0.1"
log_level = "DEBUG"
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
server {
  enabled          = true
  bootstrap_expect = 1
}
client {
  enabled = true
}
plugin "raw_exec" {
  config {
    enabled = true
  }
}
`, filepath.Join(a.dir, "data"))
	}
	file := filepath.Join(a.dir, "agent.hcl")
	if err := os.WriteFile(file, []byte(conf+extra), 0o600); err != nil {
		t.Fatal(err)
	}
	a.args = append(a.args, "-config", file)
	a.addr = fmt.Sprintf("http://127.0.0.1:%d", p[0])
	c, err := nomad.NewClient(&nomad.Config{Address: a.addr})
	if err != nil {
		t.Fatal(err)
	}
	a.client = c
	t.Cleanup(func() {
		a.stop()
		sweep(a.dir)
		if t.Failed() {
			text := a.log.String()
			if file := os.Getenv("NOMADLIKE_E2E_LOG"); file != "" {
				_ = os.WriteFile(file, []byte(text), 0o600)
			}
			t.Logf("end of the agent's log:\n%s", text[max(0, len(text)-8000):])
		}
	})
	return a
}

// launch starts the agent's process.
func (a *agent) launch() {
	a.t.Helper()
	a.cmd = exec.Command(os.Getenv("NOMADLIKE_BIN"), a.args...)
	a.cmd.Env = append(os.Environ(), ownerMark+"="+a.dir)
	a.cmd.Stdout, a.cmd.Stderr = a.log, a.log
	a.cmd.WaitDelay = 5 * time.Second
	if err := a.cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	exited := make(chan struct{})
	a.exited = exited
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // the log says how it ended
		close(exited)
	}(a.cmd)
}

// start starts the agent and waits until its node takes work.
func (a *agent) start() *agent {
	a.t.Helper()
	a.launch()
	a.eventually("the node is ready", func() error {
		select {
		case <-a.exited:
			a.t.Fatalf("the agent ended:\n%s", a.log)
		default:
		}
		nodes, _, err := a.client.Nodes().List(nil)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if n.Status == "ready" {
				return nil
			}
		}
		return errors.New("no node is ready")
	})
	return a
}

// kill ends the agent with SIGKILL; what it runs goes on.
func (a *agent) kill() {
	a.t.Helper()
	if err := a.cmd.Process.Kill(); err != nil {
		a.t.Fatal(err)
	}
	<-a.exited
}

func (a *agent) stop() {
	if a.cmd == nil {
		return
	}
	a.stopJobs()
	_ = a.cmd.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-a.exited:
	case <-time.After(20 * time.Second):
		_ = a.cmd.Process.Kill() // it may have ended just now
		<-a.exited
	}
	a.cmd = nil
}

// stopJobs stops every job so that no task outlives the test.
func (a *agent) stopJobs() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	jobs, _, err := a.client.Jobs().List((&nomad.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return
	}
	for _, j := range jobs {
		if _, _, err := a.client.Jobs().Deregister(j.ID, false, (&nomad.WriteOptions{}).WithContext(ctx)); err != nil {
			a.t.Logf("stop job %q: %v", j.ID, err)
		}
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		live := 0
		allocs, _, err := a.client.Allocations().List((&nomad.QueryOptions{}).WithContext(ctx))
		if err != nil {
			return
		}
		for _, s := range allocs {
			if s.ClientStatus == "running" || s.ClientStatus == "pending" && s.DesiredStatus == "run" {
				live++
			}
		}
		if live == 0 {
			return
		}
		<-tick.C
	}
}

// eventually polls check until it returns nil.
func (a *agent) eventually(what string, check func() error) {
	a.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			a.t.Fatalf("waited for: %s: %v", what, err)
		case <-tick.C:
		}
	}
}

// cli runs a command of the binary against the agent and returns its output and exit status.
func (a *agent) cli(stdin string, args ...string) (stdout, stderr string, code int) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Getenv("NOMADLIKE_BIN"), args...)
	cmd.Env = append(os.Environ(), "NOMAD_ADDR="+a.addr, "NOMAD_CLI_SHOW_HINTS=false")
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		a.t.Fatalf("%v: %v", args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}
