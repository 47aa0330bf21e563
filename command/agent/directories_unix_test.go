// SPDX-License-Identifier: MPL-2.0

//go:build unix

package agent

import (
	"os"
	"path/filepath"
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
