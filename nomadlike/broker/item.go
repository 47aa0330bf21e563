// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"time"

	"github.com/nomadlike/nomadlike/api"
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
	// index is the position in the heap that the place stands for.
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

// readyHeap orders by priority, highest first, then by create index, oldest first.
type readyHeap []*item

func before(a, b *api.Evaluation) bool {
	if a.Priority != b.Priority {
		return a.Priority > b.Priority
	}
	if a.CreateIndex != b.CreateIndex {
		return a.CreateIndex < b.CreateIndex
	}
	return a.ID < b.ID
}

func (h readyHeap) Len() int           { return len(h) }
func (h readyHeap) Less(i, j int) bool { return before(h[i].eval, h[j].eval) }
func (h readyHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *readyHeap) Push(x any) {
	it := x.(*item)
	it.index = len(*h)
	*h = append(*h, it)
}

func (h *readyHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return it
}

// delayHeap orders by time, soonest first.
type delayHeap []*item

func (h delayHeap) Len() int           { return len(h) }
func (h delayHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h delayHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *delayHeap) Push(x any) {
	it := x.(*item)
	it.index = len(*h)
	*h = append(*h, it)
}

func (h *delayHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return it
}
