// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestFirstSize(t *testing.T) {
	want := TerminalSize{Height: 33, Width: 101}
	for name, c := range map[string]struct {
		tty  bool
		make func() <-chan TerminalSize
		size TerminalSize
		wait time.Duration
	}{
		"sent":        {true, func() <-chan TerminalSize { c := make(chan TerminalSize, 1); c <- want; return c }, want, 0},
		"never sent":  {true, func() <-chan TerminalSize { return make(chan TerminalSize) }, TerminalSize{}, firstSizeWait},
		"closed":      {true, func() <-chan TerminalSize { c := make(chan TerminalSize); close(c); return c }, TerminalSize{}, 0},
		"no sizes":    {true, func() <-chan TerminalSize { return nil }, TerminalSize{}, 0},
		"no terminal": {false, func() <-chan TerminalSize { return make(chan TerminalSize) }, TerminalSize{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts, start := &ExecOptions{TTY: c.tty, Resize: c.make()}, time.Now()
				if got := opts.FirstSize(t.Context()); got != c.size || time.Since(start) != c.wait {
					t.Errorf("%+v after %s, want %+v after %s", got, time.Since(start), c.size, c.wait)
				}
			})
		})
	}
}
