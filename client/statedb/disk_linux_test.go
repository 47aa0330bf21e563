// SPDX-License-Identifier: MPL-2.0

package statedb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// smallDisk mounts a file system of the size.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	testkit.Need(t, "root", "mounts")
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A full disk costs nothing that was stored, and what could not be stored is once there is room.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "size=1m")
	path := filepath.Join(dir, "state.db")
	db := open(t, path)
	store(t, db, record(idA))
	if err := db.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	_ = f.Close()
	failed := false
	for i := range 300 {
		store(t, db, record(fmt.Sprintf("%08d-bd7f-3b9c-47d2-f2d8a714cc74", i)))
		if err := db.Sync(t.Context()); err != nil {
			if !errors.Is(err, unix.ENOSPC) {
				t.Fatalf("Sync = %v, want no space", err)
			}
			failed = true
			break
		}
	}
	if !failed {
		t.Fatal("the disk never was full")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatalf("Close with room again = %v", err)
	}
	got, err := open(t, path).Allocs()
	if err != nil || len(got) < 2 {
		t.Errorf("%d allocations, %v", len(got), err)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	dir := smallDisk(t, "size=1m,ro")
	path := filepath.Join(dir, "state.db")
	_, err := Open(path, hclog.NewNullLogger())
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("Open = %v", err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open blames a missing file: %v", err)
	}
}
