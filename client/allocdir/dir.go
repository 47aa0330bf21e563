// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Dir is the open directory of one allocation. Its methods may be called concurrently; after Close they
// fail.
type Dir struct {
	parent *Root
	id     string
	path   string
	root   *os.Root

	closing sync.Once
}

// Path is the absolute path of the directory.
func (d *Dir) Path() string { return d.path }

// SharedPath is the absolute path of what all tasks share.
func (d *Dir) SharedPath() string { return filepath.Join(d.path, Shared) }

// LogsPath is the absolute path of the log directory.
func (d *Dir) LogsPath() string { return filepath.Join(d.path, Shared, Logs) }

// TaskPath is the absolute path of a task's directory, or of a part of it.
func (d *Dir) TaskPath(task string, part ...string) string {
	return filepath.Join(append([]string{d.path, task}, part...)...)
}

// Close releases the handle. It leaves the directory as it is.
func (d *Dir) Close() error {
	var err error
	d.closing.Do(func() { err = d.root.Close() })
	return err
}

// BuildTask makes the directory of a task, or completes it. The secrets and private directories are
// memory file systems where the agent may mount them, secrets of the given size in MiB, 1 when 0.
func (d *Dir) BuildTask(task string, secretsMB int) error {
	if err := CheckTaskName(task); err != nil {
		return err
	}
	who := d.parent.owner
	if err := mkdir(d.root, task, 0o777, who); err != nil {
		return fmt.Errorf("create task directory: %w", err)
	}
	root, err := openDir(d.root, task)
	if err != nil {
		return fmt.Errorf("open task directory: %w", err)
	}
	defer root.Close()
	if err := mkdir(root, Local, 0o777, who); err != nil {
		return fmt.Errorf("create local directory: %w", err)
	}
	if err := mkdir(root, Tmp, 0o777|fs.ModeSticky, who); err != nil {
		return fmt.Errorf("create temporary directory: %w", err)
	}
	if err := d.buildHidden(root, Secrets, max(secretsMB, 1)); err != nil {
		return fmt.Errorf("create secrets directory: %w", err)
	}
	if err := d.buildHidden(root, Private, 1); err != nil {
		return fmt.Errorf("create private directory: %w", err)
	}
	return nil
}

// buildHidden makes a directory that never reaches the disk if that can be had.
func (d *Dir) buildHidden(task *os.Root, name string, sizeMB int) error {
	mode, who := fs.FileMode(0o700), noOwner
	if name == Secrets && isRoot() {
		// Tasks may run as any user.
		mode, who = 0o777, d.parent.owner
	}
	if err := mkdir(task, name, mode, who); err != nil {
		return err
	}
	switch err := mountTmpfs(task, name, sizeMB, mode); {
	case errors.Is(err, errNoTmpfs):
	case err != nil:
		d.parent.warnTmpfs.Do(func() {
			d.parent.logger.Warn("secrets of tasks are kept on disk because no memory file system can be mounted", "error", err)
		})
	}
	return nil
}

// ReleaseSecrets unmounts the secrets and private directories of the tasks, which frees their memory.
// What was in them is gone, also what the docker driver has left mounted of them: no task is there any more.
func (d *Dir) ReleaseSecrets(tasks []string) error {
	errs := []error{d.parent.release(d.id)}
	for _, task := range tasks {
		if CheckTaskName(task) != nil {
			continue
		}
		root, err := openDir(d.root, task)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, unmountTmpfs(root, Secrets), unmountTmpfs(root, Private))
		_ = root.Close()
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("release secrets: %w", err)
	}
	return nil
}

// WriteLocal writes a file below the local directory of a task, making directories on the way.
func (d *Dir) WriteLocal(task, name string, data []byte) error {
	root, err := d.openParts(task, Local)
	if err != nil {
		return fmt.Errorf("open local directory: %w", err)
	}
	defer root.Close()
	name = filepath.Clean(filepath.FromSlash(name))
	if parent := filepath.Dir(name); parent != "." {
		if err := root.MkdirAll(parent, 0o777); err != nil {
			return fmt.Errorf("create %s: %w", parent, err)
		}
	}
	if err := root.WriteFile(name, data, 0o666); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// OpenLogs opens the log directory.
func (d *Dir) OpenLogs() (*os.Root, error) { return d.openParts(Shared, Logs) }

// Take moves the data of an earlier allocation into this one: alloc/data, and local of each task that
// both have (runtime.md 11).
func (d *Dir) Take(prev *Dir, tasks []string) error {
	moves := [][2]string{{Shared, Data}}
	for _, t := range tasks {
		if CheckTaskName(t) == nil {
			moves = append(moves, [2]string{t, Local})
		}
	}
	for _, m := range moves {
		from, err := prev.openParts(m[0])
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("open %s of the previous allocation: %w", m[0], err)
		}
		info, err := from.Lstat(m[1])
		there := err == nil && info.IsDir()
		if there {
			err = d.parent.quotas.move(from, m[1], d.root)
		}
		_ = from.Close()
		if errors.Is(err, fs.ErrNotExist) || err == nil && !there {
			continue
		}
		if err != nil {
			return fmt.Errorf("look at the data of the previous allocation: %w", err)
		}
		part := filepath.Join(m[0], m[1])
		if err := mkdir(d.root, m[0], 0o777, d.parent.owner); err != nil {
			return fmt.Errorf("create %s: %w", m[0], err)
		}
		if err := removeAll(d.root, part); err != nil {
			return fmt.Errorf("make room for %s: %w", part, err)
		}
		if err := d.parent.root.Rename(filepath.Join(prev.id, part), filepath.Join(d.id, part)); err != nil {
			return fmt.Errorf("move %s of the previous allocation: %w", part, err)
		}
	}
	return nil
}

// openParts opens a directory below the allocation's, no part of the way being a link.
func (d *Dir) openParts(parts ...string) (*os.Root, error) {
	cur := d.root
	for i, part := range parts {
		next, err := openDir(cur, part)
		if i > 0 {
			_ = cur.Close()
		}
		if err != nil {
			return nil, err
		}
		cur = next
	}
	return cur, nil
}
