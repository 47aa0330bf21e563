// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package logspec

import (
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
)

func write(base string, names []string, name string, body []byte) error {
	root, err := openDir(base, names)
	if err != nil {
		return err
	}
	defer root.Close()
	draft := name + "." + rand.Text()
	if err := root.WriteFile(draft, body, 0o600); err != nil {
		return err
	}
	if err := root.Rename(draft, name); err != nil {
		_ = root.Remove(draft)
		return err
	}
	return nil
}

func read(base string, names []string, name string) ([]byte, error) {
	root, err := openDir(base, names)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSize))
}

func openDir(base string, names []string) (*os.Root, error) {
	root, err := os.OpenRoot(base)
	if err != nil || len(names) == 0 {
		return root, err
	}
	defer root.Close()
	return root.OpenRoot(filepath.Join(names...))
}
