// SPDX-License-Identifier: MPL-2.0

// Package pqueue is a priority queue over container/heap whose elements can be moved and taken out from anywhere.
package pqueue

import "container/heap"

// Queue holds elements in the order that its function before gives. It is not safe for concurrent use.
type Queue[T any] struct{ h list[T] }

// New returns an empty queue. place returns where an element keeps its position, which the queue writes; an element is in
// one queue at a time. Without place, Moved and Remove cannot be used.
func New[T any](before func(a, b T) bool, place func(T) *int) *Queue[T] {
	return &Queue[T]{list[T]{before: before, place: place}}
}

// Len returns the number of elements.
func (q *Queue[T]) Len() int { return len(q.h.all) }

// First returns the element that comes before all others, without taking it out; false when there is none.
func (q *Queue[T]) First() (first T, ok bool) {
	if len(q.h.all) == 0 {
		return first, false
	}
	return q.h.all[0], true
}

// Push adds an element.
func (q *Queue[T]) Push(x T) {
	q.h.all = append(q.h.all, x)
	q.h.put(len(q.h.all) - 1)
	heap.Fix(&q.h, len(q.h.all)-1)
}

// Pop takes the first element out. It panics when there is none.
func (q *Queue[T]) Pop() T { return q.take(0) }

// Moved restores the order after something changed that before looks at.
func (q *Queue[T]) Moved(x T) { heap.Fix(&q.h, *q.h.place(x)) }

// Remove takes an element out that is in the queue.
func (q *Queue[T]) Remove(x T) { q.take(*q.h.place(x)) }

// Drain empties the queue and returns what was in it, in no order.
func (q *Queue[T]) Drain() []T {
	all := q.h.all
	q.h.all = nil
	return all
}

func (q *Queue[T]) take(i int) T {
	x, last := q.h.all[i], len(q.h.all)-1
	q.h.Swap(i, last)
	clear(q.h.all[last:])
	q.h.all = q.h.all[:last]
	if i < last {
		heap.Fix(&q.h, i)
	}
	return x
}

// list is what container/heap sees. Elements are added and taken by Queue, so that none is wrapped in an interface.
type list[T any] struct {
	all    []T
	before func(a, b T) bool
	place  func(T) *int
}

// Len implements heap.Interface.
func (l *list[T]) Len() int { return len(l.all) }

// Less implements heap.Interface.
func (l *list[T]) Less(i, j int) bool { return l.before(l.all[i], l.all[j]) }

// Swap implements heap.Interface.
func (l *list[T]) Swap(i, j int) {
	l.all[i], l.all[j] = l.all[j], l.all[i]
	l.put(i)
	l.put(j)
}

func (l *list[T]) put(i int) {
	if l.place != nil {
		*l.place(l.all[i]) = i
	}
}

// Push implements heap.Interface. It is not called: heap.Fix does not.
func (l *list[T]) Push(any) { panic("pqueue: Push of the list") }

// Pop implements heap.Interface. It is not called: heap.Fix does not.
func (l *list[T]) Pop() any { panic("pqueue: Pop of the list") }
