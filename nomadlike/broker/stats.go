// SPDX-License-Identifier: MPL-2.0

package broker

// QueueStats counts the evaluations of one queue.
type QueueStats struct {
	Ready   int
	Unacked int
}

// Stats counts what a Broker holds.
type Stats struct {
	// Ready could be handed out now, Unacked are handed out.
	Ready, Unacked int
	// Pending wait behind another evaluation of their job, Waiting for a time, Failed for the reaper.
	Pending, Waiting, Failed int
	// Cancelable are superseded and not yet written as canceled.
	Cancelable int
	// ByQueue is by job type.
	ByQueue map[string]QueueStats
}

// Stats counts what the broker holds; it takes time in proportion to that.
func (b *Broker) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{Cancelable: len(b.mu.cancelable), ByQueue: map[string]QueueStats{}}
	for _, it := range b.mu.items {
		q := s.ByQueue[it.eval.Type]
		switch it.place {
		case placeReady:
			s.Ready++
			q.Ready++
		case placeOut:
			s.Unacked++
			q.Unacked++
		case placePending:
			s.Pending++
		case placeDelayed:
			s.Waiting++
		case placeFailed:
			s.Failed++
		}
		s.ByQueue[it.eval.Type] = q
	}
	return s
}
