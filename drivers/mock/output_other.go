// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package mock

import "os"

// openWriter opens a named pipe, or any file, for writing.
func openWriter(path string) (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) }

// noReader is false: opening a named pipe without a reader just fails.
func noReader(error) bool { return false }
