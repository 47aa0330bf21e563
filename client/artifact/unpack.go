// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"archive/tar"
	"archive/zip"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	getter "github.com/hashicorp/go-getter/v2"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// archives are the decompressors of archives, by the end of their names. Those of go-getter make an empty file of
// each link and of each device; here links are links, which are inspected before they are installed.
func (s *spec) archives() map[string]getter.Decompressor {
	tarball := func(open func(io.Reader) (io.Reader, error)) getter.Decompressor {
		return &tarArchive{limits: &s.Limits, open: open}
	}
	gz := tarball(func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
	bz2 := tarball(func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil })
	txz := tarball(func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) })
	zst := tarball(func(r io.Reader) (io.Reader, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	})
	return map[string]getter.Decompressor{
		"tar":    tarball(func(r io.Reader) (io.Reader, error) { return r, nil }),
		"tar.gz": gz, "tgz": gz, "tar.bz2": bz2, "tbz2": bz2, "tar.xz": txz, "txz": txz, "tar.zst": zst, "tzst": zst,
		"zip": &zipArchive{&s.Limits},
	}
}

// member is something in an archive.
type member struct {
	name string
	mode fs.FileMode
	time time.Time
	size int64
	// target is where a symbolic link leads, same the member that a hard link is another name of.
	target, same string
	open         func() (io.ReadCloser, error)
}

// unpacking writes the members of one archive to a directory, or the only one to a file.
type unpacking struct {
	kind   string
	limits *limits
	root   *os.Root
	umask  fs.FileMode
	// only is the name of the one file, empty if the archive becomes a directory.
	only  string
	count int
	size  int64
	done  bool
	dirs  []member
	// made are the directories that were made for members.
	made map[string]struct{}
}

// unpack opens what the archive is unpacked to and has each write its members there.
func unpack(kind string, limits *limits, dst, src string, dir bool, umask os.FileMode, each func(u *unpacking) error) error {
	u := &unpacking{kind: kind, limits: limits, umask: umask}
	at := dst
	if !dir {
		at, u.only = filepath.Split(dst)
	}
	if err := os.MkdirAll(at, 0o755&^umask); err != nil {
		return err
	}
	root, err := os.OpenRoot(at)
	if err != nil {
		return err
	}
	defer root.Close()
	u.root = root
	if err := each(u); err != nil {
		return err
	}
	if !u.done {
		return fmt.Errorf("empty archive: %s", src)
	}
	return u.finish()
}

// add writes a member.
func (u *unpacking) add(m *member) error {
	if u.count++; u.limits.UnpackFiles > 0 && u.count > u.limits.UnpackFiles {
		return fmt.Errorf("%s archive contains too many files: more than %d", u.kind, u.limits.UnpackFiles)
	}
	if u.size += m.size; u.limits.UnpackSize > 0 && u.size > u.limits.UnpackSize {
		return fmt.Errorf("%s archive larger than limit: %d", u.kind, u.limits.UnpackSize)
	}
	name, err := memberName(m.name)
	if err != nil {
		return err
	}
	if u.only != "" {
		if u.done || !m.mode.IsRegular() || m.same != "" {
			return fmt.Errorf("expected a single file, got %s in the %s archive; mode \"dir\" takes all of it", m.name, u.kind)
		}
		name = u.only
	}
	if err := u.write(name, m); err != nil {
		return fmt.Errorf("unpack %s: %w", m.name, err)
	}
	return nil
}

func (u *unpacking) write(name string, m *member) error {
	if m.mode.IsDir() {
		if name != "." {
			u.dirs = append(u.dirs, member{name: name, mode: m.mode, time: m.time})
		}
		return u.makeDir(name)
	}
	u.done = true
	if err := u.makeDir(path.Dir(name)); err != nil {
		return err
	}
	// A later member of the same name replaces the first, and is not written through it if that is a link.
	if old, err := u.root.Lstat(name); err == nil && !old.IsDir() {
		if err := u.root.Remove(name); err != nil {
			return err
		}
	}
	switch {
	case m.same != "":
		same, err := memberName(m.same)
		if err != nil {
			return err
		}
		if err := u.root.Link(same, name); err != nil {
			return fmt.Errorf("it is a link to %s, which must come before it: %w", m.same, err)
		}
		return nil
	case m.mode&fs.ModeSymlink != 0:
		return u.root.Symlink(m.target, name)
	case !m.mode.IsRegular():
		return errors.New("it is neither a file, a directory nor a link")
	}
	return u.file(name, m)
}

// makeDir makes a directory and those above it. They count, members or not: a few bytes of a compressed archive can name
// thousands of them, each of which takes a block and an inode.
func (u *unpacking) makeDir(name string) error {
	if strings.Count(name, "/") >= maxDepth {
		return fmt.Errorf("its directories are nested deeper than %d", maxDepth)
	}
	if u.made == nil {
		u.made = map[string]struct{}{".": {}}
	}
	for at := name; ; at = path.Dir(at) {
		if _, ok := u.made[at]; ok {
			break
		}
		u.made[at] = struct{}{}
	}
	if most := u.limits.UnpackFiles; most > 0 && len(u.made)-1 > most {
		return fmt.Errorf("the %s archive contains too many directories: more than %d", u.kind, most)
	}
	return u.root.MkdirAll(name, 0o755&^u.umask)
}

func (u *unpacking) file(name string, m *member) error {
	from, err := m.open()
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Chmod(m.mode.Perm()&^u.umask), to.Close()); err != nil {
		return err
	}
	return u.setTime(name, m.time)
}

// setTime sets the time of a member that has one.
func (u *unpacking) setTime(name string, t time.Time) error {
	if t.Unix() <= 0 {
		return nil
	}
	return u.root.Chtimes(name, t, t)
}

// finish gives the directories their permissions and times, which writing to them would change or prevent.
func (u *unpacking) finish() error {
	for _, m := range slices.Backward(u.dirs) {
		if now, err := u.root.Lstat(m.name); err != nil || !now.IsDir() {
			continue // a later member took its place
		}
		if err := errors.Join(u.setTime(m.name, m.time), u.root.Chmod(m.name, m.mode.Perm()&^u.umask)); err != nil {
			return err
		}
	}
	return nil
}

// memberName returns the path of a member below the destination.
func memberName(name string) (string, error) {
	slashed := strings.ReplaceAll(name, `\`, "/")
	if slices.Contains(strings.Split(slashed, "/"), "..") {
		return "", fmt.Errorf("entry contains '..': %s", name)
	}
	if filepath.Separator == '/' {
		slashed = name
	}
	return path.Clean(strings.TrimLeft(slashed, "/")), nil
}

// tarArchive unpacks tar archives.
type tarArchive struct {
	limits *limits
	// open gives the archive without its compression.
	open func(io.Reader) (io.Reader, error)
}

// Decompress implements getter.Decompressor.
func (a *tarArchive) Decompress(dst, src string, dir bool, umask os.FileMode) error {
	f, err := os.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
	plain, err := a.open(f)
	if err != nil {
		return fmt.Errorf("open the compressed archive: %w", err)
	}
	if c, ok := plain.(io.Closer); ok {
		defer c.Close()
	}
	return unpack("tar", a.limits, dst, src, dir, umask, func(u *unpacking) error {
		r := tar.NewReader(plain)
		for {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read the tar archive: %w", err)
			}
			if h.Typeflag == tar.TypeXGlobalHeader {
				continue
			}
			m := &member{name: h.Name, mode: h.FileInfo().Mode(), time: h.ModTime, size: h.Size, open: func() (io.ReadCloser, error) { return io.NopCloser(r), nil }}
			switch h.Typeflag {
			case tar.TypeLink:
				m.same = h.Linkname
			case tar.TypeSymlink:
				m.target = h.Linkname
			}
			if err := u.add(m); err != nil {
				return err
			}
		}
	})
}

// maxTarget is how long the target of a link in a zip archive may be, in bytes.
const maxTarget = 4096

// zipArchive unpacks zip archives.
type zipArchive struct{ limits *limits }

// Decompress implements getter.Decompressor.
func (a *zipArchive) Decompress(dst, src string, dir bool, umask os.FileMode) error {
	r, err := zip.OpenReader(src)
	if err != nil {
		return err
	}
	defer r.Close()
	return unpack("zip", a.limits, dst, src, dir, umask, func(u *unpacking) error {
		for _, f := range r.File {
			m := &member{name: f.Name, mode: f.Mode(), time: f.Modified, size: f.FileInfo().Size(), open: f.Open}
			if m.mode&fs.ModeSymlink != 0 {
				target, err := readTarget(f)
				if err != nil {
					return fmt.Errorf("unpack %s: %w", f.Name, err)
				}
				m.target, m.size = target, 0
			}
			if err := u.add(m); err != nil {
				return err
			}
		}
		return nil
	})
}

func readTarget(f *zip.File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	target, err := io.ReadAll(io.LimitReader(r, maxTarget+1))
	if err == nil && len(target) > maxTarget {
		err = errors.New("the target of the link is too long")
	}
	return string(target), err
}
