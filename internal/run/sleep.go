// SPDX-License-Identifier: MPL-2.0

package run

import (
	"context"
	"math/rand/v2"
	"time"
)

// Sleep waits, and returns the error of the context when that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Backoff returns how long to wait before the next try, from half a second to fifteen seconds and never in step with
// others who try again; the first try is 0.
func Backoff(try int) time.Duration {
	d := min(time.Second<<min(try, 4), 15*time.Second)
	return d/2 + rand.N(d/2)
}
