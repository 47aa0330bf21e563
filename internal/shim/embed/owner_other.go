// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package embed

import "io/fs"

func ownedByUs(fs.FileInfo) bool { return true }
