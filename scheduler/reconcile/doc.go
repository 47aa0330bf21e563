// SPDX-License-Identifier: MPL-2.0

// Package reconcile compares what a service or batch job wants with what exists and says which
// allocations stop, stay, change in place, are replaced or are missing. It knows nothing of node sizes:
// where a missing allocation goes is decided elsewhere, and it may turn out to go nowhere.
//
// The rules are those of the reference (scheduler.md 3). Each group goes through the same steps: classify
// its allocations, split the failed ones by reschedule policy, drop the surplus, split updates into in
// place and destructive, pace the destructive ones, name what is missing.
//
// The package is pure: it imports api and the standard library without a clock; the time comes in.
package reconcile
