// SPDX-License-Identifier: MPL-2.0

package rotate

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// TestFullDisk checks that a disk without room costs log lines, that this is
// counted, and that the log goes on once there is room again.
func TestFullDisk(t *testing.T) {
	testkit.Need(t, "root", "mounts")
	path := t.TempDir()
	if err := unix.Mount("tmpfs", path, "tmpfs", 0, "size=64k,mode=700"); err != nil {
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(path, unix.MNT_DETACH) })
	ballast := filepath.Join(path, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 32<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	w := open(t, path, Config{Prefix: "p", MaxFiles: 5, MaxSize: 1 << 20})
	line := []byte(strings.Repeat("x", 1023) + "\n")
	for range 40 {
		if n, err := w.Write(line); n != len(line) || err != nil {
			t.Fatalf("write returned %d, %v", n, err)
		}
	}
	lost, errno := w.Dropped()
	if lost == 0 || errno != syscall.ENOSPC {
		t.Errorf("%d bytes were dropped, %v", lost, errno)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte("room again\n"))
	if now, _ := w.Dropped(); now != lost {
		t.Errorf("%d more bytes were dropped", now-lost)
	}
	text, err := os.ReadFile(filepath.Join(path, "p.0"))
	if err != nil || !strings.HasSuffix(string(text), "room again\n") || int64(len(text)) != 40<<10-lost+11 {
		t.Errorf("the file has %d bytes, %d were dropped, error %v", len(text), lost, err)
	}
}

// TestNoRoomAtFirst checks a log that cannot even be opened at first.
func TestNoRoomAtFirst(t *testing.T) {
	testkit.Need(t, "root", "mounts")
	path := t.TempDir()
	if err := unix.Mount("tmpfs", path, "tmpfs", 0, "nr_inodes=2,size=1m,mode=700"); err != nil {
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(path, unix.MNT_DETACH) })
	ballast := filepath.Join(path, "ballast")
	if err := os.WriteFile(ballast, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := open(t, path, Config{Prefix: "p"})
	_, _ = w.Write([]byte("lost\n"))
	if lost, errno := w.Dropped(); lost != 5 || errno != syscall.ENOSPC {
		t.Errorf("%d bytes were dropped, %v", lost, errno)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte("kept\n"))
	if text, err := os.ReadFile(filepath.Join(path, "p.0")); err != nil || string(text) != "kept\n" {
		t.Errorf("the file holds %q, error %v", text, err)
	}
}
