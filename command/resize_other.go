// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package command

import (
	"context"
	"time"
)

// sizePoll is how often the size is told where the system does not say that it has changed.
const sizePoll = time.Second

// watchSize calls changed now and then, until stop is called or ctx ends.
func watchSize(ctx context.Context, changed func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		t := time.NewTicker(sizePoll)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				changed()
			}
		}
	}()
	return cancel
}
