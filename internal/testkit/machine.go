// SPDX-License-Identifier: MPL-2.0

package testkit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Kernel finds a kernel that a virtual machine can boot, and modules of it, which are named below its kernel directory.
func Kernel(t testing.TB, modules ...string) (image string, found []string) {
	t.Helper()
	Need(t, "linux", "qemu-system-x86_64", "busybox", "kernel")
	root := os.Getenv(kernelVariable)
	find := func(pattern string) string {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s has no %s", root, pattern)
		}
		return paths[0]
	}
	for _, m := range modules {
		found = append(found, find("lib/modules/*/kernel/"+m))
	}
	return find("boot/vmlinuz-*"), found
}

// Initramfs is a file system as the kernel unpacks it (cpio, "newc"): busybox, the script as its first program, and
// the files of this machine whose paths are given, each below the root by its base name.
func Initramfs(t testing.TB, script string, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	number := 0
	add := func(name string, mode int, body []byte) {
		number++
		fmt.Fprintf(&out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00", number, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name)+1, 0, name)
		pad := func() {
			for out.Len()%4 != 0 {
				out.WriteByte(0)
			}
		}
		pad()
		out.Write(body)
		pad()
	}
	const dir, program = 0o040755, 0o100755
	for _, name := range []string{"dev", "bin"} {
		add(name, dir, nil)
	}
	add("init", program, []byte(script))
	for _, path := range slices.Concat([]string{"/bin/busybox"}, files) {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		if path == "/bin/busybox" {
			name = "bin/busybox"
		}
		add(name, program, body)
	}
	add("TRAILER!!!", 0, nil)
	return out.Bytes()
}
