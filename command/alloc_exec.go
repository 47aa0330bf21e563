// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"encoding/json"
	"flag"

	"github.com/nomadlike/nomadlike/api"
)

func allocExecCommand() *spec {
	var (
		e           execFlags
		byJob       bool
		task, group string
	)
	return &spec{
		usage: "alloc exec [options] <alloc> <command> [<args>...]", synopsis: "Run a command inside a task", remote: true, line: true,
		args: atLeast(2, "<alloc> <command>"), completes: completeAllocs,
		long: `Runs a command inside a running task, with this terminal if there is one. What stands after the allocation
belongs to the command. With -job the argument is a job's ID and one of its allocations is chosen. In a
terminal, "~." at the beginning of a line disconnects.

Exit status: the command's, or 1 when it could not be run.

Example:

    $ nomadlike alloc exec -it -task server 4fd35a03 /bin/sh`,
		flags: func(f *flag.FlagSet) {
			e.register(f)
			f.StringVar(&task, "task", "", "The `task`; needed when there are several.")
			f.BoolVar(&byJob, "job", false, "The argument is a job.")
			f.StringVar(&group, "group", "", "With -job, choose an allocation of this `group`.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if err := e.settle(m); err != nil {
				return err
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			a, err := chooseAlloc(ctx, m, c, args[0], byJob, group)
			if err != nil {
				return err
			}
			if task, err = chooseTask(a, task); err != nil {
				return err
			}
			line, err := json.Marshal(args[1:])
			if err != nil {
				return doing("failed to exec into task", err)
			}
			code, err := m.runExec(ctx, &e, func(ctx context.Context) (api.Stream, error) {
				return c.OpenNode(ctx, a.NodeID, api.AllocExec.Info(), &api.ExecRequest{
					ReadOptions: inNamespace(a.Namespace), AllocID: a.ID, Task: task, Command: string(line), TTY: e.tty,
				})
			})
			return ended(code, err)
		},
	}
}

// ended turns the end of a command inside a task into ours.
func ended(code int, err error) error {
	switch {
	case err != nil:
		return doing("failed to exec into task", err)
	case code != 0:
		return exitError(code)
	}
	return nil
}
