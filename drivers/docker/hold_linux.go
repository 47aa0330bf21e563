// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// heldDir is a directory beside those of the allocations, where tasks see nothing. Entries begin with the ID of their
// allocation, and what a process that was killed has left of them goes with it (client/allocdir).
const heldDir = ".held"

var (
	// errLink says that a task has changed a path since it was looked at.
	errLink = errors.New("a part of the path has become a link")
	// errNoSource is what the engine says of it.
	errNoSource = errors.New("bind source path does not exist")
)

// hold opens what is below a directory, without following links, and mounts it where tasks cannot change what the path
// leads to. It returns that path, or nothing where the engine would not see it or mounting is not permitted.
func (b *builder) hold(dir, name string, create bool) (string, error) {
	if err := b.openHeld(); err != nil || b.held == "" {
		return "", err
	}
	source, err := openBeneath(dir, name, create)
	if errors.Is(err, unix.ENOENT) {
		err = errNoSource
	}
	if err != nil {
		return "", err
	}
	defer unix.Close(source)
	var st unix.Stat_t
	if err := unix.Fstat(source, &st); err != nil {
		return "", err
	}
	at := filepath.Join(b.held, strconv.Itoa(b.holds))
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		err = os.Mkdir(at, 0o700)
	} else {
		err = os.WriteFile(at, nil, 0o600)
	}
	if err != nil {
		return "", err
	}
	b.holds++
	if err := unix.Mount("/proc/self/fd/"+strconv.Itoa(source), at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return "", fmt.Errorf("bind mount: %w", err)
	}
	return at, nil
}

// openHeld mounts a memory file system for the sources of the container, the first time. One mount to take off takes all
// that is mounted in it along.
func (b *builder) openHeld() error {
	if b.asked {
		return nil
	}
	b.asked = true
	_, engine := b.driver.settings()
	sees, err := seesMounts(engine)
	if err != nil {
		return failure("connect to the engine", err)
	}
	if !sees {
		return nil
	}
	dir := heldPath(b.task)
	if err := takeOff(dir); err != nil {
		return fmt.Errorf("unmount what an earlier start has left: %w", err)
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return err
	}
	err = unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOEXEC|unix.MS_NOSUID|unix.MS_NODEV, "size=1m,mode=711")
	if err == nil {
		b.held = dir
		return nil
	}
	_ = os.Remove(dir)
	if errors.Is(err, unix.EPERM) {
		return nil
	}
	return fmt.Errorf("mount tmpfs: %w", err)
}

// heldPath is where the sources of a task's container are held.
func heldPath(task *drivers.TaskConfig) string {
	name := sha256.Sum256([]byte(task.Name)) // which may be too long
	return filepath.Join(filepath.Dir(task.AllocDir), heldDir, fmt.Sprintf("%s-%x", filepath.Base(task.AllocDir), name[:8]))
}

// letGo unmounts what is held for a task that has no container any more.
func (d *Driver) letGo(task *drivers.TaskConfig) {
	if err := takeOff(heldPath(task)); err != nil {
		d.logger.Warn("sources of the mounts of a container cannot be unmounted", "path", heldPath(task), "error", err)
	}
}

// takeOff unmounts a directory with all that is mounted below it, and removes it. It is no error if there is none.
func takeOff(dir string) error {
	for {
		// What is mounted below a source is mounted here too. The ones have to be cut off from the others, or they would go
		// together.
		err := unix.Mount("", dir, "", unix.MS_PRIVATE|unix.MS_REC, "")
		if err == nil {
			err = unix.Unmount(dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, unix.EINVAL): // nothing is mounted there
			_ = os.Remove(dir) // what it cannot remove goes with the allocation
			return nil
		case errors.Is(err, unix.ENOENT):
			return nil
		}
		return err
	}
}

// openBeneath opens what is below a directory as a mere place. No part of its name may be a link. What is missing becomes
// directories, or is an error.
func openBeneath(dir, name string, create bool) (int, error) {
	const flags = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC
	at, err := unix.Open(dir, flags|unix.O_DIRECTORY, 0)
	if err != nil {
		return -1, err
	}
	for part := range strings.SplitSeq(filepath.Clean(name), "/") {
		next, err := unix.Openat(at, part, flags, 0)
		if create && errors.Is(err, unix.ENOENT) {
			if err = unix.Mkdirat(at, part, 0o755); err == nil || errors.Is(err, unix.EEXIST) {
				next, err = unix.Openat(at, part, flags, 0)
			}
		}
		_ = unix.Close(at)
		if err != nil {
			return -1, err
		}
		var st unix.Stat_t
		err = unix.Fstat(next, &st)
		if err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
			err = errLink
		}
		if err != nil {
			_ = unix.Close(next)
			return -1, err
		}
		at = next
	}
	return at, nil
}

// seesMounts reports whether the engine sees what this process mounts: both are in one mount namespace.
func seesMounts(engine *client.Client) (bool, error) {
	if os.Geteuid() != 0 || !isLocal(engine) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	conn, err := engine.Dialer()(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return false, nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false, err
	}
	var peer *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		peer, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || failed != nil {
		return false, errors.Join(err, failed)
	}
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return false, err
	}
	// Of a process that cannot be seen nothing is known.
	theirs, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(int(peer.Pid)), "ns", "mnt"))
	return err == nil && own == theirs, nil
}
