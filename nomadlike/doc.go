// SPDX-License-Identifier: MPL-2.0

// Package nomadlike is the core of a server: raft over the replicated state, membership, and the duties
// that only the leader has.
//
// New does no work; Run blocks until the server has stopped completely. The server owns the store, raft,
// its files and the gossip. What a leader does besides is given to it as a list of Duties: each starts
// when this server leads and has seen everything that was committed before, and ends when it no longer
// leads.
//
// The package imports fsm, state, events, raftlog and membership; it never imports ops, broker, control
// or client, which are composed with it by the agent.
package nomadlike
