// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/pqueue"
)

// FailedQueue is the queue of evaluations that reached the delivery limit.
const FailedQueue = "_failed"

// place says where the broker holds an evaluation.
type place uint8

const (
	placeReady   place = iota // in a ready queue, holds its job's slot
	placePending              // waits for the job's slot
	placeDelayed              // waits for a time
	placeOut                  // handed out, holds its job's slot
	placeFailed               // in the failed queue, or handed out from it
)

// jobKey names a job; evaluations of one job are handed out one at a time.
type jobKey struct{ namespace, id string }

func keyOf(e *api.Evaluation) jobKey { return jobKey{e.Namespace, e.JobID} }

// item is an evaluation in the broker. Broker.mu guards it.
type item struct {
	eval  *api.Evaluation
	place place
	// index is the position in the queue that the place stands for.
	index int
	// dequeues counts how often the evaluation was handed out.
	dequeues int
	// token is set while the evaluation is handed out.
	token string
	nack  *time.Timer
	// at is when a delayed evaluation becomes ready.
	at time.Time
	// again is a newer version of the evaluation to queue once this one is acknowledged.
	again *api.Evaluation
	// queued, ready and out are when it came, when it could be handed out first, and when it was handed out last.
	queued, ready, out time.Time
}

// newer reports whether a was created after b; the newest evaluation of a job stands for all of them.
func newer(a, b *api.Evaluation) bool {
	if a.CreateIndex != b.CreateIndex {
		return a.CreateIndex > b.CreateIndex
	}
	if a.ModifyIndex != b.ModifyIndex {
		return a.ModifyIndex > b.ModifyIndex
	}
	return a.ID > b.ID
}

// readyQueue orders by priority, highest first, then by create index, oldest first.
func readyQueue() *pqueue.Queue[*item] {
	return pqueue.New(func(a, b *item) bool { return before(a.eval, b.eval) }, (*item).position)
}

// delayedQueue orders by time, soonest first.
func delayedQueue() *pqueue.Queue[*item] {
	return pqueue.New(func(a, b *item) bool { return a.at.Before(b.at) }, (*item).position)
}

func (it *item) position() *int { return &it.index }

func before(a, b *api.Evaluation) bool {
	if a.Priority != b.Priority {
		return a.Priority > b.Priority
	}
	if a.CreateIndex != b.CreateIndex {
		return a.CreateIndex < b.CreateIndex
	}
	return a.ID < b.ID
}
