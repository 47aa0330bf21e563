// SPDX-License-Identifier: MPL-2.0

package usage

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// Reasons of Fits that are about the node itself.
const (
	ReasonNodeMissing      = "node does not exist"
	ReasonNodeNotReady     = "node is not ready for placements"
	ReasonNodeDisconnected = "node is disconnected and contact to it lost"
)

// Part is what a plan wants to change on one node.
type Part struct {
	NodeID string
	// Place holds new allocations and updated versions of existing ones.
	Place []*api.Allocation
	// Stop holds allocations that the plan stops or evicts.
	Stop []*api.Allocation
}

// Fits checks the part of a plan for one node against the overlay, the newest state the caller knows.
// existing returns the row that the overlay counts for an allocation ID, or nil. It answers true and
// leaves the overlay as the table will be once the part is committed, or false with the reason and the
// overlay unchanged. What the part stops makes room for what it places, but until it is terminal on the
// client it goes on counting for later plans.
//
// Rules (scheduler.md 7): a part that only stops always fits; the node must exist; new allocations need
// it ready, eligible and not draining; a disconnected node accepts only changes to unknown; updates that
// ask for no more than the version they replace always fit; everything else must fit in every dimension
// after the stops are taken off.
func Fits(o *Overlay, p Part, existing func(id string) *api.Allocation) (reason string, ok bool) {
	ord, known := o.Ordinal(p.NodeID)
	if len(p.Place) == 0 {
		for _, a := range p.Stop {
			if !Counts(a) {
				o.RemoveAlloc(existing(a.ID))
			}
		}
		return "", true
	}
	if !known || o.Node(ord) == nil {
		return ReasonNodeMissing, false
	}
	if reason := acceptable(o, ord, p.Place, existing); reason != "" {
		return reason, false
	}
	undo := fork{o: o}
	for _, a := range p.Stop {
		undo.remove(existing(a.ID))
	}
	for _, a := range p.Place {
		undo.remove(existing(a.ID))
	}
	for _, a := range p.Place {
		if !Counts(a) {
			continue
		}
		claim := ClaimOf(a)
		if old := existing(a.ID); old == nil || !Counts(old) || grows(ClaimOf(old), claim) {
			if reason := o.Exhausted(ord, claim); reason != "" {
				undo.all()
				return reason, false
			}
		}
		undo.add(ord, claim)
	}
	for _, a := range p.Stop {
		if Counts(a) {
			o.AddAlloc(existing(a.ID))
		}
	}
	return "", true
}

func acceptable(o *Overlay, ord int, place []*api.Allocation, existing func(id string) *api.Allocation) string {
	node := o.Node(ord)
	for _, a := range place {
		isNew := existing(a.ID) == nil
		switch {
		case node.Status == api.NodeStatusDisconnected && (isNew || a.ClientStatus != api.AllocClientUnknown):
			return ReasonNodeDisconnected
		case isNew && !o.Ready(ord):
			return ReasonNodeNotReady
		}
	}
	return ""
}

// FitsInstead reports whether the new version of an allocation fits on its node in place of the old one,
// without changing the overlay.
func FitsInstead(o *Overlay, ord int, old, updated *api.Allocation) bool {
	was, is := ClaimOf(old), ClaimOf(updated)
	if old.AllocatedResources == updated.AllocatedResources || Counts(old) && !grows(was, is) {
		return true
	}
	if Counts(old) {
		o.Remove(ord, was)
		defer o.Add(ord, was)
	}
	return o.Exhausted(ord, is) == ""
}

// grows reports whether the new claim asks for anything that the old one did not hold.
func grows(old, updated Claim) bool {
	if updated.CPU > old.CPU || updated.MemoryMB > old.MemoryMB || updated.DiskMB > old.DiskMB {
		return true
	}
	for p := range updated.Ports() {
		if !holdsPort(old, p) {
			return true
		}
	}
	for core := range updated.Cores() {
		if !holdsCore(old, core) {
			return true
		}
	}
	for d := range updated.Devices() {
		if !old.holdsDevice(d) {
			return true
		}
	}
	return false
}

func holdsPort(c Claim, want Port) bool {
	for p := range c.Ports() {
		if p.IP == want.IP && p.Value == want.Value {
			return true
		}
	}
	return false
}

func holdsCore(c Claim, want uint16) bool {
	for core := range c.Cores() {
		if core == want {
			return true
		}
	}
	return false
}

// fork remembers changes of an overlay so that they can be taken back.
type fork struct {
	o     *Overlay
	steps []step
}

type step struct {
	ord   int
	claim Claim
	added bool
}

func (f *fork) remove(a *api.Allocation) {
	if !Counts(a) {
		return
	}
	if ord, ok := f.o.Ordinal(a.NodeID); ok {
		claim := ClaimOf(a)
		f.o.Remove(ord, claim)
		f.steps = append(f.steps, step{ord: ord, claim: claim})
	}
}

func (f *fork) add(ord int, c Claim) {
	f.o.Add(ord, c)
	f.steps = append(f.steps, step{ord: ord, claim: c, added: true})
}

func (f *fork) all() {
	for _, v := range slices.Backward(f.steps) {
		if s := v; s.added {
			f.o.Remove(s.ord, s.claim)
		} else {
			f.o.Add(s.ord, s.claim)
		}
	}
}
