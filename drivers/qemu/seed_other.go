// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package qemu

import (
	"os"
	"path"
)

// openInside opens a file for reading that does not lie elsewhere.
func openInside(dir string, names []string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(path.Join(names...))
}
