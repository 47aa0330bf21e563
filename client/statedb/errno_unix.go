// SPDX-License-Identifier: MPL-2.0

//go:build unix

package statedb

import "syscall"

// errReadOnly is what writing to a read-only file system ends in.
const errReadOnly = syscall.EROFS
