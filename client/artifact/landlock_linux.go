// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errNoLandlock says that the kernel, or a build with cgo, cannot restrict the process.
var errNoLandlock = errors.New("landlock is not available")

// Rights of landlock's first version, which refuses to move and to link files from one directory to another. The second
// one has a right for that; what later ones add is left alone.
const (
	landlockRead  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	landlockFile  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	landlockWrite = landlockRead | landlockFile | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO
	landlockAll = landlockWrite | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
)

// landlock restricts the process to what is shown, for reading, and the working directory.
func (s *spec) landlock(work string) error {
	version, _, no := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if no != 0 {
		return errNoLandlock
	}
	var refer uint64
	if version >= 2 {
		refer = unix.LANDLOCK_ACCESS_FS_REFER
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: landlockAll | refer}
	fd, _, no := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), 8, 0)
	if no != 0 {
		return errNoLandlock
	}
	rules := int(fd)
	defer unix.Close(rules)
	if err := allow(rules, work, landlockWrite|refer); err != nil {
		return err
	}
	for _, p := range slices.Concat([]string{"/proc/self"}, shown, s.Extra, []string{s.KnownHosts}) {
		rights := uint64(landlockRead)
		if p == os.DevNull {
			rights |= unix.LANDLOCK_ACCESS_FS_WRITE_FILE
		}
		if err := allow(rules, p, rights); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	if _, _, no := syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0); no != 0 {
		if no == syscall.ENOTSUP {
			return errNoLandlock
		}
		return no
	}
	return nil
}

// allow grants rights below a path.
func allow(rules int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= landlockFile
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, no := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if no != 0 {
		return no
	}
	return nil
}
