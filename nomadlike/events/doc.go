// SPDX-License-Identifier: MPL-2.0

// Package events turns commits of the state store into the event stream (http-api.md 19).
//
// A Broker keeps the newest commits in a ring; a commit costs one slot there, and events are made of it
// when the first subscriber asks, once for all of them. Rows are immutable, so payloads refer to them.
// A subscriber that falls behind the ring is dropped with ErrSlow. Nothing survives a restart.
//
// The package imports state and api; it never writes.
package events
