// SPDX-License-Identifier: MPL-2.0

package process

import (
	"os"
	"os/exec"
	"syscall"
)

// setSession makes a command run in a process group of its own, so that an
// interrupt on this process's console does not reach it.
func setSession(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// awaitExit returns when a process that need not be a child has ended.
func awaitExit(process *os.Process) { _, _ = process.Wait() }
