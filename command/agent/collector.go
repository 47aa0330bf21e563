// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim/pages"
)

const (
	// collectorLook is how often an agent looks at how busy its garbage collector is.
	collectorLook = 250 * time.Millisecond
	// calmLooks is after how many looks it is judged: it is busy if it ran busyRuns times by then, about every other second.
	// With burstRuns between two looks it is at once.
	calmLooks = 40
	busyRuns  = 4
	burstRuns = 2
	// collectorSpare is how much garbage, in bytes, a busy collector may leave although there is less in use, and
	// mostPercent how much at most in percent of that.
	collectorSpare = 256 << 20
	mostPercent    = 300
	// calmPercent is the garbage that Go leaves by itself.
	calmPercent = 100
)

// collector lets garbage lie for longer while an agent has much to do: with little in use, Go collects many times a
// second for the sake of a few megabytes, and a third of the processor goes there. An agent that starts has much to do.
// An idle one, and one with much in use, collects as Go does by itself. What lay about, and what of the program is
// not in use, is given back when an agent is busy no more.
type collector struct {
	samples []metrics.Sample
	cycles  uint64
	// looks counts the looks, runs the collections since it was last judged.
	looks, runs int
	// ran is set when there was one since memory was given back.
	ran     bool
	percent int
	// freed is set when the next collection that is seen is its own.
	freed bool
	set   func(percent int) int
	free  func()
}

func newCollector() *collector {
	return &collector{
		samples: []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/live:bytes"}},
		percent: mostPercent, set: debug.SetGCPercent,
		free: func() {
			debug.FreeOSMemory()
			pages.GiveBack()
		},
	}
}

// run adapts the collector until ctx ends, unless the operator has set GOGC.
func (c *collector) run(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	c.set(c.percent)
	defer c.set(calmPercent)
	t := time.NewTicker(collectorLook)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			metrics.Read(c.samples)
			c.look(c.samples[0].Value.Uint64(), c.samples[1].Value.Uint64())
		}
	}
}

// look takes the collections since the start and the bytes in use after the last one.
func (c *collector) look(cycles, live uint64) {
	c.looks++
	n := int(cycles - c.cycles)
	if c.freed {
		n = 0 // its own
	}
	c.runs += n
	c.ran = c.ran || n > 0
	c.cycles, c.freed = cycles, false
	percent, free := calmPercent, false
	switch {
	case n >= burstRuns, c.runs >= busyRuns:
		percent = busyPercent(live)
	case c.looks >= calmLooks:
		// Where little is in use, what a single collection has left is worth another one, once there is none by itself.
		free = c.percent != calmPercent || c.ran && c.runs == 0 && busyPercent(live) != calmPercent
	default:
		return
	}
	c.looks, c.runs = 0, 0
	if percent != c.percent {
		c.percent = percent
		c.set(percent)
	}
	if free {
		c.free()
		c.freed, c.ran = true, false
	}
}

// busyPercent is the garbage in percent of what is in use that a busy collector leaves, in steps, since each change
// stops the program for a moment.
func busyPercent(live uint64) int {
	percent := int(min(collectorSpare*100/max(live, 1), mostPercent))
	return max(calmPercent, percent/50*50)
}
