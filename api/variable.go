// SPDX-License-Identifier: MPL-2.0

package api

// VariableMetadata is the VariableMetadata object of the HTTP API, see http-types.md.
type VariableMetadata struct {
	// Namespace: Identity.
	Namespace string
	// Path: Identity.
	Path string
	// Lock: `VariableLock` or null.
	Lock *VariableLock
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
}

// Variable is the Variable object of the HTTP API, see http-types.md.
type Variable struct {
	// Namespace: As VariableMetadata.
	Namespace string
	// Path: As VariableMetadata.
	Path string
	// Lock: As VariableMetadata.
	Lock *VariableLock
	// CreateIndex: As VariableMetadata.
	CreateIndex uint64
	// ModifyIndex: As VariableMetadata.
	ModifyIndex uint64
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
	// Items: Values; null in conflict bodies; key missing from renew results.
	Items map[string]string
}

// VariableLock is the VariableLock object of the HTTP API, see http-types.md.
type VariableLock struct {
	// ID: Lock id.
	ID string
	// TTL: 10s-24h; string out, string or ns in (default `15s`).
	TTL string
	// LockDelay: 10s-24h; string out, string or ns in (default `15s`).
	LockDelay string
}
