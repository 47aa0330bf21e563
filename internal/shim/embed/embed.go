// SPDX-License-Identifier: MPL-2.0

// Package embed carries the shim program inside the agent's binary and takes it
// out again, as an unnamed file or into a directory.
//
// The build makes the program and sets the tag "shimembed"; a binary built
// without the tag, as by a plain "go build" or "go test", carries none and runs
// itself as the shim instead, which works the same and takes more memory.
package embed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// ErrAbsent says that this binary carries no shim program.
var ErrAbsent = errors.New("this binary carries no shim program")

// maxProgram bounds what is read of a file that claims to be the program.
const maxProgram = 64 << 20

// Present reports whether this binary carries the shim program.
func Present() bool { return len(image) > 0 }

// sum is the SHA-256 checksum of the program.
var sum = newSum()

func newSum() func() [sha256.Size]byte {
	return sync.OnceValue(func() [sha256.Size]byte { return sha256.Sum256(image) })
}

// Name is the file name that Install gives the program. It names the contents,
// so programs of several agent versions live side by side.
func Name() string {
	s := sum()
	return "nomadlike-shim-" + hex.EncodeToString(s[:8])
}

// Install puts the program into dir, which it creates for the current user
// alone, and returns its path. The program itself may be executed by all, because in user namespaces it is somebody else
// who does. A file that is already there is used only if it
// is the program, byte for byte, and nobody else can change it; otherwise it is
// replaced at once.
func Install(dir string) (string, error) {
	if !Present() {
		return "", ErrAbsent
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("create shim directory: %w", err)
	}
	if err := checkDir(dir); err != nil {
		return "", err
	}
	path := filepath.Join(dir, Name())
	if verify(path) == nil {
		return path, nil
	}
	if err := replace(dir, path); err != nil {
		return "", fmt.Errorf("install shim program: %w", err)
	}
	if err := verify(path); err != nil {
		return "", fmt.Errorf("install shim program: %w", err)
	}
	return path, nil
}

// checkDir refuses a directory that somebody else could put files into.
func checkDir(dir string) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("check shim directory: %w", err)
	}
	if !st.IsDir() {
		return fmt.Errorf("shim directory %s is not a directory", dir)
	}
	if !ownedByUs(st) {
		return fmt.Errorf("shim directory %s belongs to another user", dir)
	}
	if st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("shim directory %s can be written to by others; remove that permission", dir)
	}
	return nil
}

// verify reports why a file is not the program.
func verify(path string) error {
	st, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() || !ownedByUs(st) || st.Mode().Perm()&0o022 != 0 || st.Mode().Perm()&0o555 != 0o555 {
		return fmt.Errorf("%s is not a program of this user alone", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(f, maxProgram)); err != nil {
		return err
	}
	want := sum()
	if !bytes.Equal(hash.Sum(nil), want[:]) {
		return fmt.Errorf("%s has the wrong checksum", path)
	}
	return nil
}

// replace writes the program beside its place and moves it there.
func replace(dir, path string) error {
	f, err := os.CreateTemp(dir, ".shim-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(image)
	err = errors.Join(err, f.Chmod(0o755), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
