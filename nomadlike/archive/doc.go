// SPDX-License-Identifier: MPL-2.0

// Package archive writes and reads the archives that snapshots travel in (http-api.md 6.4): a gzipped tar file with
// meta.json, what raft knows of the snapshot; state.bin, the state as package state saves it; and SHA256SUMS, which
// says whether both are whole.
//
// It imports raft for the type of the metadata and nothing of the product.
package archive
