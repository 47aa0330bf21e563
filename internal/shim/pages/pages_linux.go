// SPDX-License-Identifier: MPL-2.0

package pages

import (
	"bytes"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// arena is the alignment and size of the regions in which the runtime keeps its heap.
const arena = 64 << 20

// GiveBack gives back the pages of the program file that were used since the start, most of them for the start only; they
// come from the page cache again when they are wanted.
func GiveBack() {
	var area mapping
	_ = sysfs.EachLine("/proc/self/smaps", make([]byte, 2048), func(line []byte) {
		if next, ok := parseMapping(line); ok {
			area = next
			return
		}
		// Pages that were written to do not stem from the file any more and would be lost, as those that a dynamic linker
		// has filled in.
		if rest, ok := bytes.CutPrefix(line, []byte("Anonymous:")); ok && area.program() && string(bytes.TrimSpace(rest)) == "0 kB" {
			advise(area.from, area.to, unix.MADV_DONTNEED)
		}
	})
}

// SmallHeap keeps the kernel from backing a heap of few megabytes with huge pages, each of which would be larger than a
// process that does little.
func SmallHeap() {
	heap := uintptr(unsafe.Pointer(new([2048]byte))) &^ (arena - 1)
	advise(heap, heap+arena, unix.MADV_NOHUGEPAGE)
}

// mapping is a region of memory.
type mapping struct {
	from, to                 uintptr
	writable, shared, ofFile bool
}

// program reports whether the region is of a program or library, and not of a database or the like.
func (m *mapping) program() bool { return m.ofFile && !m.writable && !m.shared }

// parseMapping reads the first line about a region in /proc/self/smaps, "from-to
// permissions offset device inode path". The other lines begin with a capital.
func parseMapping(line []byte) (m mapping, ok bool) {
	if len(line) == 0 || line[0] >= 'A' && line[0] <= 'Z' {
		return mapping{}, false
	}
	fields := 0
	for word := range bytes.FieldsSeq(line) {
		switch fields {
		case 0:
			low, high, found := bytes.Cut(word, []byte{'-'})
			from, err1 := strconv.ParseUint(string(low), 16, 64)
			to, err2 := strconv.ParseUint(string(high), 16, 64)
			if !found || err1 != nil || err2 != nil {
				return mapping{}, false
			}
			m.from, m.to = uintptr(from), uintptr(to)
		case 1:
			m.writable = len(word) < 2 || word[1] != '-'
			m.shared = len(word) < 4 || word[3] != 'p'
		case 4:
			m.ofFile = string(word) != "0"
		}
		fields++
	}
	return m, fields >= 5
}

func advise(from, to uintptr, advice int) {
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, uintptr(advice)) // advice that is not taken costs memory only
}
