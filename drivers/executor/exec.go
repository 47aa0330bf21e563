// SPDX-License-Identifier: MPL-2.0

package executor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// maxExecOutput is how much of a command's output ExecTask keeps, from its end.
const maxExecOutput = 4096

// ExecTask implements drivers.Driver. Both outputs are in the result's Stdout,
// in the order in which they came.
func (t *Tasks) ExecTask(ctx context.Context, taskID string, command []string, timeout time.Duration) (
	*drivers.ExecResult, error,
) {
	task, err := t.Task(taskID)
	if err != nil {
		return nil, err
	}
	c, err := task.command(command)
	if err != nil {
		return nil, err
	}
	output := &tail{}
	c.Stdout, c.Stderr, c.Merged = output, output, true
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	exit, err := task.handle.Exec(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("run command in task: %w", err)
	}
	return &drivers.ExecResult{Stdout: output.bytes(), Exit: exitResult(exit)}, nil
}

// ExecTaskStreaming implements drivers.Driver.
func (t *Tasks) ExecTaskStreaming(ctx context.Context, taskID string, opts *drivers.ExecOptions) (
	*drivers.ExitResult, error,
) {
	task, err := t.Task(taskID)
	if err != nil {
		return nil, err
	}
	c, err := task.command(opts.Command)
	if err != nil {
		return nil, err
	}
	size := opts.FirstSize(ctx)
	c.TTY, c.Width, c.Height = opts.TTY, size.Width, size.Height
	c.Stdin, c.Stdout, c.Stderr = opts.Stdin, opts.Stdout, opts.Stderr
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if opts.Resize != nil {
		sizes := make(chan shim.Size)
		c.Resize = sizes
		go forwardSizes(ctx, opts.Resize, sizes)
	}
	exit, err := task.handle.Exec(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("run command in task: %w", err)
	}
	return exitResult(exit), nil
}

func (t *Task) command(words []string) (*shim.Command, error) {
	if len(words) == 0 || words[0] == "" {
		return nil, errors.New("run command in task: no command was given")
	}
	path := words[0]
	if t.find != nil {
		var err error
		if path, err = t.find(t.Config, path); err != nil {
			return nil, err
		}
	}
	return &shim.Command{Path: path, Args: words[1:]}, nil
}

func forwardSizes(ctx context.Context, from <-chan drivers.TerminalSize, to chan<- shim.Size) {
	for {
		select {
		case size, ok := <-from:
			if !ok {
				return
			}
			select {
			case to <- shim.Size{Width: size.Width, Height: size.Height}:
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - maxExecOutput; extra > 0 {
		t.kept = append(t.kept[:0], t.kept[extra:]...)
	}
	return len(p), nil
}

func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept
}
