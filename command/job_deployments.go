// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

func jobDeploymentsCommand() *spec {
	var (
		latest, all, verbose bool
		out                  output
	)
	return &spec{
		usage: "job deployments [options] <job>", synopsis: "List the deployments of a job", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: "Lists the deployments of the job, or with -latest describes the last one.\n\nExample:\n\n    $ nomadlike job deployments -latest web",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&latest, "latest", false, "Describe the latest deployment only.")
			f.BoolVar(&all, "all", false, "List deployments of earlier jobs with this ID too.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
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
			if latest {
				d, _, err := api.JobLatestDeployment.Call(ctx, c, &api.JobRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID})
				switch {
				case err != nil:
					return doing("Error retrieving deployments", err)
				case out.wanted():
					return out.print(m, d)
				case d == nil:
					fmt.Fprintln(m.out, "No deployment found")
				default:
					fmt.Fprintln(m.out, deploymentText(m, d, verbose))
				}
				return nil
			}
			list, _, err := api.JobDeployments.Call(ctx, c, &api.JobAllocationsRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID, All: all})
			switch {
			case err != nil:
				return doing("Error retrieving deployments", err)
			case out.wanted():
				return out.print(m, list)
			case len(list) == 0:
				fmt.Fprintln(m.out, "No deployments found")
			default:
				fmt.Fprintln(m.out, columns(deploymentRows(list, verbose)))
			}
			return nil
		},
	}
}
