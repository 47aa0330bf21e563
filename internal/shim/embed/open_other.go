// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package embed

import "os"

// Open returns ErrAbsent: programs in memory exist on Linux only.
func Open() (*os.File, error) { return nil, ErrAbsent }
