// SPDX-License-Identifier: MPL-2.0

//go:build !noui

package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var embedded embed.FS

// dist returns the built interface, nil in builds without it.
func dist() fs.FS {
	sub, err := fs.Sub(embedded, "dist")
	if err != nil {
		return nil // cannot happen: the name is valid
	}
	return sub
}
