// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"sync"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/pqueue"
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
		waiting *pqueue.Queue[*Submission]
		seq     uint64
		enabled bool
	}
	// ready has room for one signal that the queue is not empty.
	ready chan struct{}
}

func newPlanQueue() *planQueue {
	q := &planQueue{ready: make(chan struct{}, 1)}
	q.mu.waiting = pqueue.New(func(a, b *Submission) bool {
		if a.Plan.Priority != b.Plan.Priority {
			return a.Plan.Priority > b.Plan.Priority
		}
		return a.seq < b.seq
	}, nil)
	return q
}

// push adds a submission and reports whether the queue takes any.
func (q *planQueue) push(s *Submission) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.mu.enabled {
		return false
	}
	q.mu.seq++
	s.seq = q.mu.seq
	q.mu.waiting.Push(s)
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
	if q.mu.waiting.Len() == 0 {
		return nil
	}
	return q.mu.waiting.Pop()
}

func (q *planQueue) depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.mu.waiting.Len()
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
	return q.mu.waiting.Drain()
}
