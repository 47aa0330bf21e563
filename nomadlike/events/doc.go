// SPDX-License-Identifier: MPL-2.0

// Package events turns commits of the state store into the event stream (http-api.md 19).
//
// A Broker keeps the newest commits in a ring, a large one in several parts, and events are made of them when the first
// subscriber asks, once for all of them, as is their text. Rows are immutable, so payloads refer to them. What
// subscribers have not read yet stays longer, so that a burst drops nobody; a subscriber that falls behind that is
// dropped with ErrSlow. Nothing survives a restart.
//
// The package imports state and api; it never writes.
package events
