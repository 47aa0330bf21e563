// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// maxExecOutput is how much of each output of a command ExecTask keeps, from
// its end.
const maxExecOutput = 4096

// endOfInput is the character that ends the input of a terminal.
const endOfInput = 4

// ExecTask implements drivers.Driver.
func (d *Driver) ExecTask(ctx context.Context, taskID string, command []string, timeout time.Duration) (
	*drivers.ExecResult, error,
) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var stdout, stderr tail
	exit, err := d.exec(ctx, taskID, &drivers.ExecOptions{Command: command, Stdout: &stdout, Stderr: &stderr})
	if err != nil {
		return nil, err
	}
	return &drivers.ExecResult{Stdout: stdout.kept, Stderr: stderr.kept, Exit: exit}, nil
}

// ExecTaskStreaming implements drivers.Driver.
func (d *Driver) ExecTaskStreaming(ctx context.Context, taskID string, opts *drivers.ExecOptions) (
	*drivers.ExitResult, error,
) {
	return d.exec(ctx, taskID, opts)
}

func (d *Driver) exec(ctx context.Context, taskID string, opts *drivers.ExecOptions) (*drivers.ExitResult, error) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	if len(opts.Command) == 0 || opts.Command[0] == "" {
		return nil, errors.New("run command in container: no command was given")
	}
	_, engine := d.settings()
	first := opts.FirstSize(ctx)
	console := client.ConsoleSize{Height: uint(max(first.Height, 0)), Width: uint(max(first.Width, 0))}
	created, err := engine.ExecCreate(ctx, t.container, client.ExecCreateOptions{
		TTY: opts.TTY, AttachStdin: opts.Stdin != nil || opts.TTY, AttachStdout: true, AttachStderr: !opts.TTY, Cmd: opts.Command, ConsoleSize: console,
	})
	if errdefs.IsConflict(err) {
		// It does not run. The whole ID would leave no room for that where
		// errors are short.
		return nil, fmt.Errorf("run command in container: %s", strings.ReplaceAll(err.Error(), t.container, t.container[:12]))
	}
	if err != nil {
		return nil, explain(ctx, "run command in container", err)
	}
	attached, err := engine.ExecAttach(ctx, created.ID, client.ExecAttachOptions{TTY: opts.TTY, ConsoleSize: console})
	if err != nil {
		return nil, explain(ctx, "run command in container", err)
	}
	defer attached.Close()
	stop := context.AfterFunc(ctx, func() {
		t.killExec(engine, created.ID)
		attached.Close()
	})
	defer stop()
	if opts.Stdin != nil {
		go func() {
			_, _ = io.Copy(attached.Conn, opts.Stdin)
			if opts.TTY {
				// The engine would take a closed connection for the end of the
				// output as well.
				_, _ = attached.Conn.Write([]byte{endOfInput})
			} else {
				_ = attached.CloseWrite()
			}
		}()
	}
	if opts.TTY && opts.Resize != nil {
		over := make(chan struct{})
		defer close(over)
		go resize(ctx, engine, created.ID, first, opts.Resize, over)
	}
	err = copyOutput(attached.Reader, opts)
	if ctx.Err() != nil {
		return nil, explain(ctx, "run command in container", ctx.Err())
	}
	if err != nil {
		return nil, fmt.Errorf("run command in container: read its output: %w", err)
	}
	return t.execExit(ctx, engine, created.ID)
}

// explain prefers the reason why a call was given up to how that looked.
func explain(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fmt.Errorf("%s: %w", what, err)
}

// execExit asks how a command ended. Its output ends a moment before it counts
// as ended.
func (t *task) execExit(ctx context.Context, engine *client.Client, id string) (*drivers.ExitResult, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		found, err := engine.ExecInspect(ctx, id, client.ExecInspectOptions{})
		if err != nil {
			return nil, explain(ctx, "run command in container", err)
		}
		if !found.Running {
			return &drivers.ExitResult{ExitCode: found.ExitCode}, nil
		}
		if err := run.Sleep(ctx, pause); err != nil {
			t.killExec(engine, id)
			return nil, err
		}
	}
}

// killExec ends a command that nobody waits for any more. The engine has no
// call for that, but on this machine its process can be told by the control
// group that it shares with the container.
func (t *task) killExec(engine *client.Client, id string) {
	if !isLocal(engine) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	found, err := engine.ExecInspect(ctx, id, client.ExecInspectOptions{})
	if err != nil || !found.Running || found.PID <= 1 {
		return
	}
	process, err := os.FindProcess(found.PID)
	if err != nil {
		return
	}
	defer process.Release() //nolint:errcheck // it only lets go of the handle
	groups, err := os.ReadFile("/proc/" + itoa(found.PID) + "/cgroup")
	if err != nil || !strings.Contains(string(groups), t.container) {
		return
	}
	_ = process.Kill()
}

// copyOutput copies what a command prints until it has ended.
func copyOutput(from *bufio.Reader, opts *drivers.ExecOptions) error {
	stdout, stderr := opts.Stdout, opts.Stderr
	if stdout == nil {
		stdout = io.Discard
	}
	if stderr == nil {
		stderr = io.Discard
	}
	if opts.TTY {
		_, err := io.Copy(stdout, from)
		return err
	}
	var header [8]byte
	for {
		switch _, err := io.ReadFull(from, header[:]); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		to := stdout
		if header[0] == 2 {
			to = stderr
		}
		if _, err := io.CopyN(to, from, int64(binary.BigEndian.Uint32(header[4:]))); err != nil {
			return err
		}
	}
}

// resize gives the terminal of a command its sizes. Engines before API 1.42 leave the first one out when they make the
// command, so that it is told again.
func resize(ctx context.Context, engine *client.Client, id string, size drivers.TerminalSize, sizes <-chan drivers.TerminalSize, over <-chan struct{}) {
	for {
		if size != (drivers.TerminalSize{}) {
			options := client.ExecResizeOptions{Height: uint(max(size.Height, 0)), Width: uint(max(size.Width, 0))}
			// The terminal comes to be a moment after the command was started.
			_ = again(ctx, func(ctx context.Context) error {
				_, err := engine.ExecResize(ctx, id, options)
				return err
			})
		}
		var ok bool
		select {
		case size, ok = <-sizes:
			if !ok {
				return
			}
		case <-over:
			return
		case <-ctx.Done():
			return
		}
	}
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - maxExecOutput; extra > 0 {
		t.kept = append(t.kept[:0], t.kept[extra:]...)
	}
	return len(p), nil
}
