// SPDX-License-Identifier: MPL-2.0

package pqueue

import (
	"math/rand/v2"
	"slices"
	"testing"
)

type element struct{ rank, at int }

func newQueue() *Queue[*element] {
	return New(func(a, b *element) bool { return a.rank < b.rank }, func(e *element) *int { return &e.at })
}

// TestOrder does random things to a queue and to a sorted list beside it.
func TestOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	q := newQueue()
	var in []*element
	for range 20_000 {
		switch k := rnd.IntN(5); {
		case k < 2 || len(in) == 0:
			e := &element{rank: rnd.IntN(50)}
			q.Push(e)
			in = append(in, e)
		case k == 2:
			i := rnd.IntN(len(in))
			q.Remove(in[i])
			in = slices.Delete(in, i, i+1)
		case k == 3:
			e := in[rnd.IntN(len(in))]
			e.rank = rnd.IntN(50)
			q.Moved(e)
		default:
			first, ok := q.First()
			got := q.Pop()
			if !ok || got != first {
				t.Fatalf("Pop took %+v, First had %+v", got, first)
			}
			if least := slices.MinFunc(in, func(a, b *element) int { return a.rank - b.rank }); got.rank != least.rank {
				t.Fatalf("Pop took rank %d, the least is %d", got.rank, least.rank)
			}
			in = slices.DeleteFunc(in, func(e *element) bool { return e == got })
		}
		if q.Len() != len(in) {
			t.Fatalf("%d elements, want %d", q.Len(), len(in))
		}
	}
}

func TestDrain(t *testing.T) {
	q := newQueue()
	q.Push(&element{rank: 2})
	q.Push(&element{rank: 1})
	if all := q.Drain(); len(all) != 2 {
		t.Fatalf("Drain gave %d elements", len(all))
	}
	if first, ok := q.First(); ok || q.Len() != 0 {
		t.Fatalf("%+v is left", first)
	}
}

func TestWithoutPlace(t *testing.T) {
	q := New(func(a, b int) bool { return a < b }, nil)
	for _, n := range []int{3, 1, 2} {
		q.Push(n)
	}
	if got := []int{q.Pop(), q.Pop(), q.Pop()}; !slices.Equal(got, []int{1, 2, 3}) {
		t.Fatalf("popped %v", got)
	}
}

func TestPushDoesNotAllocate(t *testing.T) {
	q := newQueue()
	e := &element{}
	q.Push(e)
	if n := testing.AllocsPerRun(100, func() { q.Push(q.Pop()) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
