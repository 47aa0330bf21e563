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
	buf := make([]byte, 2048)
	heap := uintptr(unsafe.Pointer(&buf[0])) &^ (arena - 1)
	var area mapping
	_ = sysfs.EachLine("/proc/self/smaps", buf, func(line []byte) {
		if next, ok := parseMapping(line); ok {
			area = next
			if !area.ofFile && area.from&^(arena-1) == heap {
				advise(area, unix.MADV_NOHUGEPAGE)
			}
			return
		}
		// Pages that were written to do not stem from the file any more and
		// would be lost, as those that a dynamic linker has filled in.
		if rest, ok := bytes.CutPrefix(line, []byte("Anonymous:")); ok && area.ofFile && !area.writable {
			if string(bytes.TrimSpace(rest)) == "0 kB" {
				advise(area, unix.MADV_DONTNEED)
			}
		}
	})
}

// mapping is a region of memory.
type mapping struct {
	from, to         uintptr
	writable, ofFile bool
}

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
		case 4:
			m.ofFile = string(word) != "0"
		}
		fields++
	}
	return m, fields >= 5
}

func advise(m mapping, advice int) {
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, uintptr(advice))
}
