// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/nomadlike/nomadlike/internal/atomicfile"
)

// formatter is what "fmt" is told, and what came of it.
type formatter struct {
	check, list, recursive, write bool
	// changed says that something is not in the form yet, failed that something could not be formatted.
	changed, failed bool
}

func fmtCommand() *spec {
	var f formatter
	return &spec{
		usage: "fmt [options] [<path>...]", synopsis: "Format job and configuration files", args: func(int) string { return "" }, completes: completeFiles,
		long: `Rewrites files in the form that everybody's have: .nomad and .hcl files of directories, or any file by name; the
current directory without arguments, and standard input to standard output for -. A file that cannot be read stays as
it is. Prints the names of the files that it changed.

Example:

    $ nomadlike fmt -check -recursive jobs/`,
		flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&f.check, "check", false, "Change nothing; exit with 1 when something is not formatted.")
			fs.BoolVar(&f.list, "list", true, "Print the names of files that are not formatted.")
			fs.BoolVar(&f.recursive, "recursive", false, "Go into subdirectories.")
			fs.BoolVar(&f.write, "write", true, "Write the files; without it print what they would be.")
		},
		run: f.run,
	}
}

func (f *formatter) run(_ context.Context, m *meta, args []string) error {
	if len(args) == 0 {
		args = []string{"."}
	}
	if slices.Contains(args, "-") && len(args) > 1 {
		return usageError("- cannot stand with other paths")
	}
	for _, a := range args {
		var err error
		if a == "-" {
			err = f.stdin(m)
		} else {
			err = f.path(m, a)
		}
		if err != nil {
			m.complain("%v", err)
			f.failed = true
		}
	}
	if f.failed || f.check && f.changed {
		return exitError(m.spec.status())
	}
	return nil
}

func (f *formatter) stdin(m *meta) error {
	src, err := io.ReadAll(m.input)
	if err != nil {
		return doing("Error reading standard input", err)
	}
	out, err := formatted("<stdin>", src)
	if err != nil {
		return err
	}
	f.changed = !bytes.Equal(src, out)
	if f.check {
		return nil
	}
	_, err = m.out.Write(out)
	return err
}

// path formats a file, or the files of a directory.
func (f *formatter) path(m *meta, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return f.file(m, path)
	}
	var errs []error
	err = filepath.WalkDir(path, func(at string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			errs = append(errs, err)
		case d.IsDir() && at != path && (!f.recursive || d.Name()[0] == '.'):
			return fs.SkipDir
		case !d.IsDir() && slices.Contains([]string{".hcl", ".nomad"}, filepath.Ext(at)):
			if err := f.file(m, at); err != nil {
				errs = append(errs, err)
			}
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}

func (f *formatter) file(m *meta, path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out, err := formatted(path, src)
	if err != nil {
		return err
	}
	if bytes.Equal(src, out) {
		return nil
	}
	f.changed = true
	if f.list {
		fmt.Fprintln(m.out, path)
	}
	switch {
	case f.check:
		return nil
	case f.write:
		return replaceFile(path, out)
	case !f.list:
		_, err = m.out.Write(out)
		return err
	}
	return nil
}

// formatted is the formatted text, an error when src cannot be read.
func formatted(path string, src []byte) ([]byte, error) {
	if _, diags := hclsyntax.ParseConfig(src, path, hcl.InitialPos); diags.HasErrors() {
		return nil, diagsError(diags)
	}
	return hclwrite.Format(src), nil
}

// replaceFile gives a file another content, completely or not at all. A link stays one.
func replaceFile(path string, data []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, data, info.Mode().Perm())
}
