// SPDX-License-Identifier: MPL-2.0

//go:build unix

package allocdir

import (
	"os"
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
