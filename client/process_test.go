// SPDX-License-Identifier: MPL-2.0

//go:build unix

package client_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client"
	"github.com/nomadlike/nomadlike/client/clienttest"
	"github.com/nomadlike/nomadlike/drivers/rawexec"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
	"github.com/nomadlike/nomadlike/plugins/host"
)

func TestMain(m *testing.M) {
	drivertest.Main(m, drivertest.Roles{
		"driver":      func() { plugins.Serve(rawexec.New(plugins.Logger())) },
		"agent":       agentRole,
		shim.Argument: shim.Main,
	})
}

// patience bounds what a process test waits for.
const patience = time.Minute

// scripted makes an allocation of a shell script that is not restarted.
func scripted(n int, script string) *api.Allocation {
	a := allocation(n, api.JobTypeBatch)
	t := a.Job.TaskGroups[0].Tasks[0]
	t.Driver = rawexec.Name
	t.Config = map[string]any{"command": "/bin/sh", "args": []any{"-c", script}}
	t.RestartPolicy = &api.RestartPolicy{Attempts: new(0)}
	return a
}

// Scripts of the two allocations: one counts, the other waits to be told to end.
const (
	counting = `echo $$ > $NOMAD_TASK_DIR/pid; i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done`
	waiting  = `echo $$ > $NOMAD_TASK_DIR/pid; while [ ! -e $NOMAD_TASK_DIR/go ]; do sleep 0.01; done; echo gone; exit 3`
)

// agentRole is an agent with servers in memory. It prints "status <n> <status>" on changes, and stops the
// first allocation when it reads a line.
func agentRole() {
	if err := runAgent(os.Args[2]); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

func runAgent(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	servers := clienttest.NewServers()
	c, err := client.New(client.Config{
		DataDir: dir, Name: "node-1", DevMode: true, CPUTotalCompute: 4000, MemoryTotalMB: 4096,
		InternalDrivers: []host.Internal{{Name: rawexec.Name, Command: []string{self, "driver"}}},
		PluginBlocks:    []host.Block{{Label: rawexec.Name, Config: map[string]any{"enabled": true}}},
	}, client.Deps{Servers: servers, Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: os.Stderr})})
	if err != nil {
		return err
	}
	servers.Place(scripted(1, counting), scripted(2, waiting))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			servers.Stop(id(1))
		}
		cancel()
	}()
	go func() {
		last := map[int]string{}
		for range time.Tick(5 * time.Millisecond) {
			for n := 1; n <= 2; n++ {
				if s := servers.Alloc(id(n)).ClientStatus; s != last[n] {
					last[n] = s
					fmt.Println("status", n, s)
				}
			}
		}
	}()
	return c.Run(ctx)
}

// agent is a running agent process.
type agent struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string
	log   *os.File
}

func startAgent(t *testing.T, dir string) *agent {
	t.Helper()
	a := &agent{t: t, cmd: exec.Command(os.Args[0], "agent", dir), lines: make(chan string, 100)}
	var err error
	if a.log, err = os.OpenFile(filepath.Join(dir, "agent.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		t.Fatal(err)
	}
	a.cmd.Stderr = a.log
	if a.stdin, err = a.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(a.lines)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			a.lines <- sc.Text()
		}
	}()
	t.Cleanup(func() { _ = a.cmd.Process.Kill() })
	return a
}

// until reads lines until all of the wanted ones have come.
func (a *agent) until(want ...string) {
	a.t.Helper()
	deadline := time.After(patience)
	open := map[string]bool{}
	for _, w := range want {
		open[w] = true
	}
	for len(open) > 0 {
		select {
		case line, ok := <-a.lines:
			if !ok {
				a.t.Fatalf("the agent ended; not seen: %v\n%s", open, a.logText())
			}
			delete(open, line)
		case <-deadline:
			a.t.Fatalf("not seen: %v\n%s", open, a.logText())
		}
	}
}

func (a *agent) logText() string {
	data, _ := os.ReadFile(a.log.Name())
	return string(data)
}

func (a *agent) kill() {
	a.t.Helper()
	if err := a.cmd.Process.Kill(); err != nil {
		a.t.Fatal(err)
	}
	_ = a.cmd.Wait()
}

// await polls for something that only the file system or the process table tells.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for tick := time.NewTicker(5 * time.Millisecond); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited too long for %s", what)
		}
	}
}

func readPID(t *testing.T, file string) int {
	t.Helper()
	var pid int
	await(t, file, func() bool {
		data, err := os.ReadFile(file)
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(data)))
		return err == nil
	})
	return pid
}

func gone(pid int) bool {
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// counted returns how many numbers the log has, and fails when one is missing or out of order.
func counted(t *testing.T, file string) int {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	for i, l := range lines[:len(lines)-1] {
		if l != strconv.Itoa(i) {
			t.Fatalf("line %d of the log is %q", i, l)
		}
	}
	return len(lines) - 1
}

// An agent that is killed and started again finds its tasks running, their logs unbroken and no exit lost.
func TestAgentKilledAndStartedAgain(t *testing.T) {
	testkit.Need(t, "linux", "sh")
	dir := t.TempDir()
	path := func(n int, parts ...string) string {
		return filepath.Join(append([]string{dir, "alloc", id(n)}, parts...)...)
	}
	a := startAgent(t, dir)
	a.until("status 1 running", "status 2 running")
	long, short := readPID(t, path(1, "t", "local", "pid")), readPID(t, path(2, "t", "local", "pid"))
	t.Cleanup(func() {
		for _, pid := range []int{long, short} {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if t.Failed() {
			// An agent that ends in order takes the plugin process of a killed one with it.
			last := startAgent(t, dir)
			_ = last.stdin.Close()
			_ = last.cmd.Wait()
		}
	})
	await(t, "output", func() bool { return counted(t, path(1, "alloc", "logs", "t.stdout.0")) > 10 })
	a.kill()

	before := counted(t, path(1, "alloc", "logs", "t.stdout.0"))
	if err := os.WriteFile(path(2, "t", "local", "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the second task", func() bool { return gone(short) })
	await(t, "output without an agent", func() bool { return counted(t, path(1, "alloc", "logs", "t.stdout.0")) > before+10 })

	a = startAgent(t, dir)
	a.until("status 1 running", "status 2 failed")
	if now := readPID(t, path(1, "t", "local", "pid")); now != long || gone(long) {
		t.Errorf("the first task is process %d, was %d", now, long)
	}
	before = counted(t, path(1, "alloc", "logs", "t.stdout.0"))
	await(t, "output with the second agent", func() bool { return counted(t, path(1, "alloc", "logs", "t.stdout.0")) > before+10 })
	if data, err := os.ReadFile(path(2, "alloc", "logs", "t.stdout.0")); err != nil || string(data) != "gone\n" {
		t.Errorf("the last words of the second task are %q, %v", data, err)
	}

	if _, err := fmt.Fprintln(a.stdin, "stop"); err != nil {
		t.Fatal(err)
	}
	a.until("status 1 complete")
	if !gone(long) {
		t.Error("the stopped task is still there")
	}
	if err := a.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	for range a.lines {
	}
	if err := a.cmd.Wait(); err != nil {
		t.Errorf("the agent ended with %v\n%s", err, a.logText())
	}
}
