// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func systemReconcileCommand() *spec {
	return &spec{
		usage: "system reconcile summaries [options]", synopsis: "Count the job summaries anew", remote: true,
		long: "Counts the summaries of all jobs anew from their allocations.\n\nExample:\n\n    $ nomadlike system reconcile summaries",
		run: remotely(nil, func(ctx context.Context, _ *meta, c *client.Client, _ []string) error {
			_, _, err := api.SystemReconcile.Call(ctx, c, &api.SystemWriteRequest{})
			return doOpen("Error running system summary reconciliation", err)
		}),
	}
}
