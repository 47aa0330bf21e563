// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// childDir is the environment variable that makes the test binary a server on that data directory.
const childDir = "NOMADLIKE_TEST_SERVER_DIR"

// childArchives makes the child restore the archives in that directory instead of writing.
const childArchives = "NOMADLIKE_TEST_ARCHIVES"

func restoreFrom(dir string) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, childArchives+"="+dir) }
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := runChild(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// durable is the configuration of a server that snapshots all the time.
func durable(dir string) Config {
	return Config{
		Name: "a", DataDir: dir, BootstrapExpect: 1, RPCAdvertise: "127.0.0.1:4647", SerfBind: "127.0.0.1:0",
		RaftSettings: RaftSettings{SnapshotThreshold: 40, SnapshotInterval: 20 * time.Millisecond, TrailingLogs: 10},
	}
}

// runChild is the child: it says "have N" for each entry that is stored, "ready", and "ack N" for each
// that it writes, until it is killed or its standard input ends.
func runChild(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString(0) // ends with the parent
		cancel()
	}()
	_, trans := raft.NewInmemTransport("127.0.0.1:4647")
	s, err := New(durable(dir), Deps{RaftTransport: trans})
	if err != nil {
		return err
	}
	work := func(ctx context.Context) error { return writeAlways(ctx, s) }
	if archives := os.Getenv(childArchives); archives != "" {
		work = func(ctx context.Context) error { return restoreAlways(ctx, s, archives) }
	}
	s.AddDuty(Duty{Name: "work", Run: work})
	return s.Run(ctx)
}

func writeAlways(ctx context.Context, s *Server) error {
	next := 0
	for n := range state.Namespaces.All(s.Store().Snapshot()) {
		if rest, ok := strings.CutPrefix(n.Name, "entry-"); ok {
			i, err := strconv.Atoi(rest)
			if err != nil {
				return err
			}
			fmt.Println("have", i)
			next = max(next, i+1)
		}
	}
	fmt.Println("ready")
	var mu sync.Mutex
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				cmd := fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: []*api.Namespace{{
					Name: fmt.Sprintf("entry-%d", i), Description: strings.Repeat("content", i%100),
				}}})
				if _, _, err := s.Apply(ctx, cmd); err == nil {
					fmt.Println("ack", i)
				}
			}
		})
	}
	writers.Wait()
	return ctx.Err()
}

// child is a running child and what it says.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	log   bytes.Buffer
}

func startChild(t *testing.T, dir string, change func(*exec.Cmd)) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.CommandContext(within(t), exe)}
	c.cmd.Env = append(os.Environ(), childDir+"="+dir)
	c.cmd.Stderr = &c.log
	if _, err := c.cmd.StdinPipe(); err != nil { // open until the child is waited for
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(out)
	if change != nil {
		change(c.cmd)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// line returns the next thing that the child says.
func (c *child) line() (word string, n int, ok bool) {
	if !c.lines.Scan() {
		return "", 0, false
	}
	word, rest, _ := strings.Cut(c.lines.Text(), " ")
	n, _ = strconv.Atoi(rest)
	return word, n, true
}

// kill kills the child, and returns after what it said before was read.
func (c *child) kill(each func(word string, n int)) {
	c.t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	for {
		word, n, ok := c.line()
		if !ok {
			break
		}
		each(word, n)
	}
	var exit *exec.ExitError
	if err := c.cmd.Wait(); !errors.As(err, &exit) {
		c.t.Fatalf("killed child: %v", err)
	}
}

// TestKill kills a server again and again while it writes and snapshots: everything that it acknowledged
// is there after each start.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	acked := map[int]bool{}
	ack := func(word string, n int) {
		if word == "ack" {
			acked[n] = true
		}
	}
	for round := range 8 {
		c := startChild(t, dir, nil)
		have := map[int]bool{}
		for {
			word, n, ok := c.line()
			if !ok {
				t.Fatalf("round %d: the server ended: %s", round, c.log.String())
			}
			if word == "error" {
				t.Fatalf("round %d: the server failed: %s", round, c.lines.Text())
			}
			if word == "ready" {
				break
			}
			have[n] = true
		}
		for n := range acked {
			if !have[n] {
				t.Fatalf("round %d: entry %d of %d was acknowledged and is gone", round, n, len(acked))
			}
		}
		for range r.IntN(150) {
			word, n, ok := c.line()
			if !ok {
				t.Fatalf("round %d: the server ended: %s", round, c.log.String())
			}
			ack(word, n)
		}
		c.kill(ack)
	}
	if len(acked) < 50 {
		t.Errorf("only %d entries were written", len(acked))
	}
	t.Logf("%d entries acknowledged", len(acked))
}

// TestSecondProcess starts a second server on a data directory in use.
func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	first := startChild(t, dir, nil)
	waitReady(t, first)
	second := startChild(t, dir, nil)
	second.expectError("in use by another agent", dir, "stop that agent or choose another data_dir")
	for range 20 {
		if word, _, ok := first.line(); !ok || word != "ack" {
			t.Fatalf("the first server was disturbed: %q %s", word, first.log.String())
		}
	}
	first.kill(func(string, int) {})
}

func waitReady(t *testing.T, c *child) {
	t.Helper()
	for {
		switch word, _, ok := c.line(); {
		case !ok:
			t.Fatalf("the server ended: %s", c.log.String())
		case word == "error":
			t.Fatalf("the server failed: %s", c.lines.Text())
		case word == "ready":
			return
		}
	}
}

// expectError waits until the child has ended with an error that says all of that.
func (c *child) expectError(want ...string) {
	c.t.Helper()
	said := ""
	for c.lines.Scan() {
		said += c.lines.Text() + "\n"
	}
	var exit *exec.ExitError
	if err := c.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		c.t.Errorf("child ended with %v: %s%s", err, said, c.log.String())
	}
	for _, text := range want {
		if !strings.Contains(said, text) {
			c.t.Errorf("child said %q, want %q", said, text)
		}
	}
}

// TestStopAndStart stops a server in order and starts it again.
func TestStopAndStart(t *testing.T) {
	dir := t.TempDir()
	var id string
	for round := range 3 {
		err := runOn(t, dir, func(ctx context.Context, s *Server) {
			now := s.Store().Snapshot()
			if got := state.Namespaces.Len(now); got != 1+round*60 {
				t.Errorf("round %d: %d namespaces", round, got)
			}
			cluster := state.Cluster.Get(now).ClusterID
			if round == 0 {
				id = cluster
			}
			if cluster != id {
				t.Errorf("round %d: cluster %s, want %s", round, cluster, id)
			}
			for i := range 60 {
				ns := &api.Namespace{Name: fmt.Sprintf("ns-%d-%d", round, i)}
				if _, _, err := s.Apply(ctx, fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: []*api.Namespace{ns}})); err != nil {
					t.Error(err)
				}
			}
		})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

// runOn runs a server on the directory, calls do when it leads, and returns how it ended.
func runOn(t *testing.T, dir string, do func(ctx context.Context, s *Server)) error {
	t.Helper()
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	s := newOn(t, dir)
	s.AddDuty(Duty{Name: "test", Run: func(dutyCtx context.Context) error {
		if do != nil {
			do(dutyCtx, s)
		}
		cancel()
		<-dutyCtx.Done()
		return nil
	}})
	return s.Run(ctx)
}

// newOn returns a server on the directory.
func newOn(t *testing.T, dir string) *Server {
	t.Helper()
	_, trans := raft.NewInmemTransport("127.0.0.1:4647")
	s, err := New(durable(dir), Deps{RaftTransport: trans})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
