// SPDX-License-Identifier: MPL-2.0

package usage

import (
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// Table is the writable form. It has one writer at a time and no lock of its own; the state store calls
// it for every put and delete of a node or allocation row inside its write transaction.
type Table struct {
	cur   Snapshot
	epoch uint64
	// free holds ordinals to hand out again; after a rollback it is unknown until one is needed.
	free        []int32
	freeUnknown bool

	datacenters, pools, classes, drivers names
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{epoch: nextEpoch()}
}

// Snapshot returns an immutable view of the table as it is now. It costs one copy of the page pointers.
func (t *Table) Snapshot() *Snapshot {
	s := t.cur
	s.offers = append([]*offerPage(nil), t.cur.offers...)
	s.used = append([]*usedPage(nil), t.cur.used...)
	s.datacenters, s.pools = t.datacenters.list, t.pools.list
	s.classes, s.drivers = t.classes.list, t.drivers.list
	t.epoch = nextEpoch()
	return &s
}

// Rollback makes the table equal to a snapshot: one taken from it earlier, for a transaction that aborts,
// or one of another table, to go on from there. It costs no more than a snapshot.
func (t *Table) Rollback(s *Snapshot) {
	t.cur = *s
	t.cur.offers = append([]*offerPage(nil), s.offers...)
	t.cur.used = append([]*usedPage(nil), s.used...)
	t.epoch = nextEpoch()
	t.datacenters.reset(s.datacenters)
	t.pools.reset(s.pools)
	t.classes.reset(s.classes)
	t.drivers.reset(s.drivers)
	t.free, t.freeUnknown = nil, true
}

// UpsertNode records a new or changed node row.
func (t *Table) UpsertNode(n *api.Node) {
	ord := t.ordinal(n.ID)
	o := t.writableOffer(ord)
	if o.node == nil {
		t.cur.nodes++
	}
	if o.node == nil || o.node.NodeResources != n.NodeResources || o.node.ReservedResources != n.ReservedResources {
		o.layout = newLayout(n)
		o.cpu, o.memory, o.disk = capacity(n)
	}
	o.node = n
	o.maxAllocs = int32(n.NodeMaxAllocs)
	o.ready = n.Ready()
	o.datacenter = t.datacenters.of(n.Datacenter)
	o.pool = t.pools.of(n.NodePool)
	o.class = t.classes.of(n.ComputedClass)
	o.drivers = t.drivers.of(driverSet(n))
	if len(t.classes.list) > 4*t.cur.nodes+1024 {
		t.renumberClasses()
	}
}

// DeleteNode forgets the node row. Allocations that still count on the node keep its ordinal alive.
func (t *Table) DeleteNode(nodeID string) {
	ord, ok := t.cur.Ordinal(nodeID)
	if !ok || t.cur.Node(ord) == nil {
		return
	}
	*t.writableOffer(ord) = offer{id: nodeID}
	t.cur.nodes--
	t.release(ord)
}

// UpsertAlloc records the change of an allocation row; old is nil for a new one. Both must be the rows
// as stored.
func (t *Table) UpsertAlloc(old, updated *api.Allocation) {
	was, is := Counts(old), Counts(updated)
	if was && is && old.NodeID == updated.NodeID && old.AllocatedResources == updated.AllocatedResources {
		return
	}
	if is {
		ord := t.ordinal(updated.NodeID)
		t.writableRow(ord).add(t.epoch, ClaimOf(updated))
	}
	if was {
		t.subtract(old)
	}
}

// DeleteAlloc records that an allocation row is gone.
func (t *Table) DeleteAlloc(old *api.Allocation) {
	if Counts(old) {
		t.subtract(old)
	}
}

func (t *Table) subtract(old *api.Allocation) {
	ord, ok := t.cur.Ordinal(old.NodeID)
	if !ok {
		return
	}
	t.writableRow(ord).remove(t.epoch, ClaimOf(old))
	t.release(ord)
}

// ordinal returns the ordinal of the node ID and hands one out when it has none.
func (t *Table) ordinal(nodeID string) int {
	if ord, ok := t.cur.Ordinal(nodeID); ok {
		return ord
	}
	if t.freeUnknown {
		t.findFree()
	}
	var ord int
	if last := len(t.free) - 1; last >= 0 {
		ord = int(t.free[last])
		t.free = t.free[:last]
	} else {
		ord = t.cur.n
		t.cur.n++
		if ord>>pageBits == len(t.cur.offers) {
			t.cur.offers = append(t.cur.offers, &offerPage{epoch: t.epoch})
			t.cur.used = append(t.cur.used, &usedPage{epoch: t.epoch})
		}
	}
	t.cur.ids = t.cur.ids.put(t.epoch, nodeID, int32(ord))
	*t.writableOffer(ord) = offer{id: nodeID}
	return ord
}

func (t *Table) findFree() {
	t.free, t.freeUnknown = nil, false
	for ord := t.cur.n - 1; ord >= 0; ord-- {
		if t.cur.NodeID(ord) == "" {
			t.free = append(t.free, int32(ord))
		}
	}
}

// release frees the ordinal when neither a node row nor a counted allocation needs it.
func (t *Table) release(ord int) {
	o := t.cur.offer(ord)
	if o.node != nil || t.cur.row(ord).allocs > 0 {
		return
	}
	t.cur.ids = t.cur.ids.put(t.epoch, o.id, -1)
	*t.writableOffer(ord) = offer{}
	*t.writableRow(ord) = row{}
	if !t.freeUnknown {
		t.free = append(t.free, int32(ord))
	}
}

func (t *Table) writableOffer(ord int) *offer {
	p := &t.cur.offers[ord>>pageBits]
	if (*p).epoch != t.epoch {
		dup := **p
		dup.epoch = t.epoch
		*p = &dup
	}
	return &(*p).rows[ord&(pageSize-1)]
}

func (t *Table) writableRow(ord int) *row {
	p := &t.cur.used[ord>>pageBits]
	if (*p).epoch != t.epoch {
		dup := **p
		dup.epoch = t.epoch
		*p = &dup
	}
	return &(*p).rows[ord&(pageSize-1)]
}

// renumberClasses drops the classes that no node has any more, so that a fleet whose fingerprints
// change over months does not grow the list without bound.
func (t *Table) renumberClasses() {
	t.classes = names{}
	for ord := range t.cur.n {
		if node := t.cur.Node(ord); node != nil {
			t.writableOffer(ord).class = t.classes.of(node.ComputedClass)
		}
	}
}

// DriverSeparator stands between the names of a driver set.
const DriverSeparator = ","

// driverSet names the drivers of the node that are detected and healthy.
func driverSet(n *api.Node) string {
	usable := make([]string, 0, len(n.Drivers))
	for name, info := range n.Drivers {
		if info != nil && info.Detected && info.Healthy {
			usable = append(usable, name)
		}
	}
	slices.Sort(usable)
	return strings.Join(usable, DriverSeparator)
}

// names gives small integers to strings. The list only grows, so that snapshots can share it.
type names struct {
	list  []string
	index map[string]int32
}

func (n *names) of(name string) int32 {
	if n.index == nil {
		n.index = make(map[string]int32, len(n.list))
		for i, known := range n.list {
			n.index[known] = int32(i)
		}
	}
	if i, ok := n.index[name]; ok {
		return i
	}
	i := int32(len(n.list))
	n.list = append(n.list, name)
	n.index[name] = i
	return i
}

// reset goes back to a list that a snapshot holds. The capacity is cut, so that the next append does
// not write into memory that a later snapshot may share.
func (n *names) reset(list []string) {
	n.list, n.index = slices.Clip(list), nil
}
