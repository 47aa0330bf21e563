// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

func jobEvalCommand() *spec {
	var force, detach, verbose bool
	return &spec{
		usage: "job eval [options] <job>", synopsis: "Evaluate a job again", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: `Makes the scheduler look at the job again, with -force-reschedule to replace failed allocations even where the
job's policy says to wait or to give up, and follows the evaluation.

Exit status: 0 when everything was placed, 1 on errors, 2 when allocations could not be placed.

Example:

    $ nomadlike job eval -force-reschedule web`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&force, "force-reschedule", false, "Replace failed allocations now.")
			f.BoolVar(&detach, "detach", false, "Print the evaluation's ID and return.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, stub, err := m.oneJob(ctx, args[0])
			if err != nil {
				return err
			}
			resp, _, err := api.JobEvaluate.Call(ctx, c, &api.JobEvaluateRequest{
				WriteOptions: writeIn(stub.Namespace), PathID: stub.ID, JobID: stub.ID, EvalOptions: api.JobEvalOptions{ForceReschedule: force},
			})
			if err != nil {
				return doing("Error evaluating job", err)
			}
			if detach {
				// The blank before the end is the contract's.
				fmt.Fprintf(m.out, "Created eval ID: %q \n", shortID(resp.EvalID, verbose))
				return nil
			}
			return m.launched(ctx, c, &launch{evalID: resp.EvalID, verbose: verbose})
		},
	}
}
