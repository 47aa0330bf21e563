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

// Seen are the shared, local and secrets directories of a task as the task sees them.
type Seen struct {
	Shared, Local, Secrets string
	// Rooted says that the directory of the task is its root, and the shared one the directory alloc of that.
	Rooted bool
}

// Inside is a place that a job names: below the directory of a task, or below the shared directory. Links on the
// way are followed only as long as they stay there.
type Inside struct {
	dir *Dir
	// base is the task or Shared, rel the path below it.
	base, rel string
}

// ErrOutside says that a path of a job leads out of what its task may use.
var ErrOutside = errors.New("path leads out of the directories of the task")

// Inside finds the place that a path of a job means: one that begins with a directory as the task sees it, one of the
// host below the allocation directory, or one relative to the directory of the task, as all others are.
func (d *Dir) Inside(task string, seen Seen, path string) (*Inside, error) {
	if err := CheckTaskName(task); err != nil {
		return nil, err
	}
	if strings.ContainsRune(path, 0) {
		return nil, ErrOutside
	}
	inside, ok := d.known(task, seen, path)
	if !ok {
		inside = filepath.Join(task, path)
	}
	clean := filepath.Clean(inside)
	if clean == ".." || strings.HasPrefix(clean, ".."+string(filepath.Separator)) {
		return nil, ErrOutside
	}
	base, rel, _ := strings.Cut(strings.TrimPrefix(clean, string(filepath.Separator)), string(filepath.Separator))
	if rel == "" {
		rel = "."
	}
	if base != task && base != Shared {
		return nil, ErrOutside
	}
	if first, rest, _ := strings.Cut(rel, string(filepath.Separator)); base == task {
		switch {
		case first == Private:
			return nil, ErrOutside
		case first == Shared && seen.Rooted:
			base, rel = Shared, filepath.Join(".", rest)
		}
	}
	return &Inside{dir: d, base: base, rel: rel}, nil
}

// known translates an absolute path that begins with a directory as the task sees it, or with that of the
// allocation, to one relative to the latter.
func (d *Dir) known(task string, seen Seen, path string) (string, bool) {
	if !filepath.IsAbs(path) {
		return "", false
	}
	for _, m := range []struct {
		prefix string
		parts  []string
	}{
		{d.path, nil},
		{seen.Shared, []string{Shared}},
		{seen.Local, []string{task, Local}},
		{seen.Secrets, []string{task, Secrets}},
	} {
		if rel, ok := below(m.prefix, path); ok {
			return filepath.Join(append(m.parts, rel)...), true
		}
	}
	return "", false
}

// Known reports whether an absolute path means one inside the allocation directory.
func (d *Dir) Known(seen Seen, path string) bool {
	_, ok := d.known("", seen, path)
	return ok
}

// below reports whether an absolute path is dir or in it, and returns the rest.
func below(dir, path string) (string, bool) {
	if dir == "" || !filepath.IsAbs(dir) {
		return "", false
	}
	path = filepath.Clean(path)
	rest, ok := strings.CutPrefix(path, filepath.Clean(dir))
	if !ok || rest != "" && rest[0] != filepath.Separator {
		return "", false
	}
	return strings.TrimPrefix(rest, string(filepath.Separator)), true
}

// Name is the place relative to the allocation directory, for texts.
func (i *Inside) Name() string { return filepath.ToSlash(filepath.Join(i.base, i.rel)) }

// open opens the base, which is a directory and no link.
func (i *Inside) open() (*os.Root, error) { return openDir(i.dir.root, i.base) }

// MakeDir makes the place a directory, unless it is one, and opens it.
func (i *Inside) MakeDir() (*os.Root, error) {
	root, err := i.open()
	if err != nil || i.rel == "." {
		return root, err
	}
	defer root.Close()
	if err := i.mkdirAll(root, i.rel); err != nil {
		return nil, err
	}
	return root.OpenRoot(i.rel)
}

// MakeParent makes the directory that the place is in, and opens it; base is the name of the place there.
func (i *Inside) MakeParent() (parent *os.Root, base string, err error) {
	if i.rel == "." {
		return nil, "", fmt.Errorf("%s is a directory of the task, not a file: %w", i.Name(), ErrOutside)
	}
	up := &Inside{dir: i.dir, base: i.base, rel: filepath.Dir(i.rel)}
	parent, err = up.MakeDir()
	return parent, filepath.Base(i.rel), err
}

// mkdirAll makes directories that belong to whom the directories of tasks belong to.
func (i *Inside) mkdirAll(root *os.Root, rel string) error {
	made := ""
	for part := range strings.SplitSeq(rel, string(filepath.Separator)) {
		made = filepath.Join(made, part)
		err := root.Mkdir(made, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = root.Chmod(made, 0o755) // whatever the umask is
		}
		if err == nil {
			err = i.dir.parent.owner.give(root, made)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ReadFile reads a regular file at the place, of at most limit bytes. It never waits for pipes.
func (i *Inside) ReadFile(limit int64) ([]byte, fs.FileInfo, error) {
	root, err := i.open()
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	f, err := root.OpenFile(i.rel, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, nil, &fs.PathError{Op: "open", Path: i.Name(), Err: reason(err)}
	}
	defer f.Close()
	return ReadRegular(f, i.Name(), limit)
}

// Stat describes what is at the place.
func (i *Inside) Stat() (fs.FileInfo, error) {
	root, err := i.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(i.rel)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: i.Name(), Err: reason(err)}
	}
	return info, nil
}

// OpenDirectory opens a directory that is one, not a link to one.
func OpenDirectory(root *os.Root, name string) (*os.Root, error) { return openDir(root, name) }
