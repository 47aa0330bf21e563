// SPDX-License-Identifier: MPL-2.0

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// content is what a directory has: names, modes and texts.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(data)
	}
	return out
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "[a]*")
	for _, step := range []struct {
		text string
		mode fs.FileMode
	}{{"one", 0o600}, {"", 0o666}, {"three", 0o640}} {
		if err := Write(path, []byte(step.text), step.mode); err != nil {
			t.Fatal(err)
		}
		if got := content(t, dir); len(got) != 1 || got["[a]*"] != step.text {
			t.Errorf("the directory has %q, want only %q", got, step.text)
		}
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != step.mode {
			t.Errorf("mode %v, want %v: %v", info.Mode(), step.mode, err)
		}
	}
	t.Chdir(dir)
	if err := Write("here", []byte("x"), 0o600); err != nil || content(t, dir)["here"] != "x" {
		t.Errorf("a name without a directory: %v", err)
	}
	if err := Write(filepath.Join(dir, "missing", "a"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want the error of a missing directory", err)
	}
}

// A link is replaced, and what it leads to stays.
func TestWriteOverLink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(target, []byte("stays"), 0o600), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir); got["target"] != "stays" || got["link"] != "new" {
		t.Errorf("got %q", got)
	}
}

func TestFillFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := Write(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := errors.New("no more")
	err := Fill(path, 0o666, func(draft *os.File) error {
		if _, err := draft.WriteString("half"); err != nil {
			return err
		}
		if info, err := draft.Stat(); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
			t.Errorf("the draft has the mode %v, others may not read it: %v", info.Mode(), err)
		}
		return want
	})
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	if got := content(t, dir); len(got) != 1 || got["a"] != "before" {
		t.Errorf("the directory has %q, want what it had before", got)
	}
	// What cannot be put in its place leaves no draft either.
	if err := os.MkdirAll(filepath.Join(dir, "full", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(dir, "full"), nil, 0o600); err == nil {
		t.Error("a directory was replaced")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the directory has %v, want a and full: %v", entries, err)
	}
}

// Sweep takes the drafts of its own file only.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".a.draft-1", ".a.draft-22", ".ab.draft-1", ".b.draft-1", "a", "a.draft-1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Sweep(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	got := content(t, dir)
	for _, name := range []string{".ab.draft-1", ".b.draft-1", "a", "a.draft-1"} {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is gone", name)
		}
	}
	if len(got) != 4 {
		t.Errorf("the directory has %q, want 4 files", got)
	}
	if err := Sweep(filepath.Join(dir, "missing", "a")); err != nil {
		t.Errorf("a directory that is not there: %v", err)
	}
}
