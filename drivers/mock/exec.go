// SPDX-License-Identifier: MPL-2.0

package mock

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// showInput is the one command that reads its input.
const showInput = "showinput"

// ExecTask implements drivers.Driver: every command prints how it was called.
func (d *Driver) ExecTask(_ context.Context, taskID string, command []string, _ time.Duration) (
	*drivers.ExecResult, error,
) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	return &drivers.ExecResult{
		Stdout: fmt.Appendf(nil, "Exec(%q, %q)", t.config.Name, command),
		Exit:   &drivers.ExitResult{},
	}, nil
}

// ExecTaskStreaming implements drivers.Driver. The command "showinput" prints
// whether it has a terminal and then its input; any other is simulated as the
// task's exec_command says.
func (d *Driver) ExecTaskStreaming(ctx context.Context, taskID string, opts *drivers.ExecOptions) (
	*drivers.ExitResult, error,
) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	stdout, stderr := orDiscard(opts.Stdout), orDiscard(opts.Stderr)
	if opts.TTY {
		stderr = stdout
	}
	if len(opts.Command) > 0 && opts.Command[0] == showInput {
		return showExecInput(stdout, opts)
	}
	command := t.mock.ExecCommand
	if command == nil {
		return nil, errors.New("the task has no exec_command to simulate")
	}
	return command.simulate(ctx, stdout, stderr)
}

// simulate runs a command that does nothing but print and end.
func (c *commandConfig) simulate(ctx context.Context, stdout, stderr io.Writer) (*drivers.ExitResult, error) {
	printing, cancel := context.WithCancel(ctx)
	var group, first sync.WaitGroup
	for _, stream := range []struct {
		to      io.Writer
		printer printer
	}{{stdout, stdoutOf(c)}, {stderr, stderrOf(c)}} {
		first.Add(1)
		group.Go(func() {
			begun := sync.OnceFunc(first.Done)
			defer begun()
			stream.printer.print(printing, stream.to, 0, false, begun)
		})
	}
	first.Wait()
	err := run.Sleep(ctx, time.Duration(c.RunFor))
	cancel()
	group.Wait()
	if err != nil {
		return nil, err
	}
	return c.exit(), nil
}

func showExecInput(stdout io.Writer, opts *drivers.ExecOptions) (*drivers.ExitResult, error) {
	if _, err := fmt.Fprintf(stdout, "tty: %v\n", opts.TTY); err != nil {
		return nil, err
	}
	if opts.Stdin != nil {
		if _, err := io.Copy(stdout, opts.Stdin); err != nil {
			return nil, err
		}
	}
	return &drivers.ExitResult{}, nil
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
