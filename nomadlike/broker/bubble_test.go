// SPDX-License-Identifier: MPL-2.0

package broker

import "time"

// sleep lets other goroutines of a bubble run for a moment of virtual time.
func sleep() { time.Sleep(time.Millisecond) }
