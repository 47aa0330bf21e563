// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"

	"github.com/nomadlike/nomadlike/command/agent"
)

func configValidateCommand() *spec {
	return &spec{
		usage: "config validate <path>...", synopsis: "Check agent configuration", args: atLeast(1, "<path>"), completes: completeFiles,
		long: "Reads configuration files and directories as the agent would and reports every mistake.\n\nExample:\n\n    $ nomadlike config validate /etc/nomad.d",
		run: func(_ context.Context, m *meta, args []string) error {
			cfg := &agent.Config{}
			for _, p := range args {
				if err := cfg.LoadPath(p); err != nil {
					return err
				}
			}
			err := cfg.EnsureDefaults()
			if err == nil {
				err = cfg.Validate()
			}
			if err != nil {
				return fmt.Errorf("Configuration is invalid\n%w", err) //nolint:staticcheck // the contract's text
			}
			fmt.Fprintln(m.out, m.paint(green, "Configuration is valid!"))
			return nil
		},
	}
}
