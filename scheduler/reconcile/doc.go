// SPDX-License-Identifier: MPL-2.0

// Package reconcile compares what a job wants with what exists and says which allocations stop, stay,
// change in place, are replaced or are missing. It knows nothing of node sizes: where a missing
// allocation goes is decided elsewhere, and it may turn out to go nowhere.
//
// The rules are those of the reference (scheduler.md 2, 3 and 9). Each group of a service or batch job
// goes through the same steps: classify its allocations, split the failed ones by reschedule policy, deal
// with nodes that went away and came back, drop the surplus, split updates into in place and destructive,
// choose canaries, name what is missing, pace the destructive updates. Groups of system and sysbatch jobs
// are compared node by node. What the deployment of the newest version allows is asked of a rollout, which
// also says when one is to be created and when it is complete.
//
// The package is pure: it imports api and the standard library without a clock; the time comes in.
package reconcile
