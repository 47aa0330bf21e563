// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func jobActionCommand() *spec {
	var (
		e                       execFlags
		job, alloc, group, task string
	)
	return &spec{
		usage: "job action [options] <action>", synopsis: "Run an action of a task", remote: true, line: true, args: exactly(1, "<action>"),
		flagCompletes: map[string]string{"job": completeJobs, "alloc": completeAllocs},
		long: `Runs a command that a task of the job defines as an action, inside one of the job's running allocations, with
this terminal if there is one. Without -alloc, -group and -task say of which task.

Exit status: the command's, or 1 when it could not be run.

Example:

    $ nomadlike job action -job web -group server -task app reload`,
		flags: func(f *flag.FlagSet) {
			e.register(f)
			f.StringVar(&job, "job", "", "The `job`; it is needed.")
			f.StringVar(&alloc, "alloc", "", "The `allocation`; any running one by default.")
			f.StringVar(&group, "group", "", "The `group`; needed without -alloc.")
			f.StringVar(&task, "task", "", "The `task`; needed without -alloc.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			switch {
			case job == "":
				return usageError("A job ID is required (-job)")
			case alloc == "" && (group == "" || task == ""):
				return usageError("A group and a task are required (-group, -task) if no allocation is given (-alloc)")
			}
			if err := e.settle(m); err != nil {
				return err
			}
			c, stub, err := m.oneJob(ctx, job)
			if err != nil {
				return err
			}
			id, byJob := alloc, alloc == ""
			if byJob {
				id = stub.ID
			}
			a, err := chooseAlloc(ctx, m, c, id, byJob, group)
			if err != nil {
				return err
			}
			if a.JobID != stub.ID {
				return fmt.Errorf("Allocation %q belongs to job %q, not to %q", shortID(a.ID, false), a.JobID, stub.ID) //nolint:staticcheck // like the contract's texts
			}
			if task, err = actionTask(ctx, c, a, args[0], task); err != nil {
				return err
			}
			code, err := m.runExec(ctx, &e, func(ctx context.Context) (api.Stream, error) {
				return c.OpenNode(ctx, a.NodeID, api.JobActionRun.Info(), &api.JobActionRequest{
					ReadOptions: inNamespace(a.Namespace), JobID: a.JobID, Task: task, Group: a.TaskGroup, Action: args[0], AllocID: a.ID, TTY: e.tty,
				})
			})
			return ended(code, err)
		},
	}
}

// actionTask finds the task of an allocation that defines an action.
func actionTask(ctx context.Context, c *client.Client, a *api.Allocation, action, task string) (string, error) {
	list, _, err := api.JobActions.Call(ctx, c, &api.JobActionsRequest{ReadOptions: inNamespace(a.Namespace), JobID: a.JobID})
	if err != nil {
		return "", doing("Error querying actions", err)
	}
	var names, tasks []string
	for _, x := range list {
		if x.TaskGroupName != a.TaskGroup || task != "" && x.TaskName != task {
			continue
		}
		names = append(names, x.Name)
		if x.Name == action {
			tasks = append(tasks, x.TaskName)
		}
	}
	switch len(tasks) {
	case 1:
		return tasks[0], nil
	case 0:
		if len(names) == 0 {
			return "", fmt.Errorf("No action %q, found none", action) //nolint:staticcheck // like the contract's texts
		}
		slices.Sort(names)
		return "", fmt.Errorf("No action %q, found:\n  * %s", action, strings.Join(slices.Compact(names), "\n  * ")) //nolint:staticcheck // like the contract's texts
	}
	return "", fmt.Errorf("Several tasks have an action %q, choose one with -task:\n  * %s", action, strings.Join(tasks, "\n  * ")) //nolint:staticcheck // like the contract's texts
}
