// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
)

//go:embed example.nomad.hcl
var exampleJob []byte

//go:embed example_short.nomad.hcl
var exampleJobShort []byte

func jobInitCommand() *spec {
	var short bool
	return &spec{
		usage: "job init [options] [<file>]", synopsis: "Write an example job file", args: atMost(1, "<file>"), completes: completeFiles,
		long: `Writes an example job file, example.nomad.hcl by default, to start from. An existing file stays.

Example:

    $ nomadlike job init && nomadlike job run example.nomad.hcl`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&short, "short", false, "Write a job without comments.")
			refuse(f, noMesh+"; write the example without it", "connect")
			refuse(f, "job templates are variables below nomad/job-templates, and "+noVariables+"; keep them as files", "template=", "list-templates")
		},
		run: func(_ context.Context, m *meta, args []string) error {
			path, text := "example.nomad.hcl", exampleJob
			if len(args) == 1 {
				path = args[0]
			}
			if short {
				text = exampleJobShort
			}
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o660)
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("Job '%s' already exists", path) //nolint:staticcheck // the contract's text
			}
			if err != nil {
				return fmt.Errorf("Failed to write '%s': %w", path, err) //nolint:staticcheck // the contract's text
			}
			if _, err = f.Write(text); err == nil {
				err = f.Close()
			}
			if err != nil {
				return fmt.Errorf("Failed to write '%s': %w", path, err) //nolint:staticcheck // the contract's text
			}
			fmt.Fprintf(m.out, "Example job file written to %s\n", path)
			return nil
		},
	}
}
