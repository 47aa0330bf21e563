// SPDX-License-Identifier: MPL-2.0

package state

import "github.com/nomadlike/nomadlike/api"

// ClusterMeta identifies the cluster; it is made once, by the first leader.
type ClusterMeta struct {
	ClusterID string
	// CreateTime is in unix nanoseconds.
	CreateTime  int64
	CreateIndex uint64
	// RestoreTime is when the state was last replaced by that of a snapshot on request, in unix nanoseconds; 0 for never.
	// It grows with each restore, whatever the clocks of the leaders say.
	RestoreTime int64
}

// clusterMetas is the table of the cluster's identity, which has one row.
type clusterMetas struct{ *Table[ClusterMeta] }

// Cluster holds the cluster's identity.
var Cluster = &clusterMetas{newTable(schema[ClusterMeta]{
	name:     "cluster",
	key:      func(*ClusterMeta) Key { return Key{} },
	modified: func(c *ClusterMeta) uint64 { return c.CreateIndex },
	stamp: func(c, old *ClusterMeta, index uint64) {
		if c.CreateIndex = index; old != nil {
			c.CreateIndex = old.CreateIndex
		}
	},
})}

// RestoreTime returns when the state was last replaced by that of a snapshot, or api.NeverRestored.
func (t *clusterMetas) RestoreTime(r Reader) int64 {
	if c := t.Get(r); c != nil {
		return max(c.RestoreTime, api.NeverRestored)
	}
	return api.NeverRestored
}

// Get returns the identity, nil before the first leader made it.
func (t *clusterMetas) Get(r Reader) *ClusterMeta { return t.getKey(r, Key{}) }
