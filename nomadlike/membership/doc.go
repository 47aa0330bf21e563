// SPDX-License-Identifier: MPL-2.0

// Package membership knows the servers of all regions by gossip (hashicorp/serf): who they are, where
// their RPC ports are and whether they are alive. It tells that something changed and leaves it to the
// server to act: add raft peers, bootstrap, route to other regions.
//
// It imports serf and api; never raft or the state.
package membership
