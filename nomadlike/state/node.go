// SPDX-License-Identifier: MPL-2.0

package state

import "github.com/nomadlike/nomadlike/api"

// Nodes holds client nodes by ID. Its neighbours are the usage columns.
var Nodes = newTable(schema[api.Node]{
	name:     "nodes",
	key:      func(n *api.Node) Key { return StringKey(n.ID) },
	modified: func(n *api.Node) uint64 { return n.ModifyIndex },
	stamp: func(n, old *api.Node, index uint64) {
		n.CreateIndex, n.ModifyIndex = index, index
		if old != nil {
			n.CreateIndex = old.CreateIndex
		}
	},
	redact: func(n *api.Node) *api.Node {
		c := *n
		c.SecretID = ""
		return &c
	},
	indexes: []index[api.Node]{
		{name: ByPool, key: func(n *api.Node) (Key, bool) { return StringKey(n.NodePool), true }},
	},
})

func init() {
	Nodes.put = func(w *WriteTx, _, n *api.Node) {
		w.touched = true
		w.store.usage.UpsertNode(n)
	}
	Nodes.del = func(w *WriteTx, old *api.Node) {
		w.touched = true
		w.store.usage.DeleteNode(old.ID)
	}
}
