// SPDX-License-Identifier: MPL-2.0

//go:build unix

package artifact

import (
	"io/fs"
	"os"
	"syscall"
)

// own gives a copy the owner of what it was made from, where that can be done.
func own(root *os.Root, name string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return root.Lchown(name, int(st.Uid), int(st.Gid))
}
