// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package allocdir

import (
	"os"
	"path/filepath"
)

// Rename moves an entry from one held directory to another.
func Rename(from *os.Root, name string, to *os.Root, newName string) error {
	return os.Rename(filepath.Join(from.Name(), name), filepath.Join(to.Name(), newName))
}
