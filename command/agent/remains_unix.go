// SPDX-License-Identifier: MPL-2.0

//go:build linux || darwin

package agent

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// hold locks the directory of an agent for as long as the file is open, and no longer than the process lives.
func hold(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, ".lock-")
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, holdName))
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// takeOver locks the directory of an agent that does not hold it any more. It returns nil for one that is held, and
// for what another user may have put there: whoever could make such a directory could have anything removed.
func takeOver(dir string) (*os.File, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(st.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return nil, nil
	}
	path := filepath.Join(dir, holdName)
	file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, err
	}
	// Another agent may have removed it between the two calls.
	mine, err := file.Stat()
	if err == nil {
		var now os.FileInfo
		if now, err = os.Lstat(path); err == nil && os.SameFile(mine, now) {
			return file, nil
		}
	}
	file.Close()
	return nil, err
}
