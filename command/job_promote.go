// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

func jobPromoteCommand() *spec {
	var (
		groups          stringList
		detach, verbose bool
	)
	return &spec{
		usage: "job promote [options] <job>", synopsis: "Promote the canaries of a job", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: `Promotes the canaries of the job's latest deployment, of all groups or with -group of some, and follows the
evaluation and the deployment.

Exit status: 0 when the deployment succeeded, 1 on errors and when it did not, 2 when allocations could not be
placed.

Example:

    $ nomadlike job promote -group web shop`,
		flags: func(f *flag.FlagSet) {
			f.Var(&groups, "group", "Promote the `group` only; repeatable.")
			f.BoolVar(&detach, "detach", false, "Return once the deployment is promoted.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, stub, err := m.oneJob(ctx, args[0])
			if err != nil {
				return err
			}
			d, _, err := api.JobLatestDeployment.Call(ctx, c, &api.JobRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID})
			if err != nil {
				return doing("Error retrieving latest deployment for job", err)
			}
			if d == nil {
				return fmt.Errorf("Job %q has no deployment to promote", stub.ID) //nolint:staticcheck // like the contract's texts
			}
			resp, _, err := api.DeploymentPromote.Call(ctx, c, &api.DeploymentPromoteRequest{
				WriteOptions: writeIn(stub.Namespace), PathID: d.ID, DeploymentID: d.ID, All: len(groups) == 0, Groups: groups,
			})
			if err != nil {
				return doing(fmt.Sprintf("Error promoting deployment %q for job %q", d.ID, stub.ID), err)
			}
			return m.launched(ctx, c, &launch{evalID: resp.EvalID, detach: detach, verbose: verbose})
		},
	}
}
