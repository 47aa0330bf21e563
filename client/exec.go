// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"encoding/json"
	"io"
	"sync"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/alloc"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// allocExec runs a command inside a task (http-api.md 6.3).
func (c *Client) allocExec(ctx context.Context, r *api.ExecRequest, s api.Stream) error {
	a, err := c.find(r.AllocID)
	if err != nil {
		return err
	}
	var command []string
	if err := json.Unmarshal([]byte(r.Command), &command); err != nil {
		return api.CodeErrorf(api.ClassInvalid, 500, "failed to marshal command into json: %s", err)
	}
	switch {
	case len(command) == 0:
		return api.Errorf(api.ClassInvalid, "command is not present")
	case r.Task == "":
		return api.Errorf(api.ClassInvalid, "task name is not present")
	}
	return c.execInTask(ctx, a, r.Task, command, r.TTY, s)
}

// jobAction runs a command that the job of an allocation defines. The job is the version that runs.
func (c *Client) jobAction(ctx context.Context, r *api.JobActionRequest, s api.Stream) error {
	if r.Task == "" {
		return api.Errorf(api.ClassInvalid, "must provide task name")
	}
	a, err := c.find(r.AllocID)
	if err != nil {
		return err
	}
	row := a.Alloc()
	if row.JobID != r.JobID {
		return api.Errorf(api.ClassInvalid, "allocation %q is of job %q, not of %q", row.ID, row.JobID, r.JobID)
	}
	for _, action := range actionsOf(row.Group().LookupTask(r.Task)) {
		if action.Name == r.Action {
			return c.execInTask(ctx, a, r.Task, append([]string{action.Command}, action.Args...), r.TTY, s)
		}
	}
	return api.Errorf(api.ClassInvalid, "action %s not found in task %s", r.Action, r.Task)
}

func actionsOf(t *api.Task) []*api.Action {
	if t == nil {
		return nil
	}
	return t.Actions
}

func (c *Client) execInTask(ctx context.Context, a *alloc.Runner, task string, command []string, tty bool, s api.Stream) error {
	if c.cfg.DisableRemoteExec {
		return api.Errorf(api.ClassDenied, "Permission denied")
	}
	t := a.Task(task)
	if t == nil {
		return api.CodeErrorf(api.ClassNotFound, 500, "task not found")
	}
	driver, id := t.Driver()
	if driver == nil {
		return api.CodeErrorf(api.ClassInvalid, 500, "task %q is not running", task)
	}
	return runExec(ctx, driver, id, command, tty, s)
}

func runExec(ctx context.Context, driver drivers.Driver, id string, command []string, tty bool, s api.Stream) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := &execOutput{stream: s}
	stdin, input := io.Pipe()
	resize := make(chan drivers.TerminalSize, 1)
	opts := &drivers.ExecOptions{
		Command: command, TTY: tty, Stdin: stdin, Resize: resize, Stdout: out.writer(false), Stderr: out.writer(true),
	}
	go func() {
		defer close(resize)
		receiveInput(ctx, s, input, resize)
		if ctx.Err() == nil && s.Context().Err() != nil {
			cancel() // the caller has gone
		}
	}()
	exit, err := driver.ExecTaskStreaming(ctx, id, opts)
	_ = stdin.Close()
	if err == nil && exit != nil {
		err = exit.Err
	}
	if err != nil {
		return api.CodeErrorf(api.ClassInternal, 500, "%s", err)
	}
	result := &api.ExecResult{}
	if exit != nil {
		result.ExitCode = exit.ExitCode
	}
	return out.finish(tty, result)
}

// receiveInput hands on what the caller types, until it closes the input or goes.
func receiveInput(ctx context.Context, s api.Stream, stdin *io.PipeWriter, resize chan drivers.TerminalSize) {
	defer stdin.Close()
	for ctx.Err() == nil {
		var in api.ExecInput
		if err := s.Recv(&in); err != nil {
			return
		}
		if in.Stdin != nil {
			if len(in.Stdin.Data) > 0 {
				if _, err := stdin.Write(in.Stdin.Data); err != nil {
					continue // the command does not read any more; sizes may still come
				}
			}
			if in.Stdin.Close {
				_ = stdin.Close()
			}
		}
		if in.TTYSize != nil {
			size := drivers.TerminalSize{Height: int(in.TTYSize.Height), Width: int(in.TTYSize.Width)}
			// Only the newest size matters.
			select {
			case <-resize:
			default:
			}
			select {
			case resize <- size:
			default:
			}
		}
	}
}

// execOutput sends the output of a command; a stream takes one message at a time.
type execOutput struct {
	mu     sync.Mutex
	stream api.Stream
}

func (o *execOutput) send(m *api.ExecOutput) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stream.Send(m)
}

// finish sends the end of the streams and the result.
func (o *execOutput) finish(tty bool, result *api.ExecResult) error {
	if !tty {
		if err := o.send(&api.ExecOutput{Stderr: &api.ExecIO{Close: true}}); err != nil {
			return err
		}
	}
	if err := o.send(&api.ExecOutput{Stdout: &api.ExecIO{Close: true}}); err != nil {
		return err
	}
	return o.send(&api.ExecOutput{Exited: true, Result: result})
}

func (o *execOutput) writer(stderr bool) io.Writer { return &execWriter{out: o, stderr: stderr} }

// execWriter is one output stream.
type execWriter struct {
	out    *execOutput
	stderr bool
}

// Write implements io.Writer.
func (w *execWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	data := &api.ExecIO{Data: append([]byte(nil), p...)}
	m := &api.ExecOutput{Stdout: data}
	if w.stderr {
		m = &api.ExecOutput{Stderr: data}
	}
	if err := w.out.send(m); err != nil {
		return 0, err
	}
	return len(p), nil
}
