// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Views is a directory with a view of each task's directories: what a task sees that is shown parts of the host, without
// a way to the directories of others (UNVEIL in driver-plugin-protocol.md 8.3).
type Views struct{ path string }

// NewViews returns the views below a directory, which is made when the first one is.
func NewViews(path string) *Views { return &Views{path: path} }

// Seen is where a task finds its parts below the directory of views.
func (v *Views) Seen(allocID, task string) Seen {
	dir := filepath.Join(v.path, viewName(allocID, task))
	return Seen{Shared: filepath.Join(dir, Shared), Local: filepath.Join(dir, Local), Secrets: filepath.Join(dir, Secrets)}
}

func viewName(allocID, task string) string { return allocID + "-" + task }

// Show makes the view of a task, or completes it; it belongs to the user and group, which may be negative for nobody else
// than the agent's. The parts are mounted from the directory of the task, which exists.
func (v *Views) Show(d *Dir, task string, uid, gid int) error {
	if err := CheckTaskName(task); err != nil {
		return err
	}
	if err := os.MkdirAll(v.path, 0o711); err != nil {
		return fmt.Errorf("create the directory of views: %w", err)
	}
	root, err := os.OpenRoot(v.path)
	if err != nil {
		return fmt.Errorf("open the directory of views: %w", err)
	}
	defer root.Close()
	name := viewName(d.id, task)
	if err := mkdir(root, name, 0o710, ownerOf(uid, gid)); err != nil {
		return fmt.Errorf("create the view: %w", err)
	}
	view, err := openDir(root, name)
	if err != nil {
		return fmt.Errorf("open the view: %w", err)
	}
	defer view.Close()
	for part, from := range map[string][]string{Shared: {Shared}, Local: {task, Local}, Secrets: {task, Secrets}} {
		if err := mkdir(view, part, 0o700, noOwner); err != nil {
			return fmt.Errorf("create %s of the view: %w", part, err)
		}
		source, err := d.openParts(from...)
		if err != nil {
			return fmt.Errorf("open %s: %w", part, err)
		}
		err = bind(source, view, part)
		_ = source.Close()
		if err != nil {
			return fmt.Errorf("show %s: %w", part, err)
		}
	}
	return nil
}

// Hide takes the view of a task away. It is no error if there is none.
func (v *Views) Hide(allocID, task string) error {
	if err := CheckTaskName(task); err != nil {
		return err
	}
	return v.hide(viewName(allocID, task))
}

// HideAll takes the views of all tasks of an allocation away.
func (v *Views) HideAll(allocID string) error {
	if !validAllocID(allocID) {
		return fmt.Errorf("allocation id %q cannot name a directory", allocID)
	}
	entries, err := os.ReadDir(v.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var errs []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), allocID+"-") {
			errs = append(errs, v.hide(e.Name()))
		}
	}
	return errors.Join(append(errs, err)...)
}

func (v *Views) hide(name string) error {
	dir := filepath.Join(v.path, name)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := unmountBelow(dir); err != nil {
		return fmt.Errorf("unmount a view: %w", err)
	}
	// Only empty directories are removed: whatever is mounted there is not ours to remove.
	for _, part := range []string{Shared, Local, Secrets, ""} {
		if err := os.Remove(filepath.Join(dir, part)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a view: %w", err)
		}
	}
	return nil
}
