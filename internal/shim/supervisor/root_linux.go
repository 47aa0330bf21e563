// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"errors"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// root makes the file system that a task sees, in a mount namespace of its own.
// Nothing is resolved by a path that the task could have prepared:
// the task's directory is handed over open, all targets are looked up beneath
// it as if it were the root already, and sources were opened by the shim, see
// trees.
type root struct {
	spec *wire.Root
	// fd is the root, which is mounted first.
	fd int
}

// makeRoot makes the root of the task and enters it. The process has a mount namespace of its own, and may have no
// power over the host's mounts.
func (i *insider) makeRoot() error {
	r := &root{spec: i.Task.Root, fd: fdFirst}
	// What is mounted from now on concerns nobody else.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return &setupError{"part from the mounts of the host", err}
	}
	if err := unix.MoveMount(r.fd, "", unix.AT_FDCWD, "/", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return &setupError{"mount the root", err}
	}
	for n := range r.spec.Entries {
		entry := &r.spec.Entries[n]
		if err := r.place(entry); err != nil {
			return &setupError{"place " + entry.Target + " in the root", err}
		}
	}
	if err := r.enter(); err != nil {
		return &setupError{"enter the root", err}
	}
	if r.spec.HostName != "" {
		if err := unix.Sethostname([]byte(r.spec.HostName)); err != nil {
			return &setupError{"set the host name " + r.spec.HostName, err}
		}
	}
	return nil
}

// place puts one entry into the root.
func (r *root) place(entry *wire.Entry) error {
	if entry.Tree > 0 {
		return r.bind(entry)
	}
	switch entry.Kind {
	case wire.EntryBind:
		return nil // the host does not have it
	case wire.EntryMount:
		return r.mount(entry)
	case wire.EntryLink:
		return r.link(entry)
	case wire.EntryHide:
		return r.hide(entry)
	case wire.EntryLock:
		return r.lock(entry)
	}
	return unix.EINVAL
}

func (r *root) bind(entry *wire.Entry) error {
	tree := fdFirst + entry.Tree
	var st unix.Stat_t
	if err := unix.Fstat(tree, &st); err != nil {
		return err
	}
	return r.move(tree, entry.Target, st.Mode&unix.S_IFMT == unix.S_IFDIR)
}

func (r *root) mount(entry *wire.Entry) error {
	fd, err := newMount(entry)
	if err != nil {
		return err
	}
	return r.move(fd, entry.Target, true)
}

// move mounts a tree, making the mount point if need be, and lets go of it.
func (r *root) move(tree int, target string, isDir bool) error {
	defer unix.Close(tree)
	at, err := r.target(target, isDir)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	return unix.MoveMount(tree, "", at, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
}

// lookup opens a path as the task will see it.
func (r *root) lookup(path string, flags uint64) (int, error) {
	path = strings.TrimLeft(path, "/")
	if path == "" {
		path = "."
	}
	for {
		fd, err := unix.Openat2(r.fd, path, &unix.OpenHow{
			Flags: unix.O_PATH | unix.O_CLOEXEC | flags, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
		})
		if err != unix.EINTR && err != unix.EAGAIN {
			return fd, err
		}
	}
}

// target opens a mount point and makes it if it does not exist.
func (r *root) target(path string, isDir bool) (int, error) {
	fd, err := r.lookup(path, 0)
	if !errors.Is(err, unix.ENOENT) {
		return fd, err
	}
	parent, name := split(path)
	dir, err := r.target(parent, true)
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	err = makePoint(dir, name, isDir)
	if errors.Is(err, unix.EEXIST) && unlinkLink(dir, name) {
		err = makePoint(dir, name, isDir) // a link of the task's that led nowhere
	}
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return -1, err
	}
	return r.lookup(path, 0)
}

// makePoint makes a mount point.
func makePoint(dir int, name string, isDir bool) error {
	if isDir {
		return unix.Mkdirat(dir, name, 0o755)
	}
	file, err := unix.Openat(dir, name, unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err == nil {
		_ = unix.Close(file)
	}
	return err
}

// unlinkLink removes a symbolic link and nothing else.
func unlinkLink(dir int, name string) bool {
	var st unix.Stat_t
	err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK && unix.Unlinkat(dir, name, 0) == nil
}

// split returns the parent of a path and its last name.
func split(path string) (parent, name string) {
	path = strings.Trim(path, "/")
	if at := strings.LastIndexByte(path, '/'); at >= 0 {
		return path[:at], path[at+1:]
	}
	return "", path
}

// link makes a symbolic link. What the task may have put there makes room, but
// not a directory with something in it.
func (r *root) link(entry *wire.Entry) error {
	parent, name := split(entry.Target)
	dir, err := r.target(parent, true)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	buf := make([]byte, len(entry.Source)+1)
	if n, err := unix.Readlinkat(dir, name, buf); err == nil && string(buf[:n]) == entry.Source {
		return nil
	}
	if unix.Unlinkat(dir, name, 0) == unix.EISDIR {
		_ = unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
	}
	if err := unix.Symlinkat(entry.Source, dir, name); err != nil && (err != unix.EEXIST || !entry.Optional) {
		return err
	}
	return nil
}

// hide covers a file with the null device and a directory with an empty one.
func (r *root) hide(entry *wire.Entry) error {
	at, err := r.lookup(entry.Target, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(at)
	var st unix.Stat_t
	if err := unix.Fstat(at, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return r.mount(&wire.Entry{Source: "tmpfs", Target: entry.Target, Options: "size=0,mode=755", ReadOnly: true, NoExec: true})
	}
	null, err := r.lookup("/dev/null", 0)
	if err != nil {
		return err
	}
	tree, err := openTree(null, "", false)
	_ = unix.Close(null)
	if err != nil {
		return err
	}
	return r.move(tree, entry.Target, false)
}

// lock makes a part of the root read-only.
func (r *root) lock(entry *wire.Entry) error {
	at, err := r.lookup(entry.Target, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	tree, err := openTree(at, "", true)
	_ = unix.Close(at)
	if err != nil {
		return err
	}
	if err := setAttr(tree, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}, true); err != nil {
		return err
	}
	return r.move(tree, entry.Target, false)
}

// enter makes the root the root, and leaves nothing of the host's in reach.
func (r *root) enter() error {
	old, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(old)
	if err := unix.Fchdir(r.fd); err != nil {
		return err
	}
	defer unix.Close(r.fd)
	if r.spec.NoPivot {
		if err := unix.Chroot("."); err != nil {
			return err
		}
		return unix.Chdir("/")
	}
	if err := unix.PivotRoot(".", "."); err == unix.EINVAL {
		return noPivotError{}
	} else if err != nil {
		return err
	}
	// The old root lies over the new one until it is taken away.
	if err := unix.Fchdir(old); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	return unix.Chdir("/")
}

// noPivotError says that the machine runs from its initramfs, which pivot_root(2) cannot leave.
type noPivotError struct{}

func (noPivotError) Error() string {
	return "the kernel cannot replace the root here, as on machines that run from their initramfs: set no_pivot_root in the configuration of the driver, or boot into another root"
}

// capabilityHeader and capabilityData are what the kernel takes.
type capabilityHeader struct {
	version uint32
	pid     int32
}

type capabilityData struct{ effective, permitted, inheritable uint32 }

const capabilityVersion3 = 0x20080522

// setCapabilities sets those of this thread.
func setCapabilities(permitted, inheritable uint64) error {
	header := capabilityHeader{version: capabilityVersion3}
	var data [2]capabilityData
	for half := range data {
		shift := 32 * half
		data[half] = capabilityData{
			effective: uint32(permitted >> shift), permitted: uint32(permitted >> shift), inheritable: uint32(inheritable >> shift),
		}
	}
	_, _, errno := unix.RawSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
