// SPDX-License-Identifier: MPL-2.0

package state

import "github.com/nomadlike/nomadlike/api"

// Namespaces holds namespaces by name; default always exists.
var Namespaces = newTable(schema[api.Namespace]{
	name:     "namespaces",
	key:      func(n *api.Namespace) Key { return StringKey(n.Name) },
	modified: func(n *api.Namespace) uint64 { return n.ModifyIndex },
	stamp: func(n, old *api.Namespace, index uint64) {
		n.CreateIndex, n.ModifyIndex = index, index
		if old != nil {
			n.CreateIndex = old.CreateIndex
		}
	},
})

// bootstrap puts the built-in rows of an empty store.
func bootstrap(w *WriteTx) {
	ns := &api.Namespace{Name: api.DefaultNamespace, Description: "Default shared namespace"}
	ns.SetHash()
	Namespaces.Put(w, ns)
	NodePools.Put(w, &api.NodePool{
		Name: api.NodePoolAll, Description: "Node pool with all nodes in the cluster.", NodeIdentityTTL: api.DefaultNodeIdentityTTL,
	})
	NodePools.Put(w, &api.NodePool{
		Name: api.NodePoolDefault, Description: "Default node pool.", NodeIdentityTTL: api.DefaultNodeIdentityTTL,
	})
}
