// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package executor

// free is not known on systems without shims.
func free(string) (bytes uint64, ok bool) { return 0, false }
