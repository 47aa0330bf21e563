// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func jobStopCommand() *spec {
	var (
		detach, purge, yes, global, noDelay, verbose bool
		priority                                     int
	)
	return &spec{
		usage: "job stop [options] <job>...", synopsis: "Stop jobs", remote: true, args: atLeast(1, "<job>"), completes: completeJobs,
		long: `Stops the jobs and follows the evaluation until their allocations are told to stop. A stopped job stays known
until it is collected, -purge forgets it at once.

A deployment that is under way is followed too. It ends as cancelled, and the command with status 1, although the job is
stopped; -detach does not wait for it.

Example:

    $ nomadlike job stop -purge web`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&detach, "detach", false, "Return once the job is deregistered.")
			f.BoolVar(&purge, "purge", false, "Forget the job at once.")
			f.BoolVar(&yes, "yes", false, "Do not ask when the argument is only the start of an ID.")
			f.BoolVar(&yes, "y", false, "Same as -yes.")
			f.BoolVar(&global, "global", false, "Stop a multiregion job in all its regions.")
			f.BoolVar(&noDelay, "no-shutdown-delay", false, "Skip the shutdown delays of groups and tasks.")
			f.IntVar(&priority, "eval-priority", 0, "Priority `n` of the evaluation, 1 to 100.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, err := m.client()
			if err != nil {
				return err
			}
			// One that cannot be stopped does not keep the others from it.
			var jobs []*api.JobListStub
			for _, id := range args {
				j, unknown := findJob(ctx, m, c, id)
				if unknown != nil {
					err = exitError(m.fail(unknown))
					continue
				}
				jobs = append(jobs, j)
			}
			if len(args) == 1 && len(jobs) == 1 && jobs[0].ID != args[0] && !yes {
				if ok, err := m.confirm(fmt.Sprintf("Are you sure you want to stop job %q? [y/N]", jobs[0].ID)); err != nil || !ok {
					return err
				}
			}
			req := api.JobDeregisterRequest{Purge: purge, Global: global, EvalPriority: priority, NoShutdownDelay: noDelay}
			evals, errs := stopJobs(ctx, c, jobs, req)
			for _, refused := range errs {
				if refused != nil {
					err = exitError(m.fail(refused))
				}
			}
			// What becomes of them is shown one after the other.
			for _, id := range evals {
				switch {
				case id == "":
				case detach:
					fmt.Fprintln(m.out, id)
				default:
					err = errors.Join(err, newMonitor(m, c, verbose).follow(ctx, id))
				}
			}
			return err
		},
	}
}

// stopJobs tells all jobs to stop at once, as like says, and returns the evaluation or the error of each.
func stopJobs(ctx context.Context, c *client.Client, jobs []*api.JobListStub, like api.JobDeregisterRequest) ([]string, []error) {
	evals, errs := make([]string, len(jobs)), make([]error, len(jobs))
	var g sync.WaitGroup
	for i, j := range jobs {
		g.Go(func() {
			req := like
			req.JobID, req.Namespace = j.ID, j.Namespace
			resp, _, err := api.JobDeregister.Call(ctx, c, &req)
			if err != nil {
				errs[i] = fmt.Errorf("Error deregistering job with id %s err: %w", j.ID, err) //nolint:staticcheck // the contract's text
				return
			}
			evals[i] = resp.EvalID
		})
	}
	g.Wait()
	return evals, errs
}
