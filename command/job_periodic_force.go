// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"

	"github.com/nomadlike/nomadlike/api"
)

func jobPeriodicForceCommand() *spec {
	var detach, verbose bool
	return &spec{
		usage: "job periodic force [options] <job>", synopsis: "Launch a periodic job now", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: `Launches the periodic job at once, whatever its schedule and prohibit_overlap say, and follows the evaluation.

Exit status: 0 when everything was placed, 1 on errors, 2 when allocations could not be placed.

Example:

    $ nomadlike job periodic force report`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&detach, "detach", false, "Return once the job is launched.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, err := m.client()
			if err != nil {
				return err
			}
			stub, err := findJobOf(ctx, m, c, args[0], "periodic ", func(j *api.JobListStub) bool { return j.Periodic })
			if err != nil {
				return err
			}
			resp, _, err := api.JobPeriodicForce.Call(ctx, c, &api.JobWriteRequest{WriteOptions: writeIn(stub.Namespace), JobID: stub.ID})
			if err != nil {
				return doing("Error forcing periodic job \""+stub.ID+"\"", err)
			}
			return m.launched(ctx, c, &launch{done: "Force periodic successful", evalID: resp.EvalID, detach: detach, verbose: verbose})
		},
	}
}
