// SPDX-License-Identifier: MPL-2.0

package raftlog

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// TestFullDisk writes until a small disk is full: the error says so, what was written stays, and when
// there is space again writing goes on. Mounting the disk needs root.
func TestFullDisk(t *testing.T) {
	testkit.Need(t, "linux", "root", "mounts")
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "raft.db")
	s := openAt(t, path)
	data := make([]byte, 10_000)
	last := uint64(0)
	var err error
	for err == nil {
		if err = s.StoreLog(&raft.Log{Index: last + 1, Data: data}); err == nil {
			last++
		}
		if last > 200 {
			t.Fatal("the disk never gets full")
		}
	}
	for _, want := range []string{path, "free space"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if got := bounds(t, s); got != [2]uint64{1, last} {
		t.Errorf("entries %v, want 1 to %d", got, last)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, "size=1m"); err != nil {
		t.Fatalf("grow the disk: %v", err)
	}
	if err := s.StoreLog(&raft.Log{Index: last + 1, Data: data}); err != nil {
		t.Errorf("there is space again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	if err := s.Verify(0); err != nil {
		t.Error(err)
	}
	if got := bounds(t, s); got != [2]uint64{1, last + 1} {
		t.Errorf("entries after opening again %v, want 1 to %d", got, last+1)
	}
}
