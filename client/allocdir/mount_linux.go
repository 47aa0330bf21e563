// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// errNoTmpfs says that memory file systems are not for this agent; it is no failure.
var errNoTmpfs = errors.New("the agent does not run as root")

// mountTmpfs mounts a memory file system on a directory, unless it is one already.
func mountTmpfs(parent *os.Root, name string, sizeMB int, mode fs.FileMode) error {
	if !isRoot() {
		return errNoTmpfs
	}
	mounted, err := isMount(parent, name)
	if err != nil || mounted {
		return err
	}
	dir, err := parent.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	target := fdPath(dir)
	options := "size=" + strconv.Itoa(sizeMB) + "m,mode=" + strconv.FormatUint(uint64(mode.Perm()), 8)
	if who := nobody(); who.given && mode.Perm() == 0o777 {
		options += ",uid=" + strconv.Itoa(who.uid) + ",gid=" + strconv.Itoa(who.gid)
	}
	const flags = unix.MS_NOEXEC | unix.MS_NOSUID | unix.MS_NODEV
	// Kernels before 6.4 do not know noswap.
	err = unix.Mount("tmpfs", target, "tmpfs", flags, options+",noswap")
	if errors.Is(err, unix.EINVAL) {
		err = unix.Mount("tmpfs", target, "tmpfs", flags, options)
	}
	if err != nil {
		return fmt.Errorf("mount tmpfs: %w", err)
	}
	root, err := openDir(parent, name)
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := root.OpenFile(marker, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("mark the mount: %w", err)
	}
	return f.Close()
}

// unmountTmpfs takes away what mountTmpfs mounted.
func unmountTmpfs(parent *os.Root, name string) error {
	mounted, err := isMount(parent, name)
	if err != nil || !mounted {
		return err
	}
	dir, err := parent.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &st); err != nil {
		return err
	}
	if st.Type != unix.TMPFS_MAGIC {
		return nil
	}
	if err := unix.Unmount(fdPath(dir), unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", name, err)
	}
	return nil
}

// bind mounts a directory on one below another, unless it is there already.
func bind(source, parent *os.Root, name string) error {
	from, err := source.Open(".")
	if err != nil {
		return err
	}
	defer from.Close()
	want, err := from.Stat()
	if err != nil {
		return err
	}
	if now, err := parent.Stat(name); err == nil && os.SameFile(now, want) {
		return nil
	}
	to, err := parent.Open(name)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := unix.Mount(fdPath(from), fdPath(to), "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind mount: %w", err)
	}
	return nil
}

// isMount reports whether a directory is the root of another file system than its parent.
func isMount(parent *os.Root, name string) (bool, error) {
	outer, err := parent.Stat(".")
	if err != nil {
		return false, err
	}
	inner, err := parent.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return deviceOf(outer) != deviceOf(inner), nil
}

func deviceOf(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Dev
	}
	return 0
}

func fdPath(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// unmountBelow unmounts everything below path, the deepest first. A task that may mount, or a volume,
// must not have its contents removed with the allocation directory.
func unmountBelow(path string) error {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	defer f.Close()
	points, err := mountsBelow(f, path)
	if err != nil {
		return err
	}
	for _, point := range slices.Backward(points) {
		// EINVAL: gone already, with a mount that it was below.
		err := unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("unmount %s: %w", point, err)
		}
	}
	return nil
}

// mountsBelow returns the mount points below path in the order of mounting.
func mountsBelow(mountinfo io.Reader, path string) ([]string, error) {
	var points []string
	sc := bufio.NewScanner(mountinfo)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		fields := strings.Fields(sc.Text())
		if len(fields) < 5 {
			continue
		}
		point := unescape(fields[4])
		if point == path || strings.HasPrefix(point, path+"/") {
			points = append(points, point)
		}
	}
	return points, sc.Err()
}

// unescape decodes the octal escapes of mount tables.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
