// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

func jobScaleCommand() *spec {
	var (
		index           uint64
		detach, verbose bool
	)
	return &spec{
		usage: "job scale [options] <job> [<group>] <count>", synopsis: "Change the count of a group", remote: true,
		args: between(2, 3, "<job> [<group>] <count>"), completes: completeJobs,
		long: `Changes how many allocations of a group there are, and follows the evaluation. The group may be left out when
the job has only one.

Exit status: 0 when everything was placed, 1 on errors, 2 when allocations could not be placed.

Example:

    $ nomadlike job scale web server 3`,
		flags: func(f *flag.FlagSet) {
			f.Uint64Var(&index, "check-index", 0, "Scale only if the job's modify index is `index`.")
			f.BoolVar(&detach, "detach", false, "Return once the count is changed.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			text := args[len(args)-1]
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return usageError(fmt.Sprintf("<count> wants a number, got %q", text))
			}
			c, stub, err := m.oneJob(ctx, args[0])
			if err != nil {
				return err
			}
			job, _, err := api.JobGet.Call(ctx, c, &api.JobRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID})
			if err != nil {
				return doing("Error querying job", err)
			}
			group := args[1]
			if len(args) == 2 {
				if len(job.TaskGroups) != 1 {
					var names []string
					for _, g := range job.TaskGroups {
						names = append(names, g.Name)
					}
					return usageError(fmt.Sprintf("Job %q has several groups, one must be given: %s", stub.ID, strings.Join(names, ", ")))
				}
				group = job.TaskGroups[0].Name
			}
			resp, _, err := api.JobScale.Call(ctx, c, &api.JobScaleRequest{
				WriteOptions: writeIn(stub.Namespace), JobID: stub.ID, Target: map[string]string{"Group": group}, Count: &n,
				Message: "submitted using the " + name + " command line", JobModifyIndex: index,
			})
			if err != nil {
				return doing("Error submitting scaling request", err)
			}
			m.warnings(resp.Warnings)
			return m.launched(ctx, c, &launch{done: "Job scale successful", evalID: resp.EvalID, detach: detach, verbose: verbose, rollout: true})
		},
	}
}
