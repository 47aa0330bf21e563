// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

func allocStopCommand() *spec {
	var detach, noDelay, verbose bool
	return &spec{
		usage: "alloc stop [options] <alloc>", synopsis: "Stop an allocation and place it again", remote: true, args: exactly(1, "<alloc>"), completes: completeAllocs,
		long: "Stops the allocation; the scheduler places a replacement.\n\nExample:\n\n    $ nomadlike alloc stop 4fd35a03",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&detach, "detach", false, "Print the evaluation's ID and return.")
			f.BoolVar(&noDelay, "no-shutdown-delay", false, "Skip shutdown delays.")
			f.BoolVar(&verbose, "verbose", false, "Show full identifiers.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, a, err := m.oneAlloc(ctx, args[0])
			if err != nil {
				return err
			}
			resp, _, err := api.AllocStop.Call(ctx, c, &api.AllocStopRequest{WriteOptions: writeIn(a.Namespace), AllocID: a.ID, NoShutdownDelay: noDelay})
			if err != nil {
				return fmt.Errorf("Error stopping allocation: %w", err) //nolint:staticcheck // the contract's text
			}
			if detach {
				fmt.Fprintln(m.out, resp.EvalID)
				return nil
			}
			return m.launched(ctx, c, &launch{evalID: resp.EvalID, verbose: verbose})
		},
	}
}

func allocRestartCommand() *spec {
	var (
		all  bool
		task string
	)
	return &spec{
		usage: "alloc restart [options] <alloc> [<task>]", synopsis: "Restart tasks in place", remote: true, args: between(1, 2, "<alloc> [<task>]"), completes: completeAllocs,
		long: "Restarts the running tasks of the allocation, or one task, where they are.\n\nExample:\n\n    $ nomadlike alloc restart 4fd35a03 server",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&all, "all-tasks", false, "Restart finished tasks too.")
			f.StringVar(&task, "task", "", "The `task` to restart.")
			f.Bool("verbose", false, "Show full identifiers.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, a, err := m.oneAlloc(ctx, args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 && task == "" {
				task = args[1]
			}
			if task != "" && all {
				return usageError("-all-tasks is exclusive with a task")
			}
			if task != "" {
				if task, err = chooseTask(a, task); err != nil {
					return err
				}
			}
			if _, _, err := api.AllocRestart.Call(ctx, c, &api.AllocRestartRequest{WriteOptions: writeIn(a.Namespace), AllocID: a.ID, TaskName: task, AllTasks: all}); err != nil {
				return fmt.Errorf("Failed to restart allocation: %w", err) //nolint:staticcheck // the contract's text
			}
			return nil
		},
	}
}

func allocSignalCommand() *spec {
	var signal, task string
	return &spec{
		usage: "alloc signal [options] <alloc> [<task>]", synopsis: "Send a signal to tasks", remote: true, args: between(1, 2, "<alloc> [<task>]"), completes: completeAllocs,
		long: "Sends a signal to the tasks of the allocation, or to one.\n\nExample:\n\n    $ nomadlike alloc signal -s SIGHUP 4fd35a03 server",
		flags: func(f *flag.FlagSet) {
			f.StringVar(&signal, "s", "SIGKILL", "The `signal`'s name.")
			f.StringVar(&task, "task", "", "The `task` to signal.")
			f.Bool("verbose", false, "Show full identifiers.")
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, a, err := m.oneAlloc(ctx, args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 && task == "" {
				task = args[1]
			}
			if task != "" {
				if task, err = chooseTask(a, task); err != nil {
					return err
				}
			}
			if _, _, err := api.AllocSignal.Call(ctx, c, &api.AllocSignalRequest{WriteOptions: writeIn(a.Namespace), AllocID: a.ID, Task: task, Signal: signal}); err != nil {
				return fmt.Errorf("Error signalling allocation: %w", err) //nolint:staticcheck // the contract's text
			}
			return nil
		},
	}
}
