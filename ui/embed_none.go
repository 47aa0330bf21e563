// SPDX-License-Identifier: MPL-2.0

//go:build noui

package ui

import "io/fs"

// dist returns the built interface, nil in builds without it.
func dist() fs.FS { return nil }
