// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// activeDeployment says whether a deployment goes on.
func activeDeployment(d *api.Deployment) bool {
	return !slices.Contains([]string{api.DeploymentSuccessful, api.DeploymentFailed, api.DeploymentCancelled}, d.Status)
}

func deploymentRows(list []*api.Deployment, verbose bool) [][]string {
	rows := [][]string{{"ID", "Job ID", "Job Version", "Status", "Description"}}
	for _, d := range list {
		rows = append(rows, []string{shortID(d.ID, verbose), d.JobID, strconv.FormatUint(d.JobVersion, 10), d.Status, d.StatusDescription})
	}
	return rows
}

func deploymentListCommand() *spec {
	var (
		verbose bool
		list    listFlags
		out     output
	)
	return &spec{
		usage: "deployment list [options]", synopsis: "List deployments", remote: true,
		long: "Lists the deployments that are known.\n\nExample:\n\n    $ nomadlike deployment list -filter 'Status == \"running\"'",
		flags: func(f *flag.FlagSet) {
			list.register(f)
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			out.register(f)
		},
		run: func(ctx context.Context, m *meta, _ []string) error {
			c, err := m.client()
			if err != nil {
				return err
			}
			return m.listDeployments(ctx, c, &list, &out, verbose)
		},
	}
}

func (m *meta) listDeployments(ctx context.Context, c *client.Client, list *listFlags, out *output, verbose bool) error {
	if err := out.check(); err != nil {
		return err
	}
	req := &api.DeploymentListRequest{}
	list.apply(&req.ReadOptions)
	found, _, err := api.DeploymentList.Call(ctx, c, req)
	switch {
	case err != nil:
		return doing("Error retrieving deployments", err)
	case out.wanted():
		return out.print(m, found)
	case len(found) == 0:
		fmt.Fprintln(m.out, "No deployments found")
	default:
		fmt.Fprintln(m.out, columns(deploymentRows(found, verbose)))
	}
	return nil
}

func deploymentStatusCommand() *spec {
	var (
		monitor, verbose bool
		wait             time.Duration
		page             webUI
		out              output
	)
	return &spec{
		usage: "deployment status [options] [<deployment>]", synopsis: "Show a deployment", remote: true, args: atMost(1, "<deployment>"), completes: completeDeployments,
		long: `Shows how far the deployment is, with -monitor until it has ended. Without an argument lists the deployments.

Exit status: 0 on success, 1 on errors; with -monitor 0 only when the deployment succeeded.

Example:

    $ nomadlike deployment status -monitor 359b660d`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&monitor, "monitor", false, "Follow the deployment until it has ended.")
			f.DurationVar(&wait, "wait", 2*time.Second, "With -monitor, look again after a `duration` without news.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers and the allocations.")
			out.register(f)
			page.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if monitor && out.wanted() {
				return usageError("-monitor is exclusive with -json and -t")
			}
			if err := out.check(); err != nil {
				return err
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return m.listDeployments(ctx, c, &listFlags{}, &out, verbose)
			}
			d, err := findDeployment(ctx, m, c, args[0])
			switch {
			case err != nil:
				return err
			case out.wanted():
				return out.print(m, d)
			case monitor:
				o := newMonitor(m, c, verbose)
				o.wait = wait
				return o.deployment(ctx, d.ID, d.Namespace, 0)
			}
			text, err := deploymentBlock(ctx, m, c, d, verbose)
			if err != nil {
				return err
			}
			fmt.Fprintln(m.out, text)
			m.hint(ctx, c, &page, "View this deployment", jobPage(d.JobID, d.Namespace)+"/deployments")
			return nil
		},
	}
}

// deploymentBlock describes a deployment, with why allocations are unhealthy, and all of them when verbose.
func deploymentBlock(ctx context.Context, m *meta, c *client.Client, d *api.Deployment, verbose bool) (string, error) {
	text := deploymentText(m, d, verbose)
	if !verbose && !anyUnhealthy(d) {
		return text, nil
	}
	list, _, err := api.DeploymentAllocations.Call(ctx, c, &api.DeploymentRequest{ReadOptions: inNamespace(d.Namespace), DeploymentID: d.ID})
	switch {
	case err != nil && !verbose:
		return text, nil // the reasons are an addition
	case err != nil:
		return "", doing("Error fetching allocations of the deployment", err)
	}
	if rows := reasonRows(list, unhealthy, verbose); rows != nil {
		text += "\n\n" + m.paint(bold, unhealthyTitle) + "\n" + columns(rows)
	}
	if !verbose {
		return text, nil
	}
	table := "No allocations placed"
	if len(list) > 0 {
		table = columns(m.allocRows(list, true))
	}
	return text + "\n\n" + m.paint(bold, "Allocations") + "\n" + table, nil
}

// deploymentChange makes the commands that change a deployment: they find it, call and follow what comes of it.
type deploymentChange struct {
	verb, synopsis, long string
	// follows is false for changes that have no evaluation.
	follows bool
	flags   func(*flag.FlagSet)
	// done says what happened; empty says nothing.
	done string
	call func(ctx context.Context, c *client.Client, w api.WriteOptions, id string) (*api.DeploymentUpdateResponse, *api.Meta, error)
}

func (d deploymentChange) command() *spec {
	var detach, verbose bool
	return &spec{
		usage: "deployment " + d.verb + " [options] <deployment>", synopsis: d.synopsis, remote: true,
		args: exactly(1, "<deployment>"), completes: completeDeployments,
		long: d.long + "\n\nExample:\n\n    $ nomadlike deployment " + d.verb + " 359b660d",
		flags: func(f *flag.FlagSet) {
			if d.follows {
				f.BoolVar(&detach, "detach", false, "Return once the deployment is changed.")
			}
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
			if d.flags != nil {
				d.flags(f)
			}
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, err := m.client()
			if err != nil {
				return err
			}
			found, err := findDeployment(ctx, m, c, args[0])
			if err != nil {
				return err
			}
			resp, _, err := d.call(ctx, c, writeIn(found.Namespace), found.ID)
			if err != nil {
				return doing("Error trying to "+d.verb+" deployment", err)
			}
			if d.done != "" {
				fmt.Fprintf(m.out, "Deployment %q %s\n", found.ID, d.done)
			}
			if resp.RevertedJobVersion != nil {
				fmt.Fprintf(m.out, "Auto-reverted to job version: %d\n", *resp.RevertedJobVersion)
			}
			if !d.follows || resp.EvalID == "" {
				return nil
			}
			if d.done != "" && !detach {
				fmt.Fprintln(m.out)
			}
			return m.launched(ctx, c, &launch{evalID: resp.EvalID, detach: detach, verbose: verbose})
		},
	}
}

func deploymentFailCommand() *spec {
	return deploymentChange{
		verb: "fail", synopsis: "End a deployment as failed", done: "failed", follows: true,
		long: "Ends the deployment as failed. A job with auto_revert goes back to its last stable version.",
		call: func(ctx context.Context, c *client.Client, w api.WriteOptions, id string) (*api.DeploymentUpdateResponse, *api.Meta, error) {
			return api.DeploymentFail.Call(ctx, c, &api.DeploymentFailRequest{WriteOptions: w, DeploymentID: id})
		},
	}.command()
}

func deploymentPauseCommand() *spec {
	return deploymentChange{
		verb: "pause", synopsis: "Pause a deployment", done: "paused", long: "Pauses the deployment: nothing more is placed until it is resumed.",
		call: func(ctx context.Context, c *client.Client, w api.WriteOptions, id string) (*api.DeploymentUpdateResponse, *api.Meta, error) {
			return api.DeploymentPause.Call(ctx, c, &api.DeploymentPauseRequest{WriteOptions: w, PathID: id, DeploymentID: id, Pause: true})
		},
	}.command()
}

func deploymentResumeCommand() *spec {
	return deploymentChange{
		verb: "resume", synopsis: "Go on with a paused deployment", done: "resumed", follows: true, long: "Goes on with the paused deployment and follows it.",
		call: func(ctx context.Context, c *client.Client, w api.WriteOptions, id string) (*api.DeploymentUpdateResponse, *api.Meta, error) {
			return api.DeploymentPause.Call(ctx, c, &api.DeploymentPauseRequest{WriteOptions: w, PathID: id, DeploymentID: id})
		},
	}.command()
}

func deploymentUnblockCommand() *spec {
	return deploymentChange{
		verb: "unblock", synopsis: "Go on with a blocked deployment", done: "unblocked", follows: true,
		long: "Goes on with a deployment of a multiregion job that waits for another region.",
		call: func(ctx context.Context, c *client.Client, w api.WriteOptions, id string) (*api.DeploymentUpdateResponse, *api.Meta, error) {
			return api.DeploymentUnblock.Call(ctx, c, &api.DeploymentUnblockRequest{WriteOptions: w, PathID: id, DeploymentID: id})
		},
	}.command()
}

func deploymentPromoteCommand() *spec {
	var groups stringList
	return deploymentChange{
		verb: "promote", synopsis: "Promote the canaries of a deployment", follows: true,
		long:  "Promotes the canaries of the deployment, of all groups or with -group of some, and follows it.",
		flags: func(f *flag.FlagSet) { f.Var(&groups, "group", "Promote the `group` only; repeatable.") },
		call: func(ctx context.Context, c *client.Client, w api.WriteOptions, id string) (*api.DeploymentUpdateResponse, *api.Meta, error) {
			return api.DeploymentPromote.Call(ctx, c, &api.DeploymentPromoteRequest{
				WriteOptions: w, PathID: id, DeploymentID: id, All: len(groups) == 0, Groups: groups,
			})
		},
	}.command()
}
