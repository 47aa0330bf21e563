// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// defaultTail is how many lines -tail shows, and bytesPerLine what a line is taken to be long at most.
const (
	defaultTail  = 10
	bytesPerLine = 120
)

// tailFlags say from where a file or log is shown.
type tailFlags struct {
	follow, tail bool
	lines, bytes int64
}

func (t *tailFlags) register(f *flag.FlagSet) {
	f.BoolVar(&t.follow, "f", false, "Go on showing what is added.")
	f.BoolVar(&t.tail, "tail", false, "Show the end only.")
	f.Int64Var(&t.lines, "n", -1, "With -tail, the last `n` lines; 10 by default.")
	f.Int64Var(&t.bytes, "c", -1, "With -tail, the last `n` bytes.")
}

// origin returns where to start reading, and how many lines of it to show at most (0 for all).
func (t *tailFlags) origin() (origin string, offset, lines int64) {
	switch {
	case t.bytes >= 0:
		return "end", t.bytes, 0
	case t.lines >= 0 || t.tail:
		n := t.lines
		if n < 0 {
			n = defaultTail
		}
		return "end", n * bytesPerLine, n
	}
	return "start", 0, 0
}

func allocLogsCommand() *spec {
	var (
		stdout, stderr, byJob bool
		task, group           string
		tail                  tailFlags
	)
	return &spec{
		usage: "alloc logs [options] <alloc> [<task>]", synopsis: "Show the log of a task", remote: true, args: between(1, 2, "<alloc> [<task>]"), completes: completeAllocs,
		long: `Shows what a task wrote to its standard output, or with -stderr to its standard error. With -job the argument is
a job's ID and one of its allocations is chosen.

Example:

    $ nomadlike alloc logs -f 4fd35a03 server`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&stdout, "stdout", false, "Show standard output, the default.")
			f.BoolVar(&stderr, "stderr", false, "Show standard error.")
			f.StringVar(&task, "task", "", "The `task`; needed when there are several.")
			f.BoolVar(&byJob, "job", false, "The argument is a job.")
			f.StringVar(&group, "group", "", "With -job, choose an allocation of this `group`.")
			f.Bool("verbose", false, "Show full identifiers.")
			tail.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			if stdout && stderr {
				return errors.New("Unable to support both stdout and stderr") //nolint:staticcheck // the contract's text
			}
			c, err := m.client()
			if err != nil {
				return err
			}
			a, err := chooseAlloc(ctx, m, c, args[0], byJob, group)
			if err != nil {
				return err
			}
			if task, err = taskArgument(a, task, args[1:]); err != nil {
				return err
			}
			if tail.follow && !stdout && !stderr && !tail.tail && tail.lines < 0 && tail.bytes < 0 {
				return followBoth(ctx, m, c, a, task)
			}
			req := &api.LogsRequest{ReadOptions: inNamespace(a.Namespace), AllocID: a.ID, Task: task, LogType: "stdout", Follow: tail.follow}
			if stderr {
				req.LogType = "stderr"
			}
			var lines int64
			req.Origin, req.Offset, lines = tail.origin()
			return copyFrames(ctx, m.out, lines, tail.follow, func() (api.Stream, error) { return c.OpenNode(ctx, a.NodeID, api.FSLogs.Info(), req) })
		},
	}
}

// followBoth shows both streams from their ends as they grow.
func followBoth(ctx context.Context, m *meta, c *client.Client, a *api.Allocation, task string) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, kind := range []struct {
		name string
		w    io.Writer
	}{{"stdout", m.out}, {"stderr", m.err}} {
		req := &api.LogsRequest{ReadOptions: inNamespace(a.Namespace), AllocID: a.ID, Task: task, LogType: kind.name, Follow: true, Origin: "end"}
		g.Go(func() error {
			return copyFrames(ctx, kind.w, 0, true, func() (api.Stream, error) { return c.OpenNode(ctx, a.NodeID, api.FSLogs.Info(), req) })
		})
	}
	return g.Wait()
}

// copyFrames writes a stream's bytes; lines above 0 keeps only that many of the end of what is there now.
func copyFrames(ctx context.Context, w io.Writer, lines int64, follow bool, open func() (api.Stream, error)) error {
	s, err := open()
	switch {
	case err != nil && follow && ctx.Err() != nil:
		return nil //nolint:nilerr // nothing was written until the user had enough
	case err != nil:
		return fmt.Errorf("Error reading file: %w", err) //nolint:staticcheck // the contract's text
	}
	var first []byte
	buffering := lines > 0
	for {
		var f api.StreamFrame
		err := s.Recv(&f)
		done := errors.Is(err, io.EOF)
		if err != nil && !done {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the user has enough
			}
			return fmt.Errorf("Error reading file: %w", err) //nolint:staticcheck // the contract's text
		}
		switch {
		case buffering && (done || len(f.Data) == 0 || follow):
			first = append(first, f.Data...)
			if done || len(f.Data) == 0 || int64(strings.Count(string(first), "\n")) >= lines {
				if _, err := io.WriteString(w, lastLines(string(first), lines)); err != nil {
					return err
				}
				buffering = false
			}
		case buffering:
			first = append(first, f.Data...)
		default:
			if _, err := w.Write(f.Data); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
	}
}

func lastLines(s string, n int64) string {
	end := strings.TrimSuffix(s, "\n")
	at := len(end)
	for ; n > 0; n-- {
		i := strings.LastIndexByte(end[:at], '\n')
		if i < 0 {
			return s
		}
		at = i
	}
	return s[at+1:]
}

// chooseAlloc finds an allocation by ID, or one of a job: a running one if there is any.
func chooseAlloc(ctx context.Context, m *meta, c *client.Client, id string, byJob bool, group string) (*api.Allocation, error) {
	if !byJob {
		return findAlloc(ctx, m, c, id)
	}
	j, err := findJob(ctx, m, c, id)
	if err != nil {
		return nil, err
	}
	req := &api.JobAllocationsRequest{JobID: j.ID}
	req.Namespace = j.Namespace
	stubs, _, err := api.JobAllocations.Call(ctx, c, req)
	if err != nil {
		return nil, fmt.Errorf("Error querying job allocations: %w", err) //nolint:staticcheck // the contract's text
	}
	var running, others []*api.AllocListStub
	for _, a := range stubs {
		switch {
		case group != "" && a.TaskGroup != group:
		case a.ClientStatus == api.AllocClientRunning:
			running = append(running, a)
		default:
			others = append(others, a)
		}
	}
	if len(running) == 0 {
		running = others
	}
	if len(running) == 0 {
		return nil, fmt.Errorf("No allocations for job %q exist", j.ID) //nolint:staticcheck // the contract's text
	}
	return findAlloc(ctx, m, c, running[rand.IntN(len(running))].ID)
}

// taskArgument returns the task of a -task flag or, without that, of an argument.
func taskArgument(a *api.Allocation, task string, args []string) (string, error) {
	if task == "" && len(args) > 0 {
		task = args[0]
	}
	return chooseTask(a, task)
}

// chooseTask checks a task's name, or implies the only task.
func chooseTask(a *api.Allocation, task string) (string, error) {
	var names []string
	if a.Job != nil {
		if g := a.Job.LookupTaskGroup(a.TaskGroup); g != nil {
			for _, t := range g.Tasks {
				names = append(names, t.Name)
			}
		}
	}
	for _, n := range names {
		if n == task {
			return n, nil
		}
	}
	switch {
	case task != "":
		return "", fmt.Errorf("Could not find task named: %s, found:\n  * %s", task, strings.Join(names, "\n  * ")) //nolint:staticcheck // the contract's text
	case len(names) == 1:
		return names[0], nil
	}
	return "", fmt.Errorf("Allocation %q is running the following tasks:\n  * %s\n\nPlease specify the task.", shortID(a.ID, false), strings.Join(names, "\n  * ")) //nolint:staticcheck // the contract's text
}
