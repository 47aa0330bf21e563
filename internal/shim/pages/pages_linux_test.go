// SPDX-License-Identifier: MPL-2.0

package pages

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestGoesOn checks that a process goes on after it gave memory back, even one that a dynamic linker has filled in, as this
// one may be.
func TestGoesOn(t *testing.T) {
	for range 3 {
		GiveBack()
		SmallHeap()
		runtime.GC()
		if _, err := user.Current(); err != nil {
			t.Error(err)
		}
		if err := exec.Command("/bin/true").Run(); err != nil {
			t.Error(err)
		}
	}
}

// TestGiveBack checks that the pages of the program go, and those of other files stay.
func TestGiveBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data")
	const size = 64 << 10
	if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(data) }()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	before, held := resident(t, program), resident(t, file)
	GiveBack()
	after := resident(t, program)
	if after >= before {
		t.Errorf("%d kB of the program before, %d kB after", before, after)
	}
	if now := resident(t, file); held != size>>10 || now != held {
		t.Errorf("%d kB of the other file before, %d kB after", held, now)
	}
}

// resident returns how much of a file is mapped and in memory, in kB.
func resident(t *testing.T, path string) (size int) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	var of string
	for line := range strings.Lines(string(smaps)) {
		fields := strings.Fields(line)
		if _, ok := parseMapping([]byte(strings.TrimSuffix(line, "\n"))); ok {
			of = fields[len(fields)-1]
		} else if fields[0] == "Rss:" && of == path {
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			size += n
		}
	}
	return size
}

func TestParseMapping(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]mapping{
		"00400000-00486000 r-xp 00000000 fe:00 9978364    /bin/a b": {from: 0x400000, to: 0x486000, ofFile: true},
		"00548000-0057e000 rw-p 00000000 00:00 0 ":                  {from: 0x548000, to: 0x57e000, writable: true},
		"7f0000000000-7f0000001000 r--s 00000000 fe:00 99 /data.db": {from: 0x7f0000000000, to: 0x7f0000001000, shared: true, ofFile: true},
		"7f38efd10000-7f38efd12000 r-xp 00000000 00:00 0    [vdso]": {from: 0x7f38efd10000, to: 0x7f38efd12000},
	} {
		if got, ok := parseMapping([]byte(line)); !ok || got != want {
			t.Errorf("%q: %+v, %t", line, got, ok)
		}
	}
	for _, line := range []string{"", "Rss:        12 kB", "VmFlags: rd ex mr mw me", "x-y r-xp 0 0 0", "1-2 r-xp"} {
		if got, ok := parseMapping([]byte(line)); ok {
			t.Errorf("%q: %+v", line, got)
		}
	}
}
