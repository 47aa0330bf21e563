// SPDX-License-Identifier: MPL-2.0

package state

import "github.com/nomadlike/nomadlike/api"

// NodePools holds node pools by name; default and all always exist.
var NodePools = newTable(schema[api.NodePool]{
	name:     "node_pools",
	key:      func(p *api.NodePool) Key { return StringKey(p.Name) },
	modified: func(p *api.NodePool) uint64 { return p.ModifyIndex },
	stamp: func(p, old *api.NodePool, index uint64) {
		p.CreateIndex, p.ModifyIndex = index, index
		if old != nil {
			p.CreateIndex = old.CreateIndex
		}
	},
})
