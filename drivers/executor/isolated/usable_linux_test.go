// SPDX-License-Identifier: MPL-2.0

package isolated

import (
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// TestUsable asks as root, and as root in a container that is not privileged.
func TestUsable(t *testing.T) {
	testkit.Need(t, "root", "mounts")
	if err := Usable(); err != nil {
		t.Error(err)
	}
	// Capabilities are those of a thread; this one ends with the test, since it is not unlocked.
	runtime.LockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		t.Fatal(err)
	}
	sets[0].Effective &^= 1 << unix.CAP_SYS_ADMIN
	if err := unix.Capset(&header, &sets[0]); err != nil {
		t.Fatal(err)
	}
	if err := Usable(); err == nil || !strings.Contains(err.Error(), "SYS_ADMIN") {
		t.Errorf("without the capability: %v", err)
	}
}
