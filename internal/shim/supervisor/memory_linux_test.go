// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"os/exec"
	"os/user"
	"runtime"
	"testing"
)

// TestTrimMemory checks that a process goes on after it gave memory back, even
// one that a dynamic linker has filled in, as this one may be.
func TestTrimMemory(t *testing.T) {
	for range 3 {
		trimMemory()
		runtime.GC()
		if _, err := user.Current(); err != nil {
			t.Error(err)
		}
		if err := exec.Command("/bin/true").Run(); err != nil {
			t.Error(err)
		}
	}
}

func TestParseMapping(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]mapping{
		"00400000-00486000 r-xp 00000000 fe:00 9978364    /bin/a b": {from: 0x400000, to: 0x486000, ofFile: true},
		"00548000-0057e000 rw-p 00000000 00:00 0 ":                  {from: 0x548000, to: 0x57e000, writable: true},
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
