// SPDX-License-Identifier: MPL-2.0

package shim

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// orphanPause is what killOrphans gives processes to die before it looks again.
const orphanPause = 5 * time.Millisecond

// killOrphans kills the processes of a task whose shim is gone, and waits until
// they are gone, at most until the deadline: those that are still in its session
// and those that carry the marks of the task. The task's control group, if it
// has one, is ended by other means.
func killOrphans(s *State, deadline time.Time) {
	if s.ShimPID <= 1 {
		return
	}
	session := s.ShimPID
	if now, err := proc.StartTime(session); err == nil && now != s.ShimStartTime {
		// A session keeps its number from being used again. As somebody else
		// has the number now, the session has ended.
		session = -1
	}
	for {
		all, err := proc.All()
		if err != nil {
			return
		}
		left := false
		for _, p := range all {
			if p.Zombie || p.PID == os.Getpid() || p.PID == s.ShimPID || p.StartTime < s.ShimStartTime {
				continue
			}
			if p.Session == session || marked(p.PID, s.Marks) {
				left = true
				_ = unix.Kill(p.PID, unix.SIGKILL)
			}
		}
		if !left || !time.Now().Before(deadline) {
			return
		}
		time.Sleep(orphanPause)
	}
}

// marked reports whether the environment of a process holds all marks.
func marked(pid int, marks []string) bool {
	if len(marks) == 0 {
		return false
	}
	env, err := sysfs.Read("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	missing := make(map[string]bool, len(marks))
	for _, m := range marks {
		missing[m] = true
	}
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		delete(missing, string(entry))
	}
	return len(missing) == 0
}
