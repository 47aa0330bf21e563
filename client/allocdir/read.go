// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Errors of reading.
var (
	// ErrEscapes says that a path, or a link on its way, leads out of the allocation directory.
	ErrEscapes = errors.New("Path escapes the alloc directory") //nolint:staticcheck // text of the contract
	// ErrSecret says that a file is below a secrets or private directory.
	ErrSecret = errors.New("reading a secret file is not allowed")
	// ErrNotRegular says that a pipe, socket or device was asked for.
	ErrNotRegular = errors.New("not a regular file")

	errMoved        = errors.New("directory was replaced while it was opened")
	errNotDirectory = syscall.ENOTDIR
)

// Limits of one path: a task could otherwise make the agent hold any number of handles.
const (
	maxLinks = 40
	maxDepth = 200
)

// place is where a path leads: an entry of an open directory.
type place struct {
	parent *os.Root
	// owned says that parent is to be closed.
	owned bool
	// name is "." for the allocation directory itself.
	name string
	// names is the real path below the allocation directory, without links.
	names []string
	info  fs.FileInfo
}

func (p *place) close() {
	if p.owned {
		_ = p.parent.Close()
	}
}

// hidden reports whether the place is below the secrets or private directory of a task.
func (p *place) hidden() bool {
	return len(p.names) > 2 && p.names[0] != Shared && (p.names[1] == Secrets || p.names[1] == Private)
}

// level is one open directory on the way.
type level struct {
	root *os.Root
	name string
}

// resolve follows path beneath the allocation directory, links included as long as they stay inside.
func (d *Dir) resolve(path string) (*place, error) {
	todo, err := split(path)
	if err != nil {
		return nil, err
	}
	fail := func(err error) error {
		return &fs.PathError{Op: "stat", Path: filepath.Join(d.path, filepath.FromSlash(path)), Err: err}
	}
	stack := []level{{root: d.root}}
	defer func() {
		for _, l := range stack[1:] {
			_ = l.root.Close()
		}
	}()
	for links := 0; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		top := stack[len(stack)-1]
		if name == ".." {
			if len(stack) == 1 {
				return nil, ErrEscapes
			}
			_ = top.root.Close()
			stack = stack[:len(stack)-1]
			continue
		}
		info, err := top.root.Lstat(name)
		if err != nil {
			return nil, fail(reason(err))
		}
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			if links++; links > maxLinks {
				return nil, fail(syscall.ELOOP)
			}
			target, err := top.root.Readlink(name)
			if err != nil {
				return nil, fail(reason(err))
			}
			more, fromTop, err := d.linkTarget(target)
			if err != nil {
				return nil, err
			}
			if fromTop {
				for _, l := range stack[1:] {
					_ = l.root.Close()
				}
				stack = stack[:1]
			}
			todo = append(more, todo...)
		case info.IsDir():
			if len(stack) > maxDepth {
				return nil, fail(syscall.ENAMETOOLONG)
			}
			next, err := openSame(top.root, name, info)
			if err != nil {
				return nil, fail(reason(err))
			}
			stack = append(stack, level{root: next, name: name})
		case len(todo) > 0:
			return nil, fail(errNotDirectory)
		default:
			p := &place{parent: top.root, owned: len(stack) > 1, name: name, info: info}
			p.names = append(names(stack), name)
			if p.owned {
				stack = stack[:len(stack)-1] // the place closes it
			}
			return p, nil
		}
	}
	top := stack[len(stack)-1]
	info, err := top.root.Stat(".")
	if err != nil {
		return nil, fail(reason(err))
	}
	p := &place{parent: top.root, owned: len(stack) > 1, name: ".", names: names(stack), info: info}
	if p.owned {
		stack = stack[:len(stack)-1]
	}
	return p, nil
}

func names(stack []level) []string {
	out := make([]string, 0, len(stack))
	for _, l := range stack[1:] {
		out = append(out, l.name)
	}
	return out
}

// split returns the names of a path as callers give it: relative to the allocation directory, with or
// without a slash in front.
func split(path string) ([]string, error) {
	clean := filepath.ToSlash(filepath.Clean(strings.TrimLeft(filepath.FromSlash(path), string(filepath.Separator))))
	if clean == "." || clean == "" {
		return nil, nil
	}
	if strings.ContainsRune(clean, 0) || filepath.VolumeName(clean) != "" || strings.HasPrefix(clean, "/") {
		return nil, ErrEscapes
	}
	parts := strings.Split(clean, "/")
	if parts[0] == ".." {
		return nil, ErrEscapes
	}
	return parts, nil
}

// linkTarget returns the names a link leads to, and whether they start at the allocation directory.
// A task that sees the file system of the host makes links with absolute paths of it.
func (d *Dir) linkTarget(target string) (parts []string, fromTop bool, err error) {
	if filepath.IsAbs(target) {
		rel, ok := strings.CutPrefix(filepath.Clean(target), d.path)
		if !ok || rel != "" && rel[0] != filepath.Separator {
			return nil, false, ErrEscapes
		}
		fromTop, target = true, rel
	}
	parts = slices.DeleteFunc(strings.Split(filepath.ToSlash(target), "/"), func(s string) bool { return s == "" || s == "." })
	return parts, fromTop, nil
}

// openSame opens a directory and makes sure that it is the one that was looked at.
func openSame(parent *os.Root, name string, info fs.FileInfo) (*os.Root, error) {
	next, err := parent.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	opened, err := next.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = errMoved
	}
	if err != nil {
		_ = next.Close()
		return nil, err
	}
	return next, nil
}

// reason takes the path out of an error, whose path is that of a handle.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// Stat describes a file or directory, following links that stay inside.
func (d *Dir) Stat(path string) (fs.FileInfo, error) {
	p, err := d.resolve(path)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if p.name == "." && len(p.names) > 0 {
		return namedInfo{p.info, p.names[len(p.names)-1]}, nil
	}
	return p.info, nil
}

// namedInfo gives the info of an open directory the name it was found under.
type namedInfo struct {
	fs.FileInfo
	name string
}

func (n namedInfo) Name() string { return n.name }

// List tells of the entries of a directory, sorted by name, each when it has been looked at: a task can make more of
// them than anyone wants to hold. Links are described, not followed.
func (d *Dir) List(path string, tell func(fs.FileInfo)) error {
	p, err := d.resolve(path)
	if err != nil {
		return err
	}
	defer p.close()
	fail := func(err error) error {
		return &fs.PathError{Op: "readdir", Path: filepath.Join(d.path, filepath.FromSlash(path)), Err: reason(err)}
	}
	if !p.info.IsDir() {
		return fail(errNotDirectory)
	}
	dir, err := p.parent.Open(".")
	if err != nil {
		return fail(err)
	}
	defer dir.Close()
	entries, err := dir.Readdirnames(-1)
	if err != nil {
		return fail(err)
	}
	slices.Sort(entries)
	for _, name := range entries {
		info, err := p.parent.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fail(err)
		}
		tell(info)
	}
	return nil
}

// File is an open regular file and the directory it is in.
type File struct {
	*os.File
	// Info is that of the file when it was opened.
	Info   fs.FileInfo
	parent *os.Root
	owned  bool
	// Name is the last part of the real path.
	Name string
}

// Close closes the file and its directory.
func (f *File) Close() error {
	err := f.File.Close()
	if f.owned {
		err = errors.Join(err, f.parent.Close())
	}
	return err
}

// Parent is the open directory of the file; it is closed with the file.
func (f *File) Parent() *os.Root { return f.parent }

// Open opens a regular file for reading. It refuses secrets, and never waits for pipes or touches
// devices.
func (d *Dir) Open(path string) (*File, error) {
	p, err := d.resolve(path)
	if err != nil {
		return nil, err
	}
	full := filepath.Join(d.path, filepath.FromSlash(path))
	switch {
	case p.info.IsDir():
		p.close()
		return nil, &fs.PathError{Op: "read", Path: full, Err: syscall.EISDIR}
	case p.hidden():
		p.close()
		return nil, fmt.Errorf("%w: %s", ErrSecret, path)
	case !p.info.Mode().IsRegular():
		p.close()
		return nil, &fs.PathError{Op: "open", Path: full, Err: ErrNotRegular}
	}
	f, err := p.parent.OpenFile(p.name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		p.close()
		return nil, &fs.PathError{Op: "open", Path: full, Err: reason(err)}
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(info, p.info) {
		err = &fs.PathError{Op: "open", Path: full, Err: errMoved}
	}
	if err != nil {
		_ = f.Close()
		p.close()
		return nil, err
	}
	return &File{File: f, Info: info, parent: p.parent, owned: p.owned, Name: p.name}, nil
}
