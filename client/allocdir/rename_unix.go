// SPDX-License-Identifier: MPL-2.0

//go:build unix

package allocdir

import (
	"os"

	"golang.org/x/sys/unix"
)

// Rename moves an entry from one held directory to another. Neither name is followed if it is a link.
func Rename(from *os.Root, name string, to *os.Root, newName string) error {
	src, err := from.Open(".")
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := to.Open(".")
	if err != nil {
		return err
	}
	defer dst.Close()
	if err := unix.Renameat(int(src.Fd()), name, int(dst.Fd()), newName); err != nil {
		return &os.LinkError{Op: "rename", Old: name, New: newName, Err: err}
	}
	return nil
}
