// SPDX-License-Identifier: MPL-2.0

//go:build unix

package executor

import "golang.org/x/sys/unix"

// free returns how many bytes the file system of a directory has room for.
func free(dir string) (bytes uint64, ok bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return uint64(st.Bavail) * uint64(st.Bsize), true
}
