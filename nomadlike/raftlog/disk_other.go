// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package raftlog

// isReadOnly reports whether the file system refuses writes; elsewhere that is a permission error.
func isReadOnly(error) bool { return false }

// isFull reports whether the disk is full; elsewhere the system's own words say so.
func isFull(error) bool { return false }
