// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/client/allocdir"
)

// errInspection marks artifacts whose contents are refused.
var errInspection = errors.New("artifact is refused")

// maxDepth bounds how deep directories of an artifact may nest; each level costs a handle.
const maxDepth = 128

// install checks what the child left and moves it to where it belongs.
func (f *Fetcher) install(stage *allocdir.Stage, where *allocdir.Inside, s *spec, owner *Owner) error {
	out, err := stage.Open(stageWork, workOut)
	if err != nil {
		return fmt.Errorf("open what was downloaded: %w", err)
	}
	defer out.Close()
	i := &inspector{top: out, links: !f.cfg.DisableArtifactInspection, owner: owner}
	if err := i.tree(out, nil); err != nil {
		return err
	}
	if s.Mode == ModeFile {
		return installFile(out, s.Name, where)
	}
	to, err := where.MakeDir()
	if err != nil {
		return fmt.Errorf("create the destination: %w", err)
	}
	defer to.Close()
	return merge(out, to)
}

// installFile moves the one file of mode file, which may not be called what the child was told if the
// source was an archive.
func installFile(out *os.Root, name string, where *allocdir.Inside) error {
	to, base, err := where.MakeParent()
	if err != nil {
		return fmt.Errorf("create the destination: %w", err)
	}
	defer to.Close()
	info, err := out.Lstat(name)
	if err != nil {
		return fmt.Errorf("find what was downloaded: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: mode \"file\" needs a source that is a file", errInspection)
	}
	if err := makeRoom(to, base, false); err != nil {
		return err
	}
	return move(out, name, to, base, info)
}

// inspector looks at everything in an artifact before any of it is installed.
type inspector struct {
	top *os.Root
	// links refuses links that lead out.
	links bool
	owner *Owner
}

// tree inspects a directory; names are those on the way to it.
func (i *inspector) tree(dir *os.Root, names []string) error {
	if len(names) > maxDepth {
		return fmt.Errorf("%w: its directories are nested too deep", errInspection)
	}
	entries, err := list(dir)
	if err != nil {
		return err
	}
	for _, name := range entries {
		info, err := dir.Lstat(name)
		if err != nil {
			return err
		}
		at := path.Join(append(append([]string(nil), names...), name)...)
		switch mode := info.Mode(); {
		case mode&fs.ModeSymlink != 0:
			err = i.link(dir, name, at)
		case mode.IsDir():
			err = i.directory(dir, name, mode, names)
		case mode.IsRegular():
			if mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 {
				err = dir.Chmod(name, mode.Perm())
			}
		default:
			err = fmt.Errorf("%w: %s is neither a file, a directory nor a link", errInspection, at)
		}
		if err == nil && i.owner != nil {
			err = dir.Lchown(name, i.owner.UID, i.owner.GID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (i *inspector) directory(dir *os.Root, name string, mode fs.FileMode, names []string) error {
	// Archives may hold directories that nobody can enter.
	if fit := mode.Perm() | 0o700; fit != mode&^fs.ModeDir {
		if err := dir.Chmod(name, fit); err != nil {
			return err
		}
	}
	sub, err := dir.OpenRoot(name)
	if err != nil {
		return err
	}
	defer sub.Close()
	return i.tree(sub, append(slices.Clip(names), name))
}

// link refuses links that lead out of the artifact.
func (i *inspector) link(dir *os.Root, name, at string) error {
	if !i.links {
		return nil
	}
	target, err := dir.Readlink(name)
	if err != nil {
		return err
	}
	if filepath.IsAbs(target) || i.leadsOut(path.Dir(at), filepath.ToSlash(target)) {
		return fmt.Errorf("%w: the link %s leads out of the artifact", errInspection, at)
	}
	return nil
}

// leadsOut reports whether the target of a link in a directory leads out of the artifact, or may: it goes back from something
// that is no directory, such as another link.
func (i *inspector) leadsOut(dir, target string) bool {
	for step := range strings.SplitSeq(target, "/") {
		if step == ".." {
			if dir == "." {
				return true
			}
			if info, err := i.top.Lstat(dir); err != nil || !info.IsDir() {
				return true
			}
		}
		dir = path.Join(dir, step)
	}
	return false
}

// merge moves everything from one directory to another. Directories that are in both are merged, other
// entries of the same name replaced.
func merge(from, to *os.Root) error {
	entries, err := list(from)
	if err != nil {
		return err
	}
	for _, name := range entries {
		info, err := from.Lstat(name)
		if err != nil {
			return err
		}
		if info.IsDir() {
			if old, err := to.Lstat(name); err == nil && old.IsDir() {
				if err := mergeDirs(from, name, to, name); err != nil {
					return err
				}
				continue
			}
		}
		if err := makeRoom(to, name, info.IsDir()); err != nil {
			return err
		}
		if err := move(from, name, to, name, info); err != nil {
			return fmt.Errorf("install %s: %w", name, err)
		}
	}
	return nil
}

func mergeDirs(from *os.Root, name string, to *os.Root, newName string) error {
	src, err := from.OpenRoot(name)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := allocdir.OpenDirectory(to, newName)
	if err != nil {
		return err
	}
	defer dst.Close()
	return merge(src, dst)
}

// makeRoom removes what a rename would not replace. Directories of the task are not removed for a file.
func makeRoom(to *os.Root, name string, forDir bool) error {
	old, err := to.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case old.IsDir() && !forDir:
		return fmt.Errorf("%w: the destination has a directory %q where the artifact has a file", errInspection, name)
	case !old.IsDir() && forDir:
		return to.Remove(name)
	}
	return nil
}

func list(dir *os.Root) ([]string, error) {
	f, err := dir.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
