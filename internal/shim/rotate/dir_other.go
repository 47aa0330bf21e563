// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package rotate

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/nomadlike/nomadlike/internal/shim/beneath"
)

// errOccupied means that a name is taken by something that is not a log file.
var errOccupied = errors.New("log file name is taken")

// file is an open log file.
type file struct{ *os.File }

var noFile = file{}

// Dir is an open log directory.
type Dir struct {
	root *os.Root
}

// OpenDir opens a directory below base, which is trusted, without leaving base.
func OpenDir(base string, names ...string) (*Dir, error) {
	for _, name := range names {
		if !beneath.PlainName(name) {
			return nil, beneath.ErrName
		}
	}
	root, err := os.OpenRoot(base)
	if err != nil || len(names) == 0 {
		return &Dir{root: root}, err
	}
	defer root.Close()
	sub, err := root.OpenRoot(filepath.Join(names...))
	return &Dir{root: sub}, err
}

// Close closes the directory. Writers opened in it must be closed before.
func (d *Dir) Close() error { return d.root.Close() }

func (d *Dir) openLog(name string) (file, int64, error) {
	if st, err := d.root.Lstat(name); err == nil && !st.Mode().IsRegular() {
		if err := d.root.Remove(name); err != nil {
			return noFile, 0, errOccupied
		}
	}
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return noFile, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return noFile, 0, err
	}
	return file{f}, st.Size(), nil
}

// OpenAppend opens or creates a file that is no log file of a Writer, under the
// same rules.
func (d *Dir) OpenAppend(name string) (*os.File, error) {
	if !beneath.PlainName(name) {
		return nil, beneath.ErrName
	}
	f, _, err := d.openLog(name)
	return f.File, err
}

func (d *Dir) remove(name string) error { return d.root.Remove(name) }

func (d *Dir) each(f func(name string)) error {
	dir, err := d.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	for _, name := range names {
		f(name)
	}
	return err
}

func (f file) write(p []byte) (int, error) { return f.Write(p) }

func (f file) close() error {
	if f == noFile {
		return nil
	}
	return f.Close()
}
