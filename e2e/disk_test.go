// SPDX-License-Identifier: MPL-2.0

//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// TestFullDisk lets a task write more than the disk of the allocations takes. The task goes on, and its events
// say that output was lost.
func TestFullDisk(t *testing.T) {
	testkit.Need(t, "linux", "root", "mounts")
	disk := t.TempDir()
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=4m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	a := newAgent(t, false, fmt.Sprintf("client {\n  alloc_dir     = %q\n  disk_total_mb = 10000\n}\n", disk)).start()
	defer a.stopJobs()
	job := shellJob("wordy", "batch", 1, `seq 1000000; echo done >&2; exec sleep 1000`)
	a.register(job)
	alloc := a.running("wordy", 1)[0]
	lost := func(s *nomad.TaskState) bool {
		for _, e := range s.Events {
			if strings.Contains(e.DisplayMessage, "bytes of output could not be stored: no space left on device") {
				return true
			}
		}
		return false
	}
	if s := a.state(alloc.ID, "the running task says that output is lost", lost); s.State != "running" {
		t.Errorf("the task is %s", s.State)
	}
}
