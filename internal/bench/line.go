// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// line is one connection to an HTTP server, on which requests follow each other. It takes a fraction of the time of
// http.Client, which hands each request to two goroutines: what is measured is the server.
type line struct {
	conn net.Conn
	rd   *bufio.Reader
}

func dial(ctx context.Context, addr string) (*line, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &line{conn: conn, rd: bufio.NewReader(conn)}, nil
}

func (l *line) close() { _ = l.conn.Close() } // nothing of it is wanted any more

// get reads a path to its end and returns how many bytes came.
func (l *line) get(path string) (int64, error) {
	if _, err := io.WriteString(l.conn, "GET "+path+" HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(l.rd, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }() // reading only
	return readAll(resp, path)
}

// turns is how many connections take turns when requests are sent at a fixed rate.
const turns = 16

// ClientFlag is the flag of the bench command that makes it ServeClient.
const ClientFlag = "client"

// clientRun is what a client in a process of its own is told.
type clientRun struct {
	Addr string
	// Paths are requested at requestRate. With Held, the first is requested on so many connections at once.
	Paths []string
	Held  int
}

// clientTimes is what came of it.
type clientTimes struct {
	// Took are the times of the paced requests, Size is the mean number of bytes of their answers.
	Took []time.Duration
	Size int64
	// Came are the times at which held requests were answered.
	Came []time.Time
}

// ServeClient sends the requests that it reads and writes what came of them, after an empty object once all held requests
// are sent. It is a process of its own that collects no garbage, so that simulated nodes and collections are not measured.
func ServeClient(ctx context.Context, r io.Reader, w io.Writer) error {
	var run clientRun
	if err := json.NewDecoder(r).Decode(&run); err != nil {
		return err
	}
	debug.SetGCPercent(-1)
	var times clientTimes
	var err error
	out := json.NewEncoder(w)
	if run.Held == 0 {
		times.Took, times.Size, err = pace(ctx, run.Addr, run.Paths)
	} else {
		times.Came, err = hold(ctx, run.Addr, run.Paths[0], run.Held, func() error { return out.Encode(struct{}{}) })
	}
	if err != nil {
		return err
	}
	return out.Encode(times)
}

// startClient starts ServeClient; answers has what it writes, and wait returns after its end.
func startClient(ctx context.Context, run *clientRun) (answers *json.Decoder, wait func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	in, err := json.Marshal(run)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-"+ClientFlag)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return json.NewDecoder(out), cmd.Wait, cmd.Start()
}

// paced sends requests at requestRate for readTime. A request that waits for an earlier one on its connection takes that
// long more.
func paced(ctx context.Context, addr string, path func(n int) string) (took []time.Duration, size int64, err error) {
	run := &clientRun{Addr: addr, Paths: make([]string, int(readTime.Seconds()*requestRate))}
	for n := range run.Paths {
		run.Paths[n] = path(n)
	}
	answers, wait, err := startClient(ctx, run)
	if err != nil {
		return nil, 0, err
	}
	var times clientTimes
	err = answers.Decode(&times)
	return times.Took, times.Size, errors.Join(err, wait())
}

// held sends the same request on count connections at once and returns a function that waits for the answers.
func held(ctx context.Context, addr, path string, count int) (answers func() ([]time.Time, error), err error) {
	told, wait, err := startClient(ctx, &clientRun{Addr: addr, Paths: []string{path}, Held: count})
	if err != nil {
		return nil, err
	}
	if err := told.Decode(&struct{}{}); err != nil {
		return nil, errors.Join(err, wait())
	}
	return func() ([]time.Time, error) {
		var times clientTimes
		err := told.Decode(&times)
		return times.Came, errors.Join(err, wait())
	}, nil
}

// pace sends the requests.
func pace(ctx context.Context, addr string, paths []string) (took []time.Duration, size int64, err error) {
	took = make([]time.Duration, len(paths))
	var sum atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	start := time.Now().Add(50 * time.Millisecond) // until all are connected
	for k := range turns {
		g.Go(func() error {
			l, err := dial(ctx, addr)
			if err != nil {
				return err
			}
			defer l.close()
			for n := k; n < len(took) && ctx.Err() == nil; n += turns {
				due := start.Add(time.Duration(n) * time.Second / requestRate)
				if wait := time.Until(due); wait > 0 {
					settle(ctx, wait)
					due = time.Now() // timers are late
				}
				got, err := l.get(paths[n])
				if err != nil {
					return err
				}
				took[n] = time.Since(due)
				sum.Add(got)
			}
			return ctx.Err()
		})
	}
	err = g.Wait()
	return took, sum.Load() / int64(max(1, len(took))), err
}

// hold sends the same request on count connections at once, calls sent, and returns when the answers came. Connections
// stay open until the last has come, as those of a client do that asks again.
func hold(ctx context.Context, addr, path string, count int, sent func() error) ([]time.Time, error) {
	came := make([]time.Time, count)
	lines := make([]*line, count)
	g, ctx := errgroup.WithContext(ctx)
	var asked atomic.Int64
	gate := make(chan struct{}, 200) // connections being opened at a time
	for n := range count {
		g.Go(func() error {
			gate <- struct{}{}
			l, err := dial(ctx, addr)
			time.AfterFunc(50*time.Millisecond, func() { <-gate })
			asked.Add(1)
			if err != nil {
				return err
			}
			lines[n] = l
			defer context.AfterFunc(ctx, l.close)()
			_, err = l.get(path)
			came[n] = time.Now()
			return err
		})
	}
	for asked.Load() < int64(count) && ctx.Err() == nil {
		settle(ctx, 100*time.Millisecond)
	}
	err := errors.Join(sent(), g.Wait())
	for _, l := range lines {
		if l != nil {
			l.close()
		}
	}
	return came, err
}
