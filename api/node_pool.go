// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// NodePool is the NodePool object of the HTTP API, see http-types.md.
type NodePool struct {
	// Name: `^[a-zA-Z0-9-_]{1,128}$`.
	Name string
	// Description: At most 256 characters.
	Description string
	// Meta: Strings.
	Meta map[string]string
	// SchedulerConfiguration: Enterprise `{SchedulerAlgorithm, MemoryOversubscriptionEnabled (bool or null)}`.
	SchedulerConfiguration *NodePoolSchedulerConfiguration
	// NodeIdentityTTL: Lifetime of node identities; string or ns in, ns out (default 24h).
	NodeIdentityTTL time.Duration
	// Hash: Content hash.
	Hash []byte
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// NodePoolSchedulerConfiguration overrides the scheduler configuration for one pool.
type NodePoolSchedulerConfiguration struct {
	SchedulerAlgorithm            string
	MemoryOversubscriptionEnabled *bool
}
