// SPDX-License-Identifier: MPL-2.0

//go:build unix

package allocdir

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestHolesArriveAsHoles: a file that takes little room for its size does so at the other end, and has the same contents.
func TestHolesArriveAsHoles(t *testing.T) {
	from, to := twoDirs(t)
	const size = 64<<20 + 12345
	put(t, from, "alloc/data/image", "head", 0o600)
	source := filepath.Join(from.path, "alloc/data/image")
	f, err := os.OpenFile(source, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte("middle"), 20<<20+7)
	}
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	put(t, from, "alloc/data/zeros", string(make([]byte, 5)), 0o600)
	var archive bytes.Buffer
	if err := from.Snapshot(&archive, nil); err != nil {
		t.Fatal(err)
	}
	if err := to.Unpack(&archive, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alloc/data/image", "alloc/data/zeros"} {
		want, err1 := os.ReadFile(filepath.Join(from.path, name))
		got, err2 := os.ReadFile(filepath.Join(to.path, name))
		if err1 != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes that are not the %d of the source, %v, %v", name, len(got), len(want), err1, err2)
		}
	}
	var there, here syscall.Stat_t
	if err := syscall.Stat(source, &there); err != nil || there.Blocks*512 > 1<<20 {
		t.Skipf("the file system of %s knows no holes (%d blocks, %v)", source, there.Blocks, err)
	}
	if err := syscall.Stat(filepath.Join(to.path, "alloc/data/image"), &here); err != nil || here.Blocks*512 > 1<<20 {
		t.Errorf("the copy takes %d bytes, the source %d, %v", here.Blocks*512, there.Blocks*512, err)
	}
}
