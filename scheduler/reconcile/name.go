// SPDX-License-Identifier: MPL-2.0

package reconcile

import "github.com/nomadlike/nomadlike/api"

// nameIndex hands out allocation names with the lowest index that is free.
type nameIndex struct {
	job, group string
	used       map[int]struct{}
	next       int
}

func newNameIndex(job, group string) *nameIndex {
	return &nameIndex{job: job, group: group, used: map[int]struct{}{}}
}

// hold marks the index of an allocation as used and reports whether it was free.
func (n *nameIndex) hold(a *api.Allocation) bool {
	i := a.Index()
	if i < 0 {
		return true
	}
	if _, taken := n.used[i]; taken {
		return false
	}
	n.used[i] = struct{}{}
	return true
}

// keepOrNext returns the allocation's own name when its index is free, else the next free one.
func (n *nameIndex) keepOrNext(a *api.Allocation) string {
	if a.Index() >= 0 && n.hold(a) {
		return a.Name
	}
	return n.free()
}

func (n *nameIndex) free() string {
	for {
		i := n.next
		n.next++
		if _, taken := n.used[i]; !taken {
			n.used[i] = struct{}{}
			return api.AllocName(n.job, n.group, i)
		}
	}
}
