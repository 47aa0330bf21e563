// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

func allocPauseCommand() *spec {
	var (
		state, task     string
		status, verbose bool
	)
	return &spec{
		usage: "alloc pause [options] <alloc> [<task>]", synopsis: "Pause a task with a schedule (a feature of other agents)", remote: true,
		args: between(1, 2, "<alloc> [<task>]"), completes: completeAllocs,
		long: `Pauses a task that has a schedule, or lets it run, or shows with -status which of the two. Only agents of the
commercial edition do this; others refuse it.

Example:

    $ nomadlike alloc pause -state=run 4fd35a03 server`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&state, "state", "pause", "The `state`: pause, run or scheduled.")
			f.BoolVar(&status, "status", false, "Show the state instead of setting it.")
			f.StringVar(&task, "task", "", "The `task`; needed when there are several.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if !slices.Contains([]string{"pause", "run", "scheduled"}, state) {
				return usageError(fmt.Sprintf("Invalid value %q for -state: want pause, run or scheduled", state))
			}
			c, a, err := m.oneAlloc(ctx, args[0])
			if err != nil {
				return err
			}
			if task, err = taskArgument(a, task, args[1:]); err != nil {
				return err
			}
			if status {
				if _, _, err := api.AllocPauseGet.Call(ctx, c, &api.AllocPauseStateRequest{ReadOptions: inNamespace(a.Namespace), AllocID: a.ID, Task: task}); err != nil {
					return doing("Error getting the pause state", err)
				}
				return nil
			}
			_, _, err = api.AllocPause.Call(ctx, c, &api.AllocPauseRequest{WriteOptions: writeIn(a.Namespace), AllocID: a.ID, Task: task, ScheduleState: state})
			if err != nil {
				return doing("Failed to set the pause state", err)
			}
			return nil
		},
	}
}
