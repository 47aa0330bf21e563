// SPDX-License-Identifier: MPL-2.0

package alloc

import "context"

// awaitPreempted waits until the allocations that had to make room for this one have ended: until then
// their resources, ports and devices are theirs.
func (r *Runner) awaitPreempted(ctx context.Context) error {
	for _, id := range r.Alloc().PreemptedAllocations {
		victim := r.deps.Previous(id)
		if victim == nil {
			continue
		}
		for ended := false; !ended; {
			if r.destroying || r.Alloc().ServerTerminalStatus() {
				return nil
			}
			select {
			case <-victim.Finished():
				ended = true
			case <-victim.Done():
				ended = true
			case <-r.box.C():
				r.receive()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}
