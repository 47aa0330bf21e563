// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package rawexec

import "io/fs"

func linked(fs.FileInfo) bool { return false }
