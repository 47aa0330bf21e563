// SPDX-License-Identifier: MPL-2.0

//go:build unix

package host_test

import (
	"syscall"
	"testing"
)

// freeze stops a process without ending it.
func freeze(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}
