// SPDX-License-Identifier: MPL-2.0

// Command manual writes the pages of docs/ that are made from the code: docs/api.md from the operation table and
// the types of api/, docs/cli.md from the command line, docs/compatibility.md from both and the notes beside this file.
// It is run by go generate; a test fails when a page is older
// than the code. Nothing imports it.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/nomadlike/nomadlike/command"
)

//go:generate go run .

// page is a file of docs/ and what writes it.
type page struct {
	file  string
	write func(w io.Writer, root string) error
}

var pages = []page{
	{"api.md", writeAPI},
	{"cli.md", func(w io.Writer, _ string) error { return command.Manual(w) }},
	{"compatibility.md", func(w io.Writer, _ string) error { return writeCompatibility(w) }},
}

func main() {
	root := filepath.Join("..", "..")
	for _, p := range pages {
		text, err := render(p, root)
		if err == nil {
			err = os.WriteFile(filepath.Join(root, "docs", p.file), text, 0o644) //nolint:gosec // a page of the manual
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func render(p page, root string) ([]byte, error) {
	var b bytes.Buffer
	if err := p.write(&b, root); err != nil {
		return nil, fmt.Errorf("write docs/%s: %w", p.file, err)
	}
	return b.Bytes(), nil
}
