// SPDX-License-Identifier: MPL-2.0

//go:build unix

package logs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/logspec"
	"github.com/nomadlike/nomadlike/internal/testkit"
)

func config(t *testing.T) Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "alloc", "logs"), 0o777); err != nil {
		t.Fatal(err)
	}
	return Config{AllocDir: dir, Task: "web", MaxFiles: 3, MaxFileSizeMB: 1, Logger: hclog.NewNullLogger()}
}

func start(t *testing.T, cfg Config) *Collector {
	t.Helper()
	c, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}

// write writes as a driver does: open, write, close.
func write(t *testing.T, path, data string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(data); err != nil {
		t.Fatal(err)
	}
}

func logFile(cfg Config, name string) string {
	return filepath.Join(cfg.AllocDir, "alloc", "logs", name)
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s = %q, %v, want %q", filepath.Base(path), got, err, want)
	}
}

func TestOutputIsStored(t *testing.T) {
	cfg := config(t)
	c := start(t, cfg)
	wantFile(t, logFile(cfg, "web.stdout.0"), "")
	write(t, c.Stdout, "one\n")
	write(t, c.Stdout, "two\n") // a driver may open the pipe again after a restart of its own
	write(t, c.Stderr, "oops\n")
	c.Stop()
	wantFile(t, logFile(cfg, "web.stdout.0"), "one\ntwo\n")
	wantFile(t, logFile(cfg, "web.stderr.0"), "oops\n")

	c = start(t, cfg)
	write(t, c.Stdout, "three\n")
	c.Stop()
	wantFile(t, logFile(cfg, "web.stdout.0"), "one\ntwo\nthree\n")
}

func TestOutputIsRotated(t *testing.T) {
	cfg := config(t)
	c := start(t, cfg)
	line := strings.Repeat("x", 1023) + "\n"
	f, err := os.OpenFile(c.Stdout, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 << 10 {
		if _, err := f.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
	_ = f.Close()
	c.Stop()
	entries, err := filepath.Glob(logFile(cfg, "web.stdout.*"))
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d files, %v, want 3", len(entries), err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(e)
		if err != nil || len(data) > 1<<20 || len(bytes.ReplaceAll(data, []byte(line), nil)) > 0 {
			t.Errorf("%s has %d bytes and not whole lines only, %v", e, len(data), err)
		}
	}
}

func TestNoteForShims(t *testing.T) {
	cfg := config(t)
	start(t, cfg)
	got, err := logspec.Read(cfg.AllocDir, dirNames, "web")
	if err != nil {
		t.Fatal(err)
	}
	want := logspec.Spec{
		Dir: filepath.Join(cfg.AllocDir, "alloc", "logs"), StdoutPrefix: "web.stdout", StderrPrefix: "web.stderr",
		MaxFiles: 3, MaxFileSizeBytes: 1 << 20,
	}
	if *got != want {
		t.Errorf("note = %+v, want %+v", *got, want)
	}
}

// TestOutputOfRunningTask collects as an agent does that has found its task again: the pipes are there, and what is
// for starts is left alone.
func TestOutputOfRunningTask(t *testing.T) {
	cfg := config(t)
	start(t, cfg).Stop()
	note := logFile(cfg, logspec.Name(cfg.Task))
	if err := os.Remove(note); err != nil {
		t.Fatal(err)
	}
	cfg.Running = true
	c := start(t, cfg)
	write(t, c.Stdout, "more\n")
	c.Stop()
	wantFile(t, logFile(cfg, cfg.Task+".stdout.0"), "more\n")
	if _, err := os.Stat(note); !os.IsNotExist(err) {
		t.Errorf("the note for shims was written again: %v", err)
	}
}

// TestPipeOfAnotherUser collects from pipes that a driver has given to the user of its engine, for a task that runs.
func TestPipeOfAnotherUser(t *testing.T) {
	testkit.Need(t, "root")
	for _, outlive := range []bool{false, true} {
		cfg := config(t)
		c := start(t, cfg)
		if err := os.Chown(c.Stdout, 65534, -1); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(c.Stdout, os.O_RDWR, 0) // as some engines do
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, p := range c.mu.pipes { // the agent is killed
			p.finish()
			p.wait(time.Now())
		}
		cfg.Running, cfg.Outlive = true, outlive
		c = start(t, cfg)
		if _, err := f.WriteString("more\n"); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		c.Stop()
		wantFile(t, logFile(cfg, cfg.Task+".stdout.0"), "more\n")
	}
}

func TestDisabled(t *testing.T) {
	cfg := config(t)
	cfg.Disabled = true
	c := start(t, cfg)
	if c.Stdout != os.DevNull || c.Stderr != os.DevNull {
		t.Errorf("output goes to %s and %s", c.Stdout, c.Stderr)
	}
	entries, err := os.ReadDir(filepath.Join(cfg.AllocDir, "alloc", "logs"))
	if err != nil || len(entries) != 1 || entries[0].Name() != logspec.Name("web") {
		t.Errorf("log directory has %v, %v, want the note only", entries, err)
	}
	note, err := logspec.Read(cfg.AllocDir, dirNames, "web")
	if err != nil || !note.Disabled {
		t.Errorf("note = %+v, %v", note, err)
	}
}

func TestWhatIsInTheWayIsReplaced(t *testing.T) {
	cfg := config(t)
	outside := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(outside, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, logFile(cfg, ".web.stdout.fifo")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(logFile(cfg, ".web.stderr.fifo"), []byte("file"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, logFile(cfg, "web.stdout.0")); err != nil {
		t.Fatal(err)
	}
	c := start(t, cfg)
	for _, p := range []string{c.Stdout, c.Stderr} {
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil || uint32(st.Mode)&0o170777 != unix.S_IFIFO|0o600 {
			t.Errorf("%s has mode %o, %v, want a pipe of mode 600", p, st.Mode, err)
		}
	}
	write(t, c.Stdout, "one\n")
	c.Stop()
	wantFile(t, logFile(cfg, "web.stdout.0"), "one\n")
	wantFile(t, outside, "precious")
}

// A task that replaces the log directory does not get the agent to write elsewhere.
func TestReplacedLogDirectory(t *testing.T) {
	cfg := config(t)
	outside := t.TempDir()
	dir := filepath.Join(cfg.AllocDir, "alloc", "logs")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, dir); err != nil {
		t.Fatal(err)
	}
	if c, err := Start(cfg); err == nil {
		c.Stop()
		t.Error("output is collected through a link")
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("outside has %v, %v", entries, err)
	}
}

// A process that a task left behind and that keeps its output open must not keep the agent waiting.
func TestStopDoesNotWaitForLeftovers(t *testing.T) {
	cfg := config(t)
	c := start(t, cfg)
	f, err := os.OpenFile(c.Stdout, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, "kept open"); err != nil {
		t.Fatal(err)
	}
	c.Stop()
	wantFile(t, logFile(cfg, "web.stdout.0"), "kept open\n")
}
