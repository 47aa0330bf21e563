// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Limits of an archive. How large it is is left to the disk: a task could fill that by itself.
const (
	maxMembers  = 1_000_000
	maxErrorLog = 4 << 10
)

// errorLog names the member that tells why an archive ends early (runtime.md 3).
func errorLog(id string) string { return "NOMAD-" + id + "-ERROR.log" }

// portable are the directories that move with an allocation: alloc/data, and local of each task.
func portable(tasks []string) []string {
	out := []string{Shared + "/" + Data}
	for _, t := range tasks {
		if CheckTaskName(t) == nil {
			out = append(out, t+"/"+Local)
		}
	}
	return out
}

// Snapshot writes a tar archive of what moves with the allocation. What is neither file, directory nor link
// is left out. When it fails a last member says why, so that the reader does not take the part for the whole.
func (d *Dir) Snapshot(w io.Writer, tasks []string) error {
	out := tar.NewWriter(w)
	err := d.writeParts(out, portable(tasks))
	if err != nil {
		text := err.Error()
		text = text[:min(len(text), maxErrorLog)]
		header := &tar.Header{Typeflag: tar.TypeReg, Name: errorLog(d.id), Mode: 0o666, Size: int64(len(text))}
		if out.WriteHeader(header) == nil {
			_, _ = io.WriteString(out, text)
		}
	}
	return errors.Join(err, out.Close())
}

func (d *Dir) writeParts(out *tar.Writer, parts []string) error {
	for _, part := range parts {
		parent, name := path.Split(part)
		root, err := d.openParts(strings.TrimSuffix(parent, "/"), name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("open %s: %w", part, err)
		}
		err = writeTree(out, root, part, 0)
		_ = root.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// writeTree writes an open directory and everything below it.
func writeTree(out *tar.Writer, root *os.Root, name string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s is nested too deeply", name)
	}
	self, err := root.Open(".")
	if err != nil {
		return fmt.Errorf("open %s: %w", name, reason(err))
	}
	info, err := self.Stat()
	var entries []string
	if err == nil {
		entries, err = self.Readdirnames(-1)
	}
	_ = self.Close()
	if err != nil {
		return fmt.Errorf("read %s: %w", name, reason(err))
	}
	if err := writeHeader(out, info, name+"/", ""); err != nil {
		return err
	}
	slices.Sort(entries)
	for _, entry := range entries {
		if err := writeEntry(out, root, entry, name+"/"+entry, depth); err != nil {
			return err
		}
	}
	return nil
}

func writeEntry(out *tar.Writer, root *os.Root, entry, name string, depth int) error {
	info, err := root.Lstat(entry)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a task removes its files as it likes
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", name, reason(err))
	}
	switch {
	case info.IsDir():
		sub, err := openSame(root, entry, info)
		if err != nil {
			return fmt.Errorf("open %s: %w", name, reason(err))
		}
		defer sub.Close()
		return writeTree(out, sub, name, depth+1)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := root.Readlink(entry)
		if err != nil {
			return fmt.Errorf("read link %s: %w", name, reason(err))
		}
		return writeHeader(out, info, name, target)
	case info.Mode().IsRegular():
		return writeFile(out, root, entry, name, info)
	}
	return nil
}

func writeFile(out *tar.Writer, root *os.Root, entry, name string, info fs.FileInfo) error {
	f, err := root.OpenFile(entry, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, reason(err))
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil || !os.SameFile(info, opened) {
		return fmt.Errorf("open %s: %w", name, errors.Join(err, errMoved))
	}
	if err := writeHeader(out, opened, name, ""); err != nil {
		return err
	}
	if n, err := io.CopyN(out, f, opened.Size()); err != nil {
		return fmt.Errorf("read %s: it became shorter at %d: %w", name, n, reason(err))
	}
	return nil
}

func writeHeader(out *tar.Writer, info fs.FileInfo, name, link string) error {
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return fmt.Errorf("describe %s: %w", name, err)
	}
	h.Name, h.Uname, h.Gname, h.Format = name, "", "", tar.FormatPAX
	if err := out.WriteHeader(h); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// Unpack reads an archive of Snapshot into the directory. Nothing lands outside of what moves with an
// allocation, and setuid bits are dropped. When it fails everything that was unpacked is removed again.
func (d *Dir) Unpack(r io.Reader, tasks []string) error {
	parts := portable(tasks)
	if err := d.clear(parts); err != nil { // of an attempt that was cut short
		return err
	}
	err := d.unpack(tar.NewReader(r), parts)
	if err != nil {
		err = errors.Join(err, d.clear(parts))
	}
	return err
}

// clear makes the shared part an empty directory, and removes those of tasks, which are made later.
func (d *Dir) clear(parts []string) error {
	for _, part := range parts {
		err := removeAll(d.root, part)
		if err == nil && part == Shared+"/"+Data {
			err = mkdir(d.root, part, 0o777, d.parent.owner)
		}
		if err != nil {
			return fmt.Errorf("empty %s: %w", part, err)
		}
	}
	return nil
}

func (d *Dir) unpack(in *tar.Reader, parts []string) error {
	for members := 0; ; members++ {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		if members >= maxMembers {
			return fmt.Errorf("archive has more than %d members", maxMembers)
		}
		name := strings.TrimSuffix(h.Name, "/")
		if strings.HasPrefix(name, "NOMAD-") && strings.HasSuffix(name, "-ERROR.log") {
			text, _ := io.ReadAll(io.LimitReader(in, maxErrorLog))
			return fmt.Errorf("the other node could not read all data: %s", text)
		}
		part := partOf(name, parts)
		if part == "" {
			if strings.Contains(name, "/"+Local) {
				continue // of a task that this version of the group does not have
			}
			return fmt.Errorf("archive has the member %q, which does not belong there", h.Name)
		}
		if err := d.unpackMember(in, h, name, name == part); err != nil {
			return fmt.Errorf("unpack %s: %w", name, reason(err))
		}
	}
}

// partOf returns the part that a member is or lies below, empty when there is none. Names must be clean.
func partOf(name string, parts []string) string {
	if name != path.Clean(name) || strings.ContainsRune(name, 0) || strings.Count(name, "/") > maxDepth+2 {
		return ""
	}
	for _, p := range parts {
		if name == p || strings.HasPrefix(name, p+"/") {
			return p
		}
	}
	return ""
}

// unpackMember makes one member. Directories on the way exist already: those of an archive come first.
func (d *Dir) unpackMember(in io.Reader, h *tar.Header, name string, top bool) error {
	mode := h.FileInfo().Mode().Perm() | h.FileInfo().Mode()&fs.ModeSticky
	switch h.Typeflag {
	case tar.TypeDir:
		if top {
			if err := mkdir(d.root, path.Dir(name), 0o777, d.parent.owner); err != nil {
				return err
			}
		}
		if err := mkdir(d.root, name, mode, noOwner); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if err := d.root.Symlink(h.Linkname, name); err != nil {
			return err
		}
		return d.giveTo(h, name)
	case tar.TypeReg:
		if err := d.unpackFile(in, h, name, mode); err != nil {
			return err
		}
	default:
		return fmt.Errorf("members of type %q are not taken", h.Typeflag)
	}
	if err := d.giveTo(h, name); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeReg {
		return d.root.Chtimes(name, h.ModTime, h.ModTime)
	}
	return nil
}

func (d *Dir) unpackFile(in io.Reader, h *tar.Header, name string, mode fs.FileMode) error {
	f, err := d.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = copySparse(f, in, h.Size)
	if err == nil {
		err = f.Chmod(mode)
	}
	return errors.Join(err, f.Close())
}

// holeSize is the least run of zeros that becomes a hole, in bytes.
const holeSize = 64 << 10

// copySparse copies size bytes to an empty file. Runs of zeros become holes: a file that took little room where it comes
// from must not fill the disk here.
func copySparse(f *os.File, in io.Reader, size int64) error {
	buf, zeros := make([]byte, holeSize), make([]byte, holeSize)
	for at := int64(0); at < size; {
		n, err := io.ReadFull(in, buf[:min(int64(len(buf)), size-at)])
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if !bytes.Equal(buf[:n], zeros[:n]) {
			if _, err := f.WriteAt(buf[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
	}
	return f.Truncate(size)
}

// giveTo gives a member to who had it on the other node.
func (d *Dir) giveTo(h *tar.Header, name string) error {
	return ownerOf(h.Uid, h.Gid).give(d.root, name)
}
