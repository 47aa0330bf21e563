// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

func jobAllocsCommand() *spec {
	var (
		all, verbose bool
		out          output
	)
	return &spec{
		usage: "job allocs [options] <job>", synopsis: "List the allocations of a job", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: "Lists the allocations of the job, newest first.\n\nExample:\n\n    $ nomadlike job allocs web",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&all, "all", false, "List allocations of earlier jobs with this ID too.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers and absolute times.")
			out.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, stub, err := m.oneJob(ctx, args[0])
			if err != nil {
				return err
			}
			list, _, err := api.JobAllocations.Call(ctx, c, &api.JobAllocationsRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID, All: all})
			if err != nil {
				return doing("Error retrieving allocations", err)
			}
			switch {
			case out.wanted():
				return out.print(m, list)
			case len(list) == 0:
				fmt.Fprintln(m.out, "No allocations placed")
			default:
				fmt.Fprintln(m.out, columns(m.allocRows(list, verbose)))
			}
			return nil
		},
	}
}
