// SPDX-License-Identifier: MPL-2.0

//go:build unix

package supervisor

import (
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/pages"
	"github.com/nomadlike/nomadlike/internal/shim/rotate"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

const (
	// collectDrain is how long a collector that is told to end waits for writers that a task left behind.
	collectDrain = 2 * time.Second
	// forsakenPeriod is how often a collector looks whether its pipes are still there.
	forsakenPeriod = time.Minute
)

// collector is a shim without a task: it stores what others write into two pipes.
type collector struct {
	output
	released bool
}

// collectLogs runs the process as a collector and ends it.
func collectLogs(text string) {
	spec, err := wire.DecodeCollect(text)
	if err != nil {
		giveUp("read what to collect", err)
	}
	mine := map[int]bool{wire.FDCollectDir: true, wire.FDCollectReady: true}
	for n := range 4 {
		mine[wire.FDCollectPipes+n] = true
	}
	keepOnly(mine)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM)
	signal.Ignore(unix.SIGINT, unix.SIGHUP)
	c := &collector{output: output{much: make(chan struct{}, 1)}}
	if err := c.open(spec); err != nil {
		giveUp("open the log files", err)
	}
	_, _ = unix.Write(wire.FDCollectReady, []byte{1})
	_ = unix.Close(wire.FDCollectReady)
	c.run(signals)
	os.Exit(0)
}

func giveUp(what string, err error) {
	say(what + ": " + err.Error())
	os.Exit(1)
}

// open begins to store.
func (c *collector) open(spec *wire.Collect) error {
	dir := rotate.FromFD(wire.FDCollectDir)
	for i, prefix := range []string{spec.StdoutPrefix, spec.StderrPrefix} {
		w, err := rotate.New(dir, rotate.Config{Prefix: prefix, MaxFiles: spec.MaxFiles, MaxSize: spec.MaxFileSize})
		if err != nil {
			return err
		}
		read := wire.FDCollectPipes + 2*i
		c.streams = append(c.streams, &stream{name: prefix, to: w, rotated: w, from: os.NewFile(uintptr(read), prefix), task: read + 1})
	}
	for _, s := range c.streams {
		c.running.Go(func() { s.pump(c.much) })
	}
	return nil
}

// run stores until it is told to end, or nobody has the pipes any more.
func (c *collector) run(signals <-chan os.Signal) {
	ended := make(chan struct{})
	go func() {
		c.running.Wait()
		close(ended)
	}()
	trim := time.NewTimer(trimAfter)
	look := time.NewTicker(forsakenPeriod)
	for {
		select {
		case <-signals:
			c.release()
			c.drain(collectDrain)
			return
		case <-ended:
			c.drain(0)
			return
		case <-look.C:
			if forsaken() {
				c.release()
			}
		case <-trim.C:
			pages.SmallHeap()
			pages.GiveBack()
		case <-c.much:
			trim.Reset(trimAfter)
		}
	}
}

// release lets the streams end with the last writer of others.
func (c *collector) release() {
	if c.released {
		return
	}
	c.released = true
	for _, s := range c.streams {
		_ = unix.Close(s.task)
	}
}

// forsaken reports whether the directory with the pipes was removed: no agent will come that tells the collector to end.
func forsaken() bool {
	var st unix.Stat_t
	return unix.Fstat(wire.FDCollectPipes, &st) == nil && st.Nlink == 0
}
