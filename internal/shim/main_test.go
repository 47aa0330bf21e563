// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim/proc"
)

// patience is how long a test waits for something that ought to happen at once.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	Main()
	if len(os.Args) > 2 && os.Args[1] == actorArgument {
		actor(os.Args[2], os.Args[3:])
	}
	os.Exit(m.Run())
}

// bench is a task directory for one test.
type bench struct {
	t    *testing.T
	base string
	logs string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	base := t.TempDir()
	b := &bench{t: t, base: base, logs: filepath.Join(base, "logs")}
	if err := os.Mkdir(b.logs, 0o777); err != nil {
		t.Fatal(err)
	}
	return b
}

// spec returns a task that runs a part of actor in this test binary.
func (b *bench) spec(part string, args ...string) *Spec {
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	messages, err := os.OpenFile(filepath.Join(b.base, "messages"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = messages.Close()
		if said := b.messages(); said != "" {
			b.t.Logf("the shim said:\n%s", said)
		}
	})
	return &Spec{
		TaskID:   "alloc/" + part,
		Place:    Place{Base: b.base, Names: []string{"state"}},
		Path:     self,
		Args:     append([]string{actorArgument, part}, args...),
		Env:      []string{"ACTOR=1", "BENCH=" + b.base},
		Marks:    []string{"BENCH=" + b.base},
		WorkDir:  b.base,
		Messages: messages,
		Logs: Logs{Files: &LogFiles{
			Dir:          Place{Base: b.base, Names: []string{"logs"}},
			StdoutPrefix: "task.stdout", StderrPrefix: "task.stderr",
			MaxFiles: 5, MaxFileSize: 1 << 20,
		}},
	}
}

func (b *bench) messages() string {
	said, _ := os.ReadFile(filepath.Join(b.base, "messages"))
	return string(said)
}

// start starts a task that is destroyed when the test ends.
func (b *bench) start(spec *Spec) *Handle {
	b.t.Helper()
	h, err := Start(spec)
	if err != nil {
		b.t.Fatalf("start: %v", err)
	}
	b.t.Cleanup(func() { b.destroy(h) })
	return h
}

func (b *bench) destroy(h *Handle) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.Destroy(ctx, true); err != nil {
		b.t.Errorf("destroy: %v", err)
	}
}

func (b *bench) wait(h *Handle) Exit {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	exit, err := h.Wait(ctx)
	if err != nil {
		b.t.Fatalf("wait: %v", err)
	}
	return exit
}

// output returns what is stored of a stream, from the oldest file on.
func (b *bench) output(prefix string) string {
	b.t.Helper()
	var all strings.Builder
	for i := range 1000 {
		part, err := os.ReadFile(filepath.Join(b.logs, prefix+"."+itoa(i)))
		if err != nil {
			continue
		}
		all.Write(part)
	}
	return all.String()
}

// await polls for something that another process does.
func (b *bench) await(what string, done func() bool) {
	b.t.Helper()
	await(b.t, what, done)
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !done() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

// awaitLine waits for a task to have printed a whole line and returns it.
func (b *bench) awaitLine(prefix string) string {
	b.t.Helper()
	var line string
	b.await("the task prints a line", func() bool {
		text, _, whole := strings.Cut(b.output(prefix), "\n")
		line = text
		return whole
	})
	return line
}

// alive reports whether a process runs; one that only waits to be collected does
// not.
func alive(pid int) bool {
	_, err := proc.StartTime(pid)
	return err == nil
}
