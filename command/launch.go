// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
	"github.com/nomadlike/nomadlike/internal/cron"
)

// launch is what a command set in motion: an evaluation to follow, or the next launch of a periodic job.
type launch struct {
	// done says that the call succeeded, where nothing is followed.
	done   string
	evalID string
	// job, if it is periodic, tells when it is launched next.
	job             *api.Job
	detach, verbose bool
	// rollout follows the allocations of a job that has no deployment, too.
	rollout bool
}

// launched ends a command that set something in motion: it follows the evaluation, or with -detach and where
// there is none says what was done (cli.md 2.1).
func (m *meta) launched(ctx context.Context, c *client.Client, l *launch) error {
	if l.evalID != "" && !l.detach {
		o := newMonitor(m, c, l.verbose)
		o.rollout = l.rollout
		return o.follow(ctx, l.evalID)
	}
	if l.done != "" {
		fmt.Fprintln(m.out, l.done)
	}
	switch {
	case l.evalID != "":
		fmt.Fprintf(m.out, "Evaluation ID: %s\n", l.evalID)
	case l.job != nil && l.job.Periodic != nil && l.job.ParameterizedJob == nil:
		if next := m.nextLaunch(l.job); next != "" {
			fmt.Fprintf(m.out, "Approximate next launch time: %s\n", next)
		}
	}
	return nil
}

// nextLaunch says when a periodic job is launched next, empty when it is not.
func (m *meta) nextLaunch(job *api.Job) string {
	if !api.Or(job.Periodic.Enabled, true) {
		return ""
	}
	now := m.now()
	next, err := cron.Next(job.Periodic, now)
	if err != nil || next.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s from now)", next.Local().Format(time.RFC3339), next.Sub(now).Round(time.Second))
}
