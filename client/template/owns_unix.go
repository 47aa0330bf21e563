// SPDX-License-Identifier: MPL-2.0

//go:build unix

package template

import (
	"io/fs"
	"syscall"
)

// owns reports whether a file belongs to a user and a group; negative numbers stand for anybody.
func owns(info fs.FileInfo, uid, gid int) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || (uid < 0 || int(st.Uid) == uid) && (gid < 0 || int(st.Gid) == gid)
}
