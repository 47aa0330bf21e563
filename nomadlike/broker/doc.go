// SPDX-License-Identifier: MPL-2.0

// Package broker turns evaluations into committed placements. It runs on the leader only.
//
// A Broker queues pending evaluations, Blocked keeps those that wait for capacity, Workers run the
// scheduler for each and an Applier checks the resulting plans one after the other against the newest
// state and writes what still fits through raft. Service composes the four and feeds them from commits.
//
// Raft state is the truth: everything held here is rebuilt from a snapshot when leadership starts and
// dropped when it ends. Evaluations, jobs and allocations handed in are shared rows and never modified.
//
// The package must not import client, drivers, ops or control.
package broker
