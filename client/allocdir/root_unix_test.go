// SPDX-License-Identifier: MPL-2.0

//go:build unix

package allocdir

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestUmask checks that tasks of other users reach their directories where the agent keeps its own files to itself.
func TestUmask(t *testing.T) {
	before := syscall.Umask(0o077)
	defer syscall.Umask(before)
	r := newRoot(t)
	d := newDir(t, r, testID, "web")
	for path, want := range map[string]os.FileMode{r.path: 0o711, d.Path(): 0o755} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

// TestDestroyTakesFewHandles removes more levels of directories than the agent may open files, of which it has all its life.
func TestDestroyTakesFewHandles(t *testing.T) {
	r := newRoot(t)
	d := newDir(t, r, testID, "web")
	local := d.TaskPath("web", Local)
	for _, branch := range []string{"a", "b"} {
		dir, err := os.OpenRoot(local)
		for name, left := branch, 700; left > 0 && err == nil; left-- {
			var sub *os.Root
			if err = dir.Mkdir(name, 0o755); err == nil {
				err = dir.WriteFile("file", nil, 0o644)
			}
			if err == nil {
				sub, err = dir.OpenRoot(name)
			}
			_ = dir.Close()
			dir, name = sub, "d"
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = dir.Close()
	}
	// Nobody may leave these without changing their permissions, except for root.
	if err := os.MkdirAll(filepath.Join(local, "closed", "inner"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(local, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	few := before
	few.Cur = 512
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	err := r.Destroy(testID)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(d.Path()); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}
