// SPDX-License-Identifier: MPL-2.0

//go:build unix

package fs

import "syscall"

// openFlags keep an open from waiting for the other end of a pipe.
const openFlags = syscall.O_NONBLOCK
