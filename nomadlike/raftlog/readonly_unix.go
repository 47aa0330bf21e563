// SPDX-License-Identifier: MPL-2.0

//go:build unix

package raftlog

import (
	"errors"
	"syscall"
)

// isReadOnly reports whether the file system refuses writes.
func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
