// SPDX-License-Identifier: MPL-2.0

//go:build unix

package embed

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// carry makes the package carry a program for one test.
func carry(t *testing.T, program string) {
	t.Helper()
	before, beforeSum := image, sum
	t.Cleanup(func() { image, sum = before, beforeSum })
	image = []byte(program)
	sum = newSum()
}

func TestAbsent(t *testing.T) {
	carry(t, "")
	if Present() {
		t.Error("nothing is present")
	}
	if _, err := Install(t.TempDir()); !errors.Is(err, ErrAbsent) {
		t.Errorf("install: %v", err)
	}
	if _, err := Open(); !errors.Is(err, ErrAbsent) {
		t.Errorf("open: %v", err)
	}
}

func TestInstall(t *testing.T) {
	carry(t, "#!/bin/sh\nexit 0\n")
	dir := filepath.Join(t.TempDir(), "a", "b")
	path, err := Install(dir)
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.Stat(path)
	if err != nil || first.Mode().Perm() != 0o755 {
		t.Fatalf("%v, %v", first, err)
	}
	again, err := Install(dir)
	if err != nil || again != path {
		t.Fatalf("second install: %s, %v", again, err)
	}
	if second, err := os.Stat(path); err != nil || !os.SameFile(first, second) {
		t.Errorf("a good file was replaced, %v", err)
	}
	for name, spoil := range map[string]func() error{
		"contents":   func() error { return os.WriteFile(path, []byte("#!/bin/sh\nexit 1\n"), 0o755) },
		"truncated":  func() error { return os.Truncate(path, 3) },
		"permission": func() error { return os.Chmod(path, 0o777) },
		"not a program": func() error {
			return os.Chmod(path, 0o600)
		},
		"link": func() error {
			return errors.Join(os.Rename(path, path+".moved"), os.Symlink(path+".moved", path))
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := Install(dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := verify(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDirectoryOfOthers(t *testing.T) {
	carry(t, "program")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(dir); err == nil {
		t.Error("installed where everybody can write")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(link); err == nil {
		t.Error("installed through a link")
	}
}

func TestOpen(t *testing.T) {
	testkit.Need(t, "linux")
	carry(t, "program")
	f, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 100))
	if err != nil || string(text) != "program" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if _, err := f.WriteAt([]byte("x"), 0); err == nil {
		t.Error("the program can be changed")
	}
	if err := f.Truncate(0); err == nil {
		t.Error("the program can be cut")
	}
}
