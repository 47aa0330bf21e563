// SPDX-License-Identifier: MPL-2.0

//go:build unix

package agent

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUmask checks that tasks of other users reach their directories through a data directory that the agent has made
// while it keeps its own files to itself, and that one which is there stays as it is.
func TestUmask(t *testing.T) {
	dir := t.TempDir()
	before := syscall.Umask(0o077)
	defer syscall.Umask(before)
	if err := os.Mkdir(filepath.Join(dir, "there"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"made": 0o755, "there": 0o700} {
		cfg := &Config{DataDir: filepath.Join(dir, name)}
		if err := (&Agent{cfg: cfg}).directories(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(cfg.DataDir); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
}

// TestOddEntries: what is no file is passed over or refused, not waited for.
func TestOddEntries(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.hcl"), []byte(`region = "a"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "sub.hcl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "link.hcl")); err != nil {
		t.Fatal(err)
	}
	c := &Config{}
	if err := c.LoadPath(dir); err != nil || c.Region != "a" || len(c.Sources) != 1 {
		t.Errorf("region %q of %v: %v", c.Region, c.Sources, err)
	}
	// A socket, which nobody can open, in place of a pipe, for which a test without the refusal would wait.
	l, err := net.Listen("unix", filepath.Join(dir, "b.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := c.LoadPath(dir); err == nil || !strings.Contains(err.Error(), "b.hcl is no regular file") {
		t.Errorf("a socket: %v", err)
	}
}
