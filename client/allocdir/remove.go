// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
)

// Bounds of a removal: how many levels of directories it holds open at once, and how many names of each.
const (
	removeLevels = 64
	removeBatch  = 1024
)

// removal removes a directory that a task has filled. What os.Root.RemoveAll does takes a handle for each level, and tasks
// nest as deep as they like: here what is too deep is moved to the top first.
type removal struct {
	top *os.Root
	// prefix and moved name what is moved to the top.
	prefix string
	moved  int
}

// removeAll removes an entry of a directory and all that is below it. It is no error if there is none.
func removeAll(parent *os.Root, name string) error {
	return (&removal{}).remove(parent, name, 0)
}

func (r *removal) remove(parent *os.Root, name string, level int) error {
	err := parent.Remove(name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	info, lerr := parent.Lstat(name)
	if lerr != nil || !info.IsDir() {
		return err
	}
	if info.Mode().Perm()&0o700 != 0o700 {
		_ = parent.Chmod(name, 0o700) // what cannot be done without shows below
	}
	if level > removeLevels {
		r.moved++
		return Rename(parent, name, r.top, r.prefix+strconv.Itoa(r.moved))
	}
	dir, err := openDir(parent, name)
	if err != nil {
		return err
	}
	if r.top == nil {
		var random [8]byte
		_, _ = rand.Read(random[:]) // crypto/rand.Read never fails, see its documentation.
		r.top, r.prefix = dir, ".gone-"+hex.EncodeToString(random[:])+"-"
	}
	err = errors.Join(r.empty(dir, level+1), dir.Close())
	if err != nil {
		return err
	}
	return parent.Remove(name)
}

// empty removes what is in a directory, as much of it as can be.
func (r *removal) empty(dir *os.Root, level int) error {
	for {
		gone, err := r.pass(dir, level)
		if err != nil || gone == 0 {
			return err
		}
	}
}

// pass removes what it finds in a directory and says how much that was. As entries go and come meanwhile it may miss some.
// It fails if it could remove nothing of what is there.
func (r *removal) pass(dir *os.Root, level int) (gone int, err error) {
	d, err := dir.Open(".")
	if err != nil {
		return 0, err
	}
	defer d.Close()
	var failed error
	for {
		names, err := d.Readdirnames(removeBatch)
		for _, name := range names {
			if err := r.remove(dir, name, level); err == nil {
				gone++
			} else if failed == nil {
				failed = err
			}
		}
		switch {
		case errors.Is(err, io.EOF) && gone > 0:
			return gone, nil
		case errors.Is(err, io.EOF):
			return 0, failed
		case err != nil:
			return gone, err
		}
	}
}
