// SPDX-License-Identifier: MPL-2.0

//go:build unix

package process

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// pollInterval is how often a process is looked at where the system cannot
// tell of its end.
const pollInterval = 250 * time.Millisecond

// setSession makes a command run in a session of its own, so that signals of
// this process's terminal and service manager do not reach it.
func setSession(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
}

// pollExit returns when the process has ended.
func pollExit(process *os.Process) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for range ticker.C {
		// EPERM is the answer of a process that lives and is not ours.
		if err := process.Signal(syscall.Signal(0)); err != nil && !errors.Is(err, syscall.EPERM) {
			return
		}
	}
}
