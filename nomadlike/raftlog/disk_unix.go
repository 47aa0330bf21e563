// SPDX-License-Identifier: MPL-2.0

//go:build unix

package raftlog

import (
	"errors"
	"syscall"
)

// isReadOnly reports whether the file system refuses writes.
func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }

// isFull reports whether the disk, or what the user may have of it, is full.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
