// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"container/heap"
	"sync"

	"github.com/nomadlike/nomadlike/api"
)

// Submission is a plan on its way through the Applier, with the evaluations that are stored with it.
type Submission struct {
	// Plan may be a no-op; then only the evaluations are written.
	Plan *api.Plan
	// Token is the broker's token of the evaluation; a stale one is refused. Empty for writes that
	// belong to no evaluation in progress.
	Token string
	// Always is written whatever fits: committed allocations may name these evaluations.
	Always []*api.Evaluation
	// Final is written only when the whole plan fits.
	Final []*api.Evaluation

	seq    uint64
	index  int
	result chan Result
	// checked is closed once everything that is accepted of the plan counts for later ones, or nothing is.
	checked chan struct{}
}

// Result is what became of a Submission.
type Result struct {
	// Plan is what was committed; its RefreshIndex is set when something was dropped.
	Plan *api.PlanResult
	// Index is the raft index of the write, 0 when nothing had to be written.
	Index uint64
	Err   error
}

// Full reports whether the whole plan was committed.
func (r *Result) Full() bool { return r.Err == nil && r.Plan.RefreshIndex == 0 }

// planQueue orders submissions by the priority of their plans, then by age.
type planQueue struct {
	mu struct {
		sync.Mutex
		heap    planHeap
		seq     uint64
		enabled bool
	}
	// ready has room for one signal that the queue is not empty.
	ready chan struct{}
}

func newPlanQueue() *planQueue { return &planQueue{ready: make(chan struct{}, 1)} }

// push adds a submission and reports whether the queue takes any.
func (q *planQueue) push(s *Submission) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.mu.enabled {
		return false
	}
	q.mu.seq++
	s.seq = q.mu.seq
	heap.Push(&q.mu.heap, s)
	q.signal()
	return true
}

func (q *planQueue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// pop takes the first submission, nil when there is none.
func (q *planQueue) pop() *Submission {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.mu.heap) == 0 {
		return nil
	}
	return heap.Pop(&q.mu.heap).(*Submission)
}

func (q *planQueue) depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.mu.heap)
}

// enable starts taking submissions; disable stops that and returns what is queued.
func (q *planQueue) enable() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.enabled = true
}

func (q *planQueue) disable() []*Submission {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.enabled = false
	left := q.mu.heap
	q.mu.heap = nil
	return left
}

type planHeap []*Submission

func (h planHeap) Len() int { return len(h) }
func (h planHeap) Less(i, j int) bool {
	if h[i].Plan.Priority != h[j].Plan.Priority {
		return h[i].Plan.Priority > h[j].Plan.Priority
	}
	return h[i].seq < h[j].seq
}

func (h planHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *planHeap) Push(x any) {
	s := x.(*Submission)
	s.index = len(*h)
	*h = append(*h, s)
}

func (h *planHeap) Pop() any {
	old := *h
	s := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return s
}
