// SPDX-License-Identifier: MPL-2.0

package host

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestFollow opens a stream again and again, and looks at the times.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begin := time.Now()
		var opened []time.Duration
		var failures int
		open := func(context.Context) (<-chan *int, error) {
			opened = append(opened, time.Since(begin).Round(time.Second))
			switch len(opened) {
			case 1, 2:
				return nil, errors.New("cannot be opened")
			case 9:
				cancel()
			}
			stream := make(chan *int, 1)
			if len(opened) == 4 {
				stream <- new(int) // a good message starts the delays anew
			}
			close(stream)
			return stream, nil
		}
		deliver := func(message *int) bool {
			if *message < 0 {
				failures++
				return false
			}
			return true
		}
		follow(ctx, open, deliver, func(error) *int { failed := -1; return &failed })
		want := []time.Duration{0, 5, 15, 35, 40, 50, 70, 110, 190}
		if len(opened) != len(want) {
			t.Fatalf("the stream was opened after %v, want %v", opened, want)
		}
		for i := range want {
			if opened[i] != want[i]*time.Second {
				t.Fatalf("the stream was opened after %v, want %v seconds", opened, want)
			}
		}
		if failures != 2 {
			t.Errorf("%d failures were delivered, want 2", failures)
		}
	})
}

// TestFollowDelayIsBounded never waits longer than two minutes.
func TestFollowDelayIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var last time.Time
		var longest time.Duration
		count := 0
		open := func(context.Context) (<-chan *int, error) {
			if !last.IsZero() {
				longest = max(longest, time.Since(last))
			}
			last = time.Now()
			if count++; count == 20 {
				cancel()
			}
			return nil, errors.New("cannot be opened")
		}
		follow(ctx, open, func(*int) bool { return false }, func(error) *int { return new(int) })
		if longest != reopenMax {
			t.Errorf("the longest delay was %v, want %v", longest, reopenMax)
		}
	})
}
