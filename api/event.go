// SPDX-License-Identifier: MPL-2.0

package api

// Event is the Event object of the HTTP API, see http-types.md.
type Event struct {
	// Topic: Strings (`Namespace` `""` for cluster objects).
	Topic string
	// Type: Strings (`Namespace` `""` for cluster objects).
	Type string
	// Key: Strings (`Namespace` `""` for cluster objects).
	Key string
	// Namespace: Strings (`Namespace` `""` for cluster objects).
	Namespace string
	// FilterKeys: List or null.
	FilterKeys []string
	// Index: Raft index.
	Index uint64
	// Payload: Object with one member named per topic, see http-api.md section 19.
	Payload any
}

// EventBatch is the Event batch object of the HTTP API, see http-types.md.
type EventBatch struct {
	// Index: Raft index.
	Index uint64
	// Events: Events of that index.
	Events []*Event
	// Lines is one or more batches as lines of JSON, which servers make once for all readers; the rest is
	// empty then.
	Lines []byte `json:"-"`
}
