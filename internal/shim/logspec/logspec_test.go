// SPDX-License-Identifier: MPL-2.0

//go:build unix

package logspec

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

var good = Spec{StdoutPrefix: "t.stdout", StderrPrefix: "t.stderr", MaxFiles: 3, MaxFileSizeBytes: 1000}

// logs makes an allocation directory with a log directory.
func logs(t *testing.T) (base string, names []string, dir string) {
	t.Helper()
	base, names = t.TempDir(), []string{"alloc", "logs"}
	dir = filepath.Join(base, "alloc", "logs")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return base, names, dir
}

func TestWriteAndRead(t *testing.T) {
	t.Parallel()
	base, names, dir := logs(t)
	if _, err := Read(base, names, "t"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no note: %v", err)
	}
	want := good
	for _, disabled := range []bool{false, true} {
		want.Disabled, want.Dir = disabled, dir
		if err := Write(base, names, "t", want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(base, names, "t")
		if err != nil || *got != want {
			t.Errorf("note is %+v, %v; want %+v", got, err, want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != ".t.logs.json" {
		t.Errorf("directory holds %v, %v", entries, err)
	}
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	base, names, _ := logs(t)
	for name, change := range map[string]func(*Spec){
		"no prefix":       func(s *Spec) { s.StdoutPrefix = "" },
		"path":            func(s *Spec) { s.StderrPrefix = "../../etc/cron.d/x" },
		"one prefix":      func(s *Spec) { s.StderrPrefix = s.StdoutPrefix },
		"no files":        func(s *Spec) { s.MaxFiles = 0 },
		"no size":         func(s *Spec) { s.MaxFileSizeBytes = -1 },
		"nothing in name": func(s *Spec) { s.StdoutPrefix = "." },
	} {
		s := good
		change(&s)
		if err := Write(base, names, "t", s); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, task := range []string{"a/b", "../x"} {
		if err := Write(base, names, task, good); !errors.Is(err, ErrInvalid) {
			t.Errorf("task %q: %v", task, err)
		}
		if _, err := Read(base, names, task); !errors.Is(err, ErrInvalid) {
			t.Errorf("task %q: %v", task, err)
		}
	}
}

// TestForgedNotes checks that a note that a task could have written is refused.
func TestForgedNotes(t *testing.T) {
	t.Parallel()
	const text = `{"stdout_prefix":"a","stderr_prefix":"b","max_files":1,"max_file_size_bytes":1}`
	for name, forge := range map[string]func(path string) error{
		"others can write": func(path string) error {
			return errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, 0o666))
		},
		"symbolic link": func(path string) error {
			return errors.Join(os.WriteFile(path+".real", []byte(text), 0o600), os.Symlink(path+".real", path))
		},
		"hard link": func(path string) error {
			return errors.Join(os.WriteFile(path+".real", []byte(text), 0o600), os.Link(path+".real", path))
		},
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"other user": func(path string) error {
			testkit.Need(t, "root")
			return errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chown(path, 65534, 65534))
		},
		"not json": func(path string) error { return os.WriteFile(path, []byte("{"), 0o600) },
		"path": func(path string) error {
			return os.WriteFile(path, []byte(strings.Replace(text, "a", "../a", 1)), 0o600)
		},
		"without an end": func(path string) error { return os.WriteFile(path, make([]byte, 1<<20), 0o600) },
	} {
		base, names, dir := logs(t)
		if err := forge(filepath.Join(dir, Name("t"))); err != nil {
			t.Fatal(err)
		}
		if s, err := Read(base, names, "t"); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: read %+v, %v", name, s, err)
		}
	}
}

// TestReplacesATrap checks that Write puts the note in the place of a link and
// not through it.
func TestReplacesATrap(t *testing.T) {
	t.Parallel()
	base, names, dir := logs(t)
	victim := filepath.Join(base, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, Name("t"))); err != nil {
		t.Fatal(err)
	}
	if err := Write(base, names, "t", good); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(base, names, "t"); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
		t.Errorf("the victim holds %q, %v", text, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(base, dir); err != nil {
		t.Fatal(err)
	}
	if err := Write(base, names, "t", good); err == nil {
		t.Error("a log directory that is a link was followed")
	}
}
