// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's side of project quotas: quotactl_fd(2), linux/quota.h, linux/dqblk_xfs.h and linux/fs.h.
const (
	getQuota     = 0x800007<<8 | projectQuota
	setQuota     = 0x800008<<8 | projectQuota
	projectQuota = 2

	limitsValid = 1 // QIF_BLIMITS

	getAttr = 0x801c581f // FS_IOC_FSGETXATTR
	setAttr = 0x401c5820 // FS_IOC_FSSETXATTR

	inherit = 0x200 // FS_XFLAG_PROJINHERIT
)

// diskQuota is struct if_dqblk.
type diskQuota struct {
	hardKiB, softKiB, bytes, hardInodes, softInodes, inodes, blockTime, inodeTime uint64
	valid                                                                         uint32
	_                                                                             uint32
}

// fileAttr is struct fsxattr.
type fileAttr struct {
	flags, extentSize, extents, project, cowExtentSize uint32
	_                                                  [8]byte
}

// quotas limit how much disk a directory may take, by giving each a project of its own. File systems do that which are
// mounted with prjquota, and for all processes that lack CAP_SYS_RESOURCE.
type quotas struct {
	root *os.Root
	// parent is the project of the administrator's that all the directories are in, 0 for none.
	parent uint32
}

// newQuotas returns nil where the file system of the directory has no project quotas, or the agent may not set them.
func newQuotas(root *os.Root) *quotas {
	q := &quotas{root: root}
	if os.Geteuid() != 0 {
		return nil
	}
	if _, err := q.get(1); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	parent, err := q.project(root)
	if err != nil {
		return nil
	}
	q.parent = parent
	return q
}

func (q *quotas) call(command int, project uint32, quota *diskQuota) error {
	d, err := q.root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	_, _, errno := unix.Syscall6(unix.SYS_QUOTACTL_FD, d.Fd(), uintptr(command), uintptr(project), uintptr(unsafe.Pointer(quota)), 0, 0)
	runtime.KeepAlive(d)
	if errno != 0 {
		return os.NewSyscallError("quotactl_fd", errno)
	}
	return nil
}

func (q *quotas) get(project uint32) (diskQuota, error) {
	var quota diskQuota
	err := q.call(getQuota, project, &quota)
	return quota, err
}

// limit makes a directory, which must be empty unless it was limited before, hold no more than that many bytes; 0 means
// no limit.
func (q *quotas) limit(dir *os.Root, bytes int64) error {
	if q == nil {
		return nil
	}
	project, err := q.project(dir)
	if err != nil {
		return fmt.Errorf("get the project of the directory: %w", err)
	}
	if project == 0 {
		if bytes == 0 {
			return nil
		}
		if project, err = q.unused(); err != nil {
			return fmt.Errorf("find an unused project: %w", err)
		}
		if err := assign(dir, project); err != nil {
			return fmt.Errorf("set the project of the directory: %w", err)
		}
	}
	if err := q.call(setQuota, project, &diskQuota{hardKiB: uint64(bytes+1023) >> 10, valid: limitsValid}); err != nil {
		return fmt.Errorf("set the limit of the directory: %w", err)
	}
	return nil
}

// project returns that of a directory, 0 when it has none of its own that its contents inherit.
func (q *quotas) project(dir *os.Root) (uint32, error) {
	if q == nil {
		return 0, nil
	}
	d, err := dir.Open(".")
	if err != nil {
		return 0, err
	}
	defer d.Close()
	attr, err := attributes(d)
	if err != nil || attr.flags&inherit == 0 || attr.project == q.parent {
		return 0, err
	}
	return attr.project, nil
}

// unused draws the number of a project that nothing belongs to. Administrators number theirs from 1.
func (q *quotas) unused() (uint32, error) {
	for {
		project := 1<<24 + rand.Uint32N(1<<30)
		quota, err := q.get(project)
		if errors.Is(err, fs.ErrNotExist) {
			return project, nil
		}
		if err != nil {
			return 0, err
		}
		if quota.hardKiB == 0 && quota.inodes == 0 && quota.bytes == 0 {
			return project, nil
		}
	}
}

// free forgets the limit of a project whose directory has gone.
func (q *quotas) free(project uint32) error {
	if q == nil || project == 0 {
		return nil
	}
	return q.call(setQuota, project, &diskQuota{valid: limitsValid})
}

// move gives a directory, and what is in it, to the project of another, below which it is to be moved: the kernel moves
// nothing between projects.
func (q *quotas) move(from *os.Root, name string, to *os.Root) error {
	if q == nil {
		return nil
	}
	project, err := q.project(to)
	if err != nil {
		return err
	}
	if project == 0 {
		project = q.parent
	}
	tree, err := openDir(from, name)
	if err != nil {
		return err
	}
	defer tree.Close()
	return assignAll(tree, project)
}

// assignAll gives a directory and all directories and files below it to a project. Entries of other kinds take no
// space to speak of.
func assignAll(dir *os.Root, project uint32) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	entries, err := d.ReadDir(-1)
	_ = d.Close()
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case e.IsDir():
			var sub *os.Root
			if sub, err = openDir(dir, e.Name()); err == nil {
				err = errors.Join(assignAll(sub, project), sub.Close())
			}
		case e.Type().IsRegular():
			var f *os.File
			if f, err = dir.OpenFile(e.Name(), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0); err == nil {
				err = errors.Join(setProject(f, project, false), f.Close())
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return assign(dir, project)
}

func assign(dir *os.Root, project uint32) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(setProject(d, project, true), d.Close())
}

func setProject(f *os.File, project uint32, isDir bool) error {
	attr, err := attributes(f)
	if err != nil {
		return err
	}
	attr.project = project
	switch {
	case isDir && project != 0:
		attr.flags |= inherit
	case isDir:
		attr.flags &^= inherit
	}
	return control(f, setAttr, &attr)
}

func attributes(f *os.File) (fileAttr, error) {
	var attr fileAttr
	err := control(f, getAttr, &attr)
	return attr, err
}

func control(f *os.File, request uintptr, attr *fileAttr) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(attr)))
	runtime.KeepAlive(f)
	if errno != 0 {
		return os.NewSyscallError("ioctl", errno)
	}
	return nil
}
