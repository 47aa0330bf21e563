// SPDX-License-Identifier: MPL-2.0

// Package raftlog keeps the raft log and raft's few stable values in one bbolt file.
//
// A Store belongs to one agent at a time, by a lock on the file. What StoreLogs and Set acknowledged is on
// disk and survives a kill; entries carry a checksum, so that damage is an error that names the file
// instead of a wrong state. The package exists because the published bbolt back end of raft does not build
// with the current go-metrics.
//
// It imports raft and bbolt and nothing of the product.
package raftlog
