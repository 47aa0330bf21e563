// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package artifact

import (
	"os"
	"path/filepath"
	"syscall"
)

// confine has nothing to part with on this system but the environment.
func (s *spec) confine() (work, how string, err error) {
	return filepath.Join(s.Stage, stageWork), "", nil
}

func endGroup() {}

func attributes(bool) *syscall.SysProcAttr { return nil }

func forbidden(error) bool { return false }

func killGroup(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}
