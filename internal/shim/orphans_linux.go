// SPDX-License-Identifier: MPL-2.0

package shim

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// orphanRounds bounds how often killOrphans looks again.
const orphanRounds = 20

// killOrphans kills the processes of a task whose shim is gone: those that are
// still in its session and those that carry the marks of the task. The task's
// control group, if it has one, is ended by other means.
func killOrphans(s *State) {
	if s.ShimPID <= 1 {
		return
	}
	session := s.ShimPID
	if now, err := proc.StartTime(session); err == nil && now != s.ShimStartTime {
		// A session keeps its number from being used again. As somebody else
		// has the number now, the session has ended.
		session = -1
	}
	for range orphanRounds {
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
		if !left {
			return
		}
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
