// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

func systemGCCommand() *spec {
	return &spec{
		usage: "system gc [options]", synopsis: "Collect everything that is no longer needed", remote: true,
		long: "Removes ended jobs, evaluations, allocations and nodes now instead of at their time.\n\nExample:\n\n    $ nomadlike system gc",
		run: func(ctx context.Context, m *meta, _ []string) error {
			c, err := m.client()
			if err != nil {
				return err
			}
			if _, _, err := api.SystemGC.Call(ctx, c, &api.SystemWriteRequest{}); err != nil {
				return fmt.Errorf("Error running system garbage-collection: %w", err) //nolint:staticcheck // the contract's text
			}
			return nil
		},
	}
}
