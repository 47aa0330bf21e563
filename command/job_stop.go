// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/nomadlike/nomadlike/api"
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
			jobs := make([]*api.JobListStub, len(args))
			for i, id := range args {
				if jobs[i], err = findJob(ctx, m, c, id); err != nil {
					return err
				}
			}
			if jobs[0].ID != args[0] && !yes && len(args) == 1 {
				if ok, err := m.confirm(fmt.Sprintf("Are you sure you want to stop job %q? [y/N]", jobs[0].ID)); err != nil || !ok {
					return err
				}
			}
			// All are told to stop at once; what becomes of them is shown one after the other.
			evals := make([]string, len(jobs))
			g, gctx := errgroup.WithContext(ctx)
			for i, j := range jobs {
				g.Go(func() error {
					req := &api.JobDeregisterRequest{JobID: j.ID, Purge: purge, Global: global, EvalPriority: priority, NoShutdownDelay: noDelay}
					req.Namespace = j.Namespace
					resp, _, err := api.JobDeregister.Call(gctx, c, req)
					if err != nil {
						return fmt.Errorf("Error deregistering job with id %s err: %w", j.ID, err) //nolint:staticcheck // the contract's text
					}
					evals[i] = resp.EvalID
					return nil
				})
			}
			if err = g.Wait(); err != nil {
				fmt.Fprintln(m.err, m.paint(red, err.Error()))
				err = exitError(1)
			}
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
