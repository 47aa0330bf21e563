// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"

	"github.com/nomadlike/nomadlike/internal/version"
)

func versionCommand() *spec {
	return &spec{
		usage: "version", synopsis: "Print the version",
		long: "Prints the version of this program and of the contract that it keeps.\n\nExample:\n\n    $ nomadlike version",
		run: func(_ context.Context, m *meta, _ []string) error {
			fmt.Fprintf(m.out, "nomadlike v%s\nCompatible with v%s\nRevision %s\n", version.String(), version.CompatVersion, version.Revision())
			return nil
		},
	}
}
