// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// Answers to what happens after a batch with errors.
const (
	onErrorAsk    = "ask"
	onErrorFail   = "fail"
	onErrorIgnore = "ignore" // what -yes means
)

// restartFlags say what "job restart" restarts and how (cli.md 2.5).
type restartFlags struct {
	allTasks, noDelay, reschedule, yes, verbose bool
	batchSize, batchWait, onError               string
	groups, tasks                               stringList
}

func jobRestartCommand() *spec {
	r := &restartFlags{}
	return &spec{
		usage: "job restart [options] <job>", synopsis: "Restart the allocations of a job", remote: true, args: exactly(1, "<job>"), completes: completeJobs,
		long: `Restarts the tasks of the job's running allocations in place, batch by batch, or with -reschedule stops the
allocations and waits for their replacements. A batch begins when the one before runs again.

Without a terminal, errors cannot be asked about: use -on-error=fail, or -yes to go on in spite of them.

Exit status: 0 when everything was restarted, 1 when something was not.

Example:

    $ nomadlike job restart -batch-size=20% -batch-wait=30s -on-error=fail web`,
		flags: r.register,
		run: func(ctx context.Context, m *meta, args []string) error {
			plan, err := r.plan(m)
			if err != nil {
				return err
			}
			c, stub, err := m.oneJob(ctx, args[0])
			if err != nil {
				return err
			}
			job, _, err := api.JobGet.Call(ctx, c, &api.JobRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID})
			if err != nil {
				return doing("Error querying job", err)
			}
			if err := r.fits(job); err != nil {
				return err
			}
			rs := &restarter{m: m, c: c, job: job, flags: r, plan: plan}
			return rs.run(ctx)
		},
	}
}

func (r *restartFlags) register(f *flag.FlagSet) {
	f.BoolVar(&r.allTasks, "all-tasks", false, "Restart finished tasks too.")
	f.StringVar(&r.batchSize, "batch-size", "1", "Restart `n` allocations at a time, or a percentage of all such as 20%.")
	f.StringVar(&r.batchWait, "batch-wait", "0s", "Wait for a `duration` between batches, or ask.")
	f.Var(&r.groups, "group", "Restart allocations of the `group` only; repeatable.")
	f.Var(&r.tasks, "task", "Restart the `task` only; repeatable.")
	f.BoolVar(&r.noDelay, "no-shutdown-delay", false, "Skip shutdown delays.")
	f.StringVar(&r.onError, "on-error", onErrorAsk, "What to do after a batch with errors: `ask` or fail.")
	f.BoolVar(&r.reschedule, "reschedule", false, "Stop the allocations and wait for their replacements.")
	f.BoolVar(&r.yes, "yes", false, "Ask nothing; errors of a batch do not keep the next from being restarted.")
	f.BoolVar(&r.verbose, "verbose", false, "Show full identifiers.")
}

// restartPlan is what the flags come to.
type restartPlan struct {
	size    int
	percent bool
	wait    time.Duration
	askWait bool
	onError string
}

// plan checks the flags.
func (r *restartFlags) plan(m *meta) (*restartPlan, error) {
	p := &restartPlan{onError: r.onError}
	switch {
	case r.allTasks && len(r.tasks) > 0:
		return nil, usageError("The -all-tasks option conflicts with -task")
	case r.reschedule && len(r.tasks) > 0:
		return nil, usageError("The -reschedule option conflicts with -task")
	case r.onError != onErrorAsk && r.onError != onErrorFail:
		return nil, usageError(fmt.Sprintf("Invalid value %q for -on-error: want ask or fail", r.onError))
	}
	number, percent := strings.CutSuffix(r.batchSize, "%")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || percent && n > 100 {
		return nil, usageError(fmt.Sprintf("Invalid value %q for -batch-size: want a number above 0, or a percentage", r.batchSize))
	}
	p.size, p.percent = n, percent
	if p.askWait = r.batchWait == "ask"; !p.askWait {
		if p.wait, err = time.ParseDuration(r.batchWait); err != nil || p.wait < 0 {
			return nil, usageError(fmt.Sprintf("Invalid value %q for -batch-wait: want a duration or ask", r.batchWait))
		}
	}
	given := false
	m.flags.Visit(func(f *flag.Flag) { given = given || f.Name == "on-error" })
	if r.yes && !given {
		p.onError = onErrorIgnore
	}
	for _, a := range []struct {
		flag string
		asks bool
	}{{"-batch-wait", p.askWait}, {"-on-error", p.onError == onErrorAsk}} {
		if a.asks && !isTerminal(m.in) {
			return nil, usageError(fmt.Sprintf("Invalid value for %s: %q cannot be used when terminal is not interactive", a.flag, "ask"))
		}
	}
	return p, nil
}

// batch returns how many of total are restarted at a time; percentages are rounded up.
func (p *restartPlan) batch(total int) int {
	if p.percent {
		return max(1, (total*p.size+99)/100)
	}
	return p.size
}

// fits checks the flags against the job.
func (r *restartFlags) fits(job *api.Job) error {
	if r.reschedule && job.Type == api.JobTypeSysBatch {
		return errors.New("Jobs of type \"sysbatch\" cannot be rescheduled: nothing replaces their allocations") //nolint:staticcheck // like the contract's texts
	}
	for _, g := range r.groups {
		if job.LookupTaskGroup(g) == nil {
			return fmt.Errorf("Group %q not found in job %q", g, job.ID) //nolint:staticcheck // like the contract's texts
		}
	}
	for _, t := range r.tasks {
		if !slices.ContainsFunc(job.TaskGroups, func(g *api.TaskGroup) bool {
			return (len(r.groups) == 0 || slices.Contains(r.groups, g.Name)) && g.LookupTask(t) != nil
		}) {
			return fmt.Errorf("Task %q not found in job %q", t, job.ID) //nolint:staticcheck // like the contract's texts
		}
	}
	return nil
}
