// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package docker

import "os"

// openPipe opens a named pipe of the host.
func openPipe(path string) (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) }
