// SPDX-License-Identifier: MPL-2.0

package executor

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// TestMeaning: a file that is there and cannot be executed has its reason told, other failures have it in their text.
func TestMeaning(t *testing.T) {
	for _, test := range []struct {
		err  shim.StartError
		want string
	}{
		{shim.StartError{Exec: true, Errno: syscall.ENOEXEC, Message: "execute x: exec format error"}, "another kind of machine"},
		{shim.StartError{Exec: true, Errno: syscall.ENOENT, Message: "execute /x/y: no such file or directory"}, "missing is the interpreter"},
		{shim.StartError{Exec: true, Errno: syscall.ENOENT, Message: "execute x: /local/x: no such file or directory"}, "missing is the interpreter"},
		{shim.StartError{Exec: true, Errno: syscall.ENOENT, Message: "execute x: find x: no such file or directory"}, ""},
		{shim.StartError{Exec: true, Errno: syscall.ENOENT, Message: "execute x: enter the working directory /y: no such file or directory"}, ""},
		{shim.StartError{Exec: true, Errno: syscall.EACCES, Message: "execute x: permission denied"}, ""},
		{shim.StartError{Errno: syscall.ENOENT, Message: "join the network namespace y: no such file or directory"}, ""},
	} {
		got := startError(&test.err)
		rest, ok := strings.CutPrefix(got.Error(), "start task: "+test.err.Message)
		if !ok || (rest == "") != (test.want == "") || !strings.Contains(rest, test.want) || !errors.Is(got, test.err.Errno) {
			t.Errorf("got %q, want %q after the message", got, test.want)
		}
	}
}

// TestLimitThatCannotBeKept: a task does not run without the limit on its processes.
func TestLimitThatCannotBeKept(t *testing.T) {
	config := &drivers.TaskConfig{Name: "web", AllocID: "a", Resources: &drivers.Resources{Linux: &drivers.LinuxResources{}}}
	task := &Task{Config: config, Logger: hclog.NewNullLogger()}
	if _, err := task.Groups(0); err != nil {
		t.Error("without a limit:", err)
	}
	if _, err := task.Groups(7); err == nil || !strings.Contains(err.Error(), "pids_limit 7 cannot be kept") {
		t.Errorf("with a limit: got %v", err)
	}
}
