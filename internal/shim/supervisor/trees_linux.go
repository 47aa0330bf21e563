// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// trees are what the root of a task is made of: mounts that are mounted nowhere yet. The shim makes them, since only it
// has the host's mounts, which volumes may stay connected with, and the power over them that it takes.
type trees struct {
	// root is the task's root as it is told to the process inside, its entries with the numbers of their trees.
	root wire.Root
	// fds are the root itself, then the trees of entries in the order of their numbers.
	fds []int
	// mapped says where each that shows its files with other owners comes from.
	mapped map[int]string
}

// collect takes hold of all that the root is made of.
func collect(spec *wire.Root) (t *trees, err error) {
	t = &trees{root: *spec, mapped: map[int]string{}}
	t.root.Entries = slices.Clone(spec.Entries)
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if spec.Dirs < 1 {
		return nil, &setupError{"make the root", unix.EINVAL}
	}
	fd, err := openTree(wire.FDRoot, "", false)
	if err != nil {
		return nil, &setupError{"take the root", err}
	}
	t.fds = append(t.fds, fd)
	t.mapped[fd] = "the task's directory"
	err = setAttr(fd, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOSUID, Propagation: unix.MS_PRIVATE}, false)
	if err != nil {
		return nil, &setupError{"take the root", err}
	}
	for n := range t.root.Entries {
		entry := &t.root.Entries[n]
		fd, err := take(entry)
		if err != nil {
			return nil, &setupError{"take " + entry.Source, err}
		}
		if fd < 0 {
			continue
		}
		entry.Tree = len(t.fds)
		t.fds = append(t.fds, fd)
		if entry.Mapped {
			t.mapped[fd] = entry.Source
		}
	}
	return t, nil
}

func (t *trees) close() { closeAll(t.fds) }

// mapTo shows files with the owners that they have in the user namespace of a process.
func (t *trees) mapTo(pid int) error {
	users, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/ns/user", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &setupError{"find the user namespace of the task", err}
	}
	defer unix.Close(users)
	for _, fd := range t.fds {
		source, ok := t.mapped[fd]
		if !ok {
			continue
		}
		attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(users)}
		err := setAttr(fd, attr, true)
		if errors.Is(err, unix.EINVAL) {
			// A mount below may be of another file system, which cannot, or be mapped already.
			err = setAttr(fd, attr, false)
		}
		if errors.Is(err, unix.EINVAL) {
			err = fmt.Errorf("its file system cannot show files with other owners, as a user namespace needs (tmpfs can from Linux 6.3): %w", err)
		}
		if err != nil {
			return &setupError{"map the owners of the files of " + source, err}
		}
	}
	return nil
}

// take makes the tree of an entry. It returns -1 if there is none: what belongs to the namespaces of the task is mounted
// inside, and what is optional may be missing.
func take(entry *wire.Entry) (tree int, err error) {
	switch {
	case entry.Kind == wire.EntryMount && entry.Source == "sysfs": // belongs to the network
		return newMount(entry)
	case entry.Kind != wire.EntryBind:
		return -1, nil
	case entry.Dir > 0:
		tree, err = openTree(wire.FDRoot+entry.Dir-1, "", true)
	default:
		tree, err = openTree(unix.AT_FDCWD, entry.Source, true)
	}
	switch {
	case errors.Is(err, unix.ENOENT) && entry.Optional:
		return -1, nil
	case err != nil:
		return -1, err
	}
	if err := setAttr(tree, attributes(entry), true); err != nil {
		_ = unix.Close(tree)
		return -1, err
	}
	return tree, nil
}

// openTree returns a copy of a mount that is mounted nowhere.
func openTree(dir int, path string, recursive bool) (int, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if path == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	return unix.OpenTree(dir, path, flags)
}

func setAttr(fd int, attr *unix.MountAttr, recursive bool) error {
	flags := uint(unix.AT_EMPTY_PATH)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	return unix.MountSetattr(fd, "", flags, attr)
}

// attributes are those of a mount for an entry.
func attributes(entry *wire.Entry) *unix.MountAttr {
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID, Propagation: unix.MS_PRIVATE}
	if entry.ReadOnly {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if entry.NoExec {
		attr.Attr_set |= unix.MOUNT_ATTR_NOEXEC
	}
	if !entry.Devices {
		attr.Attr_set |= unix.MOUNT_ATTR_NODEV
	}
	switch entry.Propagation {
	case "slave":
		attr.Propagation = unix.MS_SLAVE
	case "shared":
		attr.Propagation = unix.MS_SHARED
	}
	return attr
}

// newMount mounts a file system nowhere.
func newMount(entry *wire.Entry) (int, error) {
	fs, err := unix.Fsopen(entry.Source, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fs)
	for option := range strings.SplitSeq(entry.Options, ",") {
		key, value, ok := strings.Cut(option, "=")
		if key == "" {
			continue
		}
		if ok {
			err = unix.FsconfigSetString(fs, key, value)
		} else {
			err = unix.FsconfigSetFlag(fs, key)
		}
		if err != nil {
			return -1, err
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, int(attributes(entry).Attr_set))
}
