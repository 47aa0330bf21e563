// SPDX-License-Identifier: MPL-2.0

//go:build unix && !linux

package process

import "os"

// awaitExit returns when a process that need not be a child has ended.
func awaitExit(process *os.Process) { pollExit(process) }
