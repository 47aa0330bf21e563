// SPDX-License-Identifier: MPL-2.0

package drivertest

import (
	"context"
	"testing"
)

// contextOf is a context that a test can end before its rig's.
func contextOf(r *rig) (context.Context, context.CancelFunc) { return context.WithCancel(r.ctx) }

// receive returns the next message of a stream, and false when the stream has
// ended or the test has no time left.
func receive[T any](r *rig, stream <-chan T) (T, bool) {
	select {
	case message, ok := <-stream:
		return message, ok
	case <-r.ctx.Done():
		var none T
		return none, false
	}
}

// drained fails unless a cancelled stream ends.
func drained[T any](t *testing.T, r *rig, stream <-chan T) {
	t.Helper()
	for {
		select {
		case _, ok := <-stream:
			if !ok {
				return
			}
		case <-r.ctx.Done():
			t.Fatal("the stream did not end when it was cancelled")
		}
	}
}
