// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"bytes"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// arena is the alignment of the regions in which the runtime keeps its heap.
const arena = 64 << 20

// trimMemory gives back the pages of the program file that only the start of
// the process needed; they are read again from the page cache if they ever are.
// It also keeps the kernel from backing the small heap with huge pages, each of
// which would be larger than the whole process.
func trimMemory() {
	maps, err := sysfs.Read("/proc/self/maps")
	if err != nil {
		return
	}
	heap := uintptr(unsafe.Pointer(&maps[0])) &^ (arena - 1)
	for line := range bytes.Lines(maps) {
		// "from-to permissions offset device inode path"
		f := bytes.Fields(line)
		if len(f) < 5 {
			continue
		}
		low, high, _ := bytes.Cut(f[0], []byte{'-'})
		from, err1 := strconv.ParseUint(string(low), 16, 64)
		to, err2 := strconv.ParseUint(string(high), 16, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		ofFile := string(f[4]) != "0"
		switch {
		case ofFile && f[1][1] == '-':
			advise(uintptr(from), uintptr(to-from), unix.MADV_DONTNEED)
		case !ofFile && uintptr(from)&^(arena-1) == heap:
			advise(uintptr(from), uintptr(to-from), unix.MADV_NOHUGEPAGE)
		}
	}
}

func advise(at, size uintptr, advice int) {
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, at, size, uintptr(advice))
}
