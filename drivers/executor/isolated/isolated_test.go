// SPDX-License-Identifier: MPL-2.0

package isolated_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/nomadlike/nomadlike/drivers/executor/isolated"
	"github.com/nomadlike/nomadlike/internal/shim"
)

func TestExplain(t *testing.T) {
	start := func(exec bool, errno syscall.Errno, message string) error {
		return fmt.Errorf("start task: %w", &shim.StartError{Exec: exec, Errno: errno, Message: message})
	}
	for want, err := range map[string]error{
		"could not be found in the task's root": start(true, syscall.ENOENT, "execute x: find x: no such file or directory"),
		`needs perms = "0755", its default is 0644; nothing is executed in /secrets, nor where the data_dir is mounted noexec`: start(true, syscall.EACCES, "execute x: /local/x: permission denied"),
		"needs a directory or file of its name on the host":                                                                    start(false, syscall.EROFS, "place /usr/x in the root: read-only file system"),
		"start task: mount /x": start(false, syscall.EACCES, "mount /x: permission denied"),
		"exec format error":    start(true, syscall.ENOEXEC, "execute x: exec format error"),
	} {
		got := isolated.Explain(err, "x")
		if !strings.Contains(got.Error(), want) || !errors.Is(got, err) {
			t.Errorf("got %q, want %q in it", got, want)
		}
		if strings.HasPrefix(want, "start") && got.Error() != err.Error() {
			t.Errorf("%q is no failure of the program, got %q", err, got)
		}
	}
	if isolated.Explain(nil, "x") != nil {
		t.Error("no error became one")
	}
}
