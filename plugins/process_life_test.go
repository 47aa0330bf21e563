// SPDX-License-Identifier: MPL-2.0

package plugins

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/stats"
)

func TestOrphanWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := make(chan time.Time, 1)
		watch := newOrphanWatch(time.Minute)
		watch.onExpiry(func() { stopped <- time.Now() })
		start := time.Now()
		after := func(d time.Duration) {
			timer := time.NewTimer(d)
			<-timer.C
			synctest.Wait()
		}
		expectRunning := func(what string) {
			t.Helper()
			select {
			case at := <-stopped:
				t.Fatalf("%s: stopped after %v", what, at.Sub(start))
			default:
			}
		}
		after(59 * time.Second)
		expectRunning("before the first host")
		watch.HandleConn(t.Context(), &stats.ConnBegin{})
		after(time.Hour)
		expectRunning("with a host")
		watch.HandleConn(t.Context(), &stats.ConnBegin{})
		watch.HandleConn(t.Context(), &stats.ConnEnd{})
		after(time.Hour)
		expectRunning("with one of two hosts")
		watch.HandleConn(t.Context(), &stats.ConnEnd{})
		after(59 * time.Second)
		expectRunning("between two hosts")
		watch.HandleConn(t.Context(), &stats.ConnBegin{})
		after(time.Hour)
		expectRunning("with the next host")
		watch.HandleConn(t.Context(), &stats.ConnEnd{})
		left := time.Now()
		if at := <-stopped; at.Sub(left) != time.Minute {
			t.Errorf("stopped %v after the last host, want a minute", at.Sub(left))
		}
	})
}

func TestOrphanWatchWithoutAnyHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := make(chan struct{})
		newOrphanWatch(time.Minute).onExpiry(func() { close(stopped) })
		<-stopped
	})
}

// brokenPipe fails from the given write on.
type brokenPipe struct {
	bytes.Buffer
	left int
}

func (p *brokenPipe) Write(data []byte) (int, error) {
	if p.left == 0 {
		return 0, errors.New("broken pipe")
	}
	p.left--
	return p.Buffer.Write(data)
}

func TestStderrOutlivesItsHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		pipe := &brokenPipe{left: 1}
		log := newStderr(pipe, func() io.Writer { return writer })
		lines := 2*stderrBacklog + 1
		for range lines { // nobody reads the stream, and nothing blocks
			if n, err := log.Write([]byte("line\n")); n != 5 || err != nil {
				t.Fatalf("write returned %d, %v", n, err)
			}
			synctest.Wait()
		}
		if pipe.String() != "line\n" {
			t.Errorf("the first host got %q", pipe.String())
		}
		var next strings.Builder
		var group sync.WaitGroup
		group.Go(func() { _, _ = io.Copy(&next, reader) })
		synctest.Wait()
		// One line is on its way to the stream while the backlog fills.
		if got := strings.Count(next.String(), "line\n"); got != stderrBacklog+1 {
			t.Errorf("the next host got %d lines, want %d", got, stderrBacklog+1)
		}
		_, _ = log.Write([]byte("last\n"))
		synctest.Wait()
		if !strings.HasSuffix(next.String(), "last\n") {
			t.Error("the next host does not get new lines")
		}
		_ = writer.Close()
		group.Wait()
		// The draining goroutine lives as long as the process; end it here.
		close(log.mu.backlog)
	})
}
