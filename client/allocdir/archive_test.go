// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// twoDirs makes the directories of two allocations.
func twoDirs(t *testing.T) (from, to *Dir) {
	t.Helper()
	root, err := OpenRoot(t.TempDir(), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	var dirs [2]*Dir
	for i, id := range []string{"aaaaaaaa-1", "bbbbbbbb-2"} {
		if dirs[i], err = root.Create(id, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = dirs[i].Close(); _ = root.Destroy(id) })
	}
	return dirs[0], dirs[1]
}

func put(t *testing.T, d *Dir, name, text string, mode fs.FileMode) {
	t.Helper()
	full := filepath.Join(d.path, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(full, mode); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotArrives(t *testing.T) {
	from, to := twoDirs(t)
	put(t, from, "alloc/data/deep/a", "shared", 0o640|fs.ModeSetuid)
	put(t, from, "alloc/logs/t.stdout.0", "stays", 0o644)
	put(t, from, "t/local/b", "own", 0o600)
	put(t, from, "t/secrets/s", "stays", 0o600)
	put(t, from, "gone/local/c", "of a removed task", 0o600)
	if err := os.Symlink("/etc/passwd", filepath.Join(from.path, "alloc/data/link")); err != nil {
		t.Fatal(err)
	}
	put(t, to, "alloc/data/rest", "of an attempt that was cut short", 0o600)
	var archive bytes.Buffer
	if err := from.Snapshot(&archive, []string{"t", "gone", "none", "../x"}); err != nil {
		t.Fatal(err)
	}
	if err := to.Unpack(&archive, []string{"t", "new"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"alloc/data/deep/a": "shared", "t/local/b": "own"} {
		got, err := os.ReadFile(filepath.Join(to.path, name))
		if err != nil || string(got) != want {
			t.Errorf("%s has %q, %v", name, got, err)
		}
	}
	if info, err := os.Stat(filepath.Join(to.path, "alloc/data/deep/a")); err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v, %v, want 0640 without setuid", info, err)
	}
	if target, err := os.Readlink(filepath.Join(to.path, "alloc/data/link")); err != nil || target != "/etc/passwd" {
		t.Errorf("link leads to %q, %v", target, err)
	}
	for _, name := range []string{"alloc/data/rest", "alloc/logs/t.stdout.0", "t/secrets", "gone"} {
		if _, err := os.Lstat(filepath.Join(to.path, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s exists: %v", name, err)
		}
	}
}

func TestBadArchives(t *testing.T) {
	for name, tc := range map[string]struct {
		members []tar.Header
		cut     bool
		err     string
	}{
		"outside":        {members: []tar.Header{{Name: "alloc/logs/x", Typeflag: tar.TypeReg}}, err: "does not belong there"},
		"dots":           {members: []tar.Header{{Name: "alloc/data/../../x", Typeflag: tar.TypeReg}}, err: "does not belong there"},
		"absolute":       {members: []tar.Header{{Name: "/alloc/data/x", Typeflag: tar.TypeReg}}, err: "does not belong there"},
		"device":         {members: []tar.Header{{Name: "alloc/data/x", Typeflag: tar.TypeChar}}, err: "are not taken"},
		"hard link":      {members: []tar.Header{{Name: "alloc/data/x", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}}, err: "are not taken"},
		"through a link": {members: []tar.Header{{Name: "alloc/data/l", Typeflag: tar.TypeSymlink, Linkname: "/tmp"}, {Name: "alloc/data/l/x", Typeflag: tar.TypeReg}}, err: "escapes"},
		"twice":          {members: []tar.Header{{Name: "alloc/data/x", Typeflag: tar.TypeReg}, {Name: "alloc/data/x", Typeflag: tar.TypeReg}}, err: "exists"},
		"told to be bad": {members: []tar.Header{{Name: "NOMAD-aaaaaaaa-1-ERROR.log", Typeflag: tar.TypeReg, Size: 4}}, err: "could not read all data: text"},
		"cut":            {members: []tar.Header{{Name: "alloc/data/x", Typeflag: tar.TypeReg, Size: 4}}, cut: true, err: "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			_, to := twoDirs(t)
			var archive bytes.Buffer
			w := tar.NewWriter(&archive)
			all := append([]tar.Header{{Name: "alloc/data/", Typeflag: tar.TypeDir, Mode: 0o777}, {Name: "alloc/data/first", Typeflag: tar.TypeReg}}, tc.members...)
			for _, h := range all {
				if err := w.WriteHeader(&h); err != nil {
					t.Fatal(err)
				}
				_, _ = io.WriteString(w, "text"[:h.Size])
			}
			_ = w.Close()
			if tc.cut {
				archive.Truncate(archive.Len() - 2*512 - 510)
			}
			err := to.Unpack(&archive, []string{"t"})
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
			left, err := os.ReadDir(filepath.Join(to.path, "alloc/data"))
			if err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestSnapshotSaysItFailed: an archive that lacks something is not taken for a whole one.
func TestSnapshotSaysItFailed(t *testing.T) {
	from, to := twoDirs(t)
	put(t, from, "alloc/data/a", "x", 0o600)
	if err := os.Symlink("/etc", filepath.Join(from.path, "t")); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := from.Snapshot(&archive, []string{"t"}); err == nil {
		t.Fatal("a task directory that is a link was read")
	}
	if err := to.Unpack(&archive, []string{"t"}); err == nil || !strings.Contains(err.Error(), "could not read all data") {
		t.Errorf("error %v", err)
	}
}
