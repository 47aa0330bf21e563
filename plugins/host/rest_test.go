// SPDX-License-Identifier: MPL-2.0

package host

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestConnectionIsIdle: only what has no tasks, no calls and no recent use is closed, and takes no work then.
func TestConnectionIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &connection{}
		c.touch()
		idle := func(want bool, when string) {
			t.Helper()
			time.Sleep(2 * time.Minute) // of the bubble
			if got := c.closeIfIdle(time.Minute); got != want {
				t.Errorf("%s: idle %t, want %t", when, got, want)
			}
		}
		if !c.begin() {
			t.Fatal("an open connection takes no work")
		}
		idle(false, "in a call")
		c.finish("t", true)
		idle(false, "with a task")
		if !c.begin() {
			t.Fatal("an open connection takes no work")
		}
		c.finish("t", false)
		if c.closeIfIdle(time.Minute) {
			t.Error("closed right after use")
		}
		idle(true, "without tasks")
		if c.begin() {
			t.Error("a closed connection takes work")
		}
	})
}
