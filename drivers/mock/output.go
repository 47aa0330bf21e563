// SPDX-License-Identifier: MPL-2.0

package mock

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/internal/run"
)

// outputs are the two streams of a task.
type outputs struct {
	group sync.WaitGroup

	// begun is closed when both streams are open and their first text is
	// written, or when nobody waits for that any more.
	begun     chan struct{}
	begunOnce sync.Once
}

// abandon gives up on output that has not begun.
func (o *outputs) abandon() { o.begunOnce.Do(func() { close(o.begun) }) }

// wait returns when both streams are closed, which they are when the context
// of startOutputs has ended.
func (o *outputs) wait() { o.group.Wait() }

// openRetry is how often a stream without a reader is tried again.
const openRetry = 50 * time.Millisecond

// startOutputs opens both streams, even if nothing is printed, and keeps them
// open until the context ends, as a process would.
func (t *task) startOutputs(ctx context.Context) *outputs {
	out := &outputs{begun: make(chan struct{})}
	age := time.Since(t.startedAt)
	var first sync.WaitGroup
	for _, stream := range []struct {
		path    string
		printer printer
	}{
		{t.config.StdoutPath, stdoutOf(&t.mock.commandConfig)},
		{t.config.StderrPath, stderrOf(&t.mock.commandConfig)},
	} {
		if stream.path == "" {
			continue
		}
		first.Add(1)
		out.group.Go(func() {
			begun := sync.OnceFunc(first.Done)
			defer begun()
			file := openStream(ctx, stream.path)
			if file == nil {
				return
			}
			// Closing the file ends a write that nobody reads.
			stop := context.AfterFunc(ctx, func() { _ = file.Close() })
			defer stop()
			defer file.Close()
			stream.printer.print(ctx, file, age, t.recovered, begun)
			begun()
			<-ctx.Done()
		})
	}
	out.group.Go(func() {
		first.Wait()
		out.abandon()
	})
	return out
}

// openStream opens a stream as soon as it has a reader. It returns nil when the
// context ends first or the stream cannot be opened.
func openStream(ctx context.Context, path string) *os.File {
	for {
		file, err := openWriter(path)
		switch {
		case err == nil:
			return file
		case !noReader(err), run.Sleep(ctx, openRetry) != nil:
			return nil
		}
	}
}

// printer prints a text, and again at an interval.
type printer struct {
	text     string
	repeat   int
	interval time.Duration
}

func stdoutOf(c *commandConfig) printer {
	return printer{c.StdoutString, c.StdoutRepeat, time.Duration(c.StdoutRepeatDuration)}
}

func stderrOf(c *commandConfig) printer {
	return printer{c.StderrString, c.StderrRepeat, time.Duration(c.StderrRepeatDuration)}
}

// print writes the text once and then repeat times more, and calls begun after
// the first. What a recovered task of that age has printed already is left out.
func (p printer) print(ctx context.Context, to io.Writer, age time.Duration, recovered bool, begun func()) {
	if p.text == "" {
		return
	}
	next := 0
	if recovered {
		if p.interval <= 0 {
			return
		}
		next = int(age/p.interval) + 1
	}
	for i := next; i <= p.repeat; i++ {
		if i > 0 {
			if run.Sleep(ctx, time.Duration(i)*p.interval-age) != nil {
				return
			}
			age = time.Duration(i) * p.interval
		}
		if _, err := io.WriteString(to, p.text); err != nil {
			return
		}
		begun()
	}
}
