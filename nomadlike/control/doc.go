// SPDX-License-Identifier: MPL-2.0

// Package control holds the controllers that the leader runs beside the evaluation machinery: node
// heartbeats, garbage collection, the launches of periodic jobs and the upkeep of evaluations.
//
// Each controller is a leader duty: Run blocks until its context ends, starts from what the state says and
// may be started again with the next leadership. Controllers only propose commands through raft; they own
// no tables. The package must not import client, drivers or ops.
package control
