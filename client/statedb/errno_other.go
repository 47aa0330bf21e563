// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package statedb

import "io/fs"

// errReadOnly is what writing to a read-only file system ends in.
var errReadOnly = fs.ErrPermission
