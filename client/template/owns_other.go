// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package template

import "io/fs"

func owns(fs.FileInfo, int, int) bool { return true }
