// SPDX-License-Identifier: MPL-2.0

// Package fs serves the file and log API of a client (http-api.md 5 and 6.1): list, stat, read and
// stream files of an allocation directory, and logs over their rotated sequence.
//
// All paths go through client/allocdir, which keeps them inside. Following waits for changes that the
// kernel reports, where it can, and looks from time to time where it cannot. Nothing is owned between
// calls but the Watcher, which the client makes once and closes.
package fs
