// SPDX-License-Identifier: MPL-2.0

package rank

// nodeHeap is a binary max-heap of candidate indexes. Candidates know their position, so that one whose
// score changed can be moved.
type nodeHeap []int32

// better reports whether a comes before b: higher score, then the better fit, which decides among nodes that would
// all be stranded, then the seeded order of equals.
func (p *Placer) better(a, b int32) bool {
	x, y := &p.candidates[a], &p.candidates[b]
	if x.score != y.score {
		return x.score > y.score
	}
	return x.before(y)
}

func (p *Placer) push(heap int32, c int32) {
	h := &p.heaps[heap]
	*h = append(*h, c)
	p.candidates[c].heap = heap
	p.candidates[c].position = int32(len(*h) - 1)
	p.up(*h, len(*h)-1)
}

// remove takes the candidate out of its heap.
func (p *Placer) remove(c int32) {
	h := &p.heaps[p.candidates[c].heap]
	at, last := int(p.candidates[c].position), len(*h)-1
	if at != last {
		p.swap(*h, at, last)
	}
	*h = (*h)[:last]
	if at != last {
		p.fix(*h, at)
	}
	p.candidates[c].heap = noHeap
}

func (p *Placer) fix(h nodeHeap, at int) {
	if !p.down(h, at) {
		p.up(h, at)
	}
}

func (p *Placer) heapify(h nodeHeap) {
	for i, c := range h {
		p.candidates[c].position = int32(i)
	}
	for i := len(h)/2 - 1; i >= 0; i-- {
		p.down(h, i)
	}
}

func (p *Placer) up(h nodeHeap, at int) {
	for at > 0 {
		parent := (at - 1) / 2
		if !p.better(h[at], h[parent]) {
			return
		}
		p.swap(h, at, parent)
		at = parent
	}
}

func (p *Placer) down(h nodeHeap, at int) (moved bool) {
	for {
		best := at
		for child := 2*at + 1; child <= 2*at+2 && child < len(h); child++ {
			if p.better(h[child], h[best]) {
				best = child
			}
		}
		if best == at {
			return moved
		}
		p.swap(h, at, best)
		at, moved = best, true
	}
}

func (p *Placer) swap(h nodeHeap, i, j int) {
	h[i], h[j] = h[j], h[i]
	p.candidates[h[i]].position = int32(i)
	p.candidates[h[j]].position = int32(j)
}
