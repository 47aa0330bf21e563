// SPDX-License-Identifier: MPL-2.0

//go:build unix

package mock

import (
	"errors"
	"os"
	"syscall"
)

// openWriter opens a FIFO, or any file, for writing. It never blocks: a FIFO
// without a reader is an error that noReader knows.
func openWriter(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
}

func noReader(err error) bool { return errors.Is(err, syscall.ENXIO) }
