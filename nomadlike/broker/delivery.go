// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/pqueue"
)

// Errors of Ack, Nack and the nack timer.
var (
	// ErrNotOutstanding means that the evaluation is not handed out, or was taken back.
	ErrNotOutstanding = errors.New("evaluation is not outstanding")
	// ErrTokenMismatch means that the evaluation was handed out again since.
	ErrTokenMismatch = errors.New("evaluation token does not match")
)

// Dequeue waits for an evaluation of one of the queues (job types or FailedQueue) and hands it out with
// a token that Ack, Nack and plans must show. It returns the error of ctx when that ends first.
func (b *Broker) Dequeue(ctx context.Context, queues ...string) (*api.Evaluation, string, error) {
	for {
		b.mu.Lock()
		if it := b.popLocked(queues); it != nil {
			token := b.handOutLocked(it)
			eval, ready := it.eval, it.ready
			b.mu.Unlock()
			b.measure(keyWaitTime, eval, ready)
			return eval, token, nil
		}
		b.mu.waiters++
		wake := b.mu.wake
		b.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
	}
}

func (b *Broker) popLocked(queues []string) *item {
	var best *pqueue.Queue[*item]
	var first *item
	for _, name := range queues {
		q := b.mu.ready[name]
		if q == nil {
			continue
		}
		if it, ok := q.First(); ok && (best == nil || before(it.eval, first.eval)) {
			best, first = q, it
		}
	}
	if best == nil {
		return nil
	}
	return best.Pop()
}

func (b *Broker) handOutLocked(it *item) string {
	it.token, it.out = api.NewID(), time.Now()
	it.dequeues++
	if it.place != placeFailed {
		it.place = placeOut
	}
	b.startNackLocked(it)
	return it.token
}

func (b *Broker) startNackLocked(it *item) {
	id, token := it.eval.ID, it.token
	it.nack = time.AfterFunc(b.cfg.NackTimeout, func() {
		// An evaluation that was acknowledged meanwhile is no longer ours to give back.
		_ = b.Nack(id, token)
	})
}

func (b *Broker) outLocked(id, token string) (*item, error) {
	it := b.mu.items[id]
	if it == nil || it.token == "" {
		return nil, ErrNotOutstanding
	}
	if it.token != token {
		return nil, ErrTokenMismatch
	}
	return it, nil
}

// Verify returns nil when the evaluation is handed out under the token.
func (b *Broker) Verify(id, token string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err := b.outLocked(id, token)
	return err
}

// PauseNack stops the nack timer of an evaluation, for the time its plan waits for others.
func (b *Broker) PauseNack(id, token string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	it, err := b.outLocked(id, token)
	if err != nil {
		return err
	}
	stopTimer(it)
	return nil
}

// ResumeNack starts the nack timer anew.
func (b *Broker) ResumeNack(id, token string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	it, err := b.outLocked(id, token)
	if err != nil {
		return err
	}
	stopTimer(it)
	b.startNackLocked(it)
	return nil
}

// Ack says that the evaluation was processed. The newest one that waited for it becomes ready and the
// others that waited become cancelable.
func (b *Broker) Ack(id, token string) error {
	it, failed, err := b.ack(id, token)
	if err == nil && !failed {
		b.measure(keyProcessTime, it.eval, it.out)
		b.measure(keyResponseTime, it.eval, it.queued)
	}
	return err
}

// ack returns what was taken out, which nobody else has any more, and whether it came from FailedQueue.
func (b *Broker) ack(id, token string) (it *item, failed bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if it, err = b.outLocked(id, token); err != nil {
		return nil, false, err
	}
	key := keyOf(it.eval)
	failed = it.place == placeFailed
	b.removeLocked(it)
	if !failed {
		b.promoteLocked(key)
	}
	if it.again != nil {
		b.enqueueLocked(it.again)
	}
	if !failed {
		b.cancelPendingLocked(key)
	}
	return it, failed, nil
}

// Nack gives the evaluation back; it is handed out again after a delay, or moves to FailedQueue at the
// delivery limit.
func (b *Broker) Nack(id, token string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	it, err := b.outLocked(id, token)
	if err != nil {
		return err
	}
	stopTimer(it)
	it.token = ""
	if it.again != nil {
		it.eval, it.again = it.again, nil
	}
	if it.place == placeFailed {
		b.pushLocked(FailedQueue, it)
		return nil
	}
	b.releaseLocked(it)
	switch {
	case it.dequeues >= b.cfg.DeliveryLimit:
		it.place = placeFailed
		b.pushLocked(FailedQueue, it)
	case it.dequeues == 1:
		b.delayLocked(it, time.Now().Add(b.cfg.FirstNackDelay))
	default:
		b.delayLocked(it, time.Now().Add(b.cfg.NextNackDelay))
	}
	b.promoteLocked(keyOf(it.eval))
	return nil
}

// Remove forgets an evaluation that reached a final status by other means or was deleted. One that is
// handed out stays until its worker is done.
func (b *Broker) Remove(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	it := b.mu.items[id]
	if it == nil {
		return
	}
	if it.token != "" {
		it.again = nil
		return
	}
	b.removeLocked(it)
	if it.place == placeReady {
		b.promoteLocked(keyOf(it.eval))
	}
}

// removeLocked takes the item out of wherever it is.
func (b *Broker) removeLocked(it *item) {
	stopTimer(it)
	delete(b.mu.items, it.eval.ID)
	switch it.place {
	case placeReady:
		b.mu.ready[it.eval.Type].Remove(it)
		b.releaseLocked(it)
	case placeOut:
		b.releaseLocked(it)
	case placePending:
		key := keyOf(it.eval)
		delete(b.mu.jobs[key].pending, it)
	case placeDelayed:
		b.mu.delayed.Remove(it)
	case placeFailed:
		if it.token == "" {
			b.mu.ready[FailedQueue].Remove(it)
		}
	}
	it.token = ""
}

// releaseLocked frees the job's slot that the item holds.
func (b *Broker) releaseLocked(it *item) {
	key := keyOf(it.eval)
	slot := b.mu.jobs[key]
	slot.holder = nil
	if len(slot.pending) == 0 {
		delete(b.mu.jobs, key)
	}
}

// promoteLocked makes the newest pending evaluation of the job ready when the slot is free.
func (b *Broker) promoteLocked(key jobKey) {
	slot := b.mu.jobs[key]
	if slot == nil || slot.holder != nil {
		return
	}
	var newest *item
	for it := range slot.pending {
		if newest == nil || newer(it.eval, newest.eval) {
			newest = it
		}
	}
	if newest == nil {
		delete(b.mu.jobs, key)
		return
	}
	delete(slot.pending, newest)
	slot.holder = newest
	newest.place, newest.ready = placeReady, time.Now()
	b.pushLocked(newest.eval.Type, newest)
}

// cancelPendingLocked makes what waits for the slot of the job cancelable: whoever holds it is still to
// be processed and will see the newest state, so none of the others is needed.
func (b *Broker) cancelPendingLocked(key jobKey) {
	slot := b.mu.jobs[key]
	if slot == nil || len(slot.pending) == 0 {
		return
	}
	first := len(b.mu.cancelable)
	for it := range slot.pending {
		delete(b.mu.items, it.eval.ID)
		b.mu.cancelable = append(b.mu.cancelable, it.eval)
	}
	slices.SortFunc(b.mu.cancelable[first:], func(x, y *api.Evaluation) int {
		return cmp.Compare(x.CreateIndex, y.CreateIndex)
	})
	slot.pending = nil
}

// Cancelable takes at most limit superseded evaluations; the caller sets their status to canceled.
func (b *Broker) Cancelable(limit int) []*api.Evaluation {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(limit, len(b.mu.cancelable))
	if n == 0 {
		return nil
	}
	batch := b.mu.cancelable[:n:n]
	b.mu.cancelable = b.mu.cancelable[n:]
	if len(b.mu.cancelable) == 0 {
		b.mu.cancelable = nil
	}
	return batch
}

// ReturnCancelable gives back evaluations whose cancellation could not be written.
func (b *Broker) ReturnCancelable(evals []*api.Evaluation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.enabled {
		b.mu.cancelable = append(b.mu.cancelable, evals...)
	}
}
