// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
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
	return readAll(resp, path)
}

// turns is how many connections take turns when requests are sent at a fixed rate.
const turns = 16

// paced sends requests at requestRate for readTime. A request that waits for an earlier one on its connection takes
// that long more.
func paced(ctx context.Context, addr string, path func(n int) string) (took []time.Duration, size int64, err error) {
	took = make([]time.Duration, int(readTime.Seconds()*requestRate))
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
				got, err := l.get(path(n))
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
	return took, sum.Load() / int64(len(took)), err
}

// held sends the same request on count connections at once and returns a function that waits for the answers.
func held(ctx context.Context, addr, path string, count int) (answers func() ([]time.Time, error), err error) {
	came := make([]time.Time, count)
	g, ctx := errgroup.WithContext(ctx)
	var sent atomic.Int64
	gate := make(chan struct{}, 200) // connections being opened at a time
	for n := range count {
		g.Go(func() error {
			gate <- struct{}{}
			l, err := dial(ctx, addr)
			time.AfterFunc(50*time.Millisecond, func() { <-gate })
			sent.Add(1)
			if err != nil {
				return err
			}
			defer l.close()
			defer context.AfterFunc(ctx, l.close)()
			_, err = l.get(path)
			came[n] = time.Now()
			return err
		})
	}
	for sent.Load() < int64(count) && ctx.Err() == nil {
		settle(ctx, 100*time.Millisecond)
	}
	return func() ([]time.Time, error) { return came, g.Wait() }, nil
}
