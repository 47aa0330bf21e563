// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package supervisor

import "os"

// Main reports that there is no shim on this system.
func Main() {
	_, _ = os.Stderr.WriteString("the task shim is not supported on this operating system\n")
	os.Exit(1)
}
