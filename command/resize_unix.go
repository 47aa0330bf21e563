// SPDX-License-Identifier: MPL-2.0

//go:build unix

package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// watchSize calls changed after each change of the terminal's size, until stop is called or ctx ends.
func watchSize(ctx context.Context, changed func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGWINCH)
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				changed()
			}
		}
	}()
	return cancel
}
