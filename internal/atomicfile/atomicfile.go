// SPDX-License-Identifier: MPL-2.0

// Package atomicfile puts files in their places completely or not at all. It owns nothing and imports the standard
// library only. Directories that tasks can write to are none of its business: what is written there goes beneath a
// held directory, which client/allocdir does.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// mark is between the name of a file and what makes the name of its draft its own.
const mark = ".draft-"

// Write puts data at path, with the mode and without regard to the process's umask. Readers see the file that was there
// before or the whole new one, also after a kill of this process or a power failure. A link at path is replaced. The
// errors are those of package os.
func Write(path string, data []byte, mode fs.FileMode) error {
	return Fill(path, mode, func(draft *os.File) error {
		_, err := draft.Write(data)
		return err
	})
}

// Fill is Write for what is not in memory: fill writes to the draft, which nobody but the owner can read until it is in
// its place. An error of fill is returned as it is, and nothing is left of the draft.
func Fill(path string, mode fs.FileMode, fill func(draft *os.File) error) error {
	dir, base := filepath.Dir(path), filepath.Base(path)
	draft, err := os.CreateTemp(dir, "."+base+mark+"*")
	if err != nil {
		return err
	}
	if err = fill(draft); err == nil {
		err = errors.Join(draft.Chmod(mode), draft.Sync())
	}
	err = errors.Join(err, draft.Close())
	if err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(draft.Name()))
	}
	return syncDir(dir)
}

// syncDir makes what was renamed in a directory outlive a power failure.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // There is no way to, and none is needed: NTFS keeps a journal of names.
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Sweep removes the drafts that killed processes have left of a file. Only who alone writes the file may call it.
func Sweep(path string) error {
	dir, base := filepath.Dir(path), filepath.Base(path)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "."+base+mark) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
