// SPDX-License-Identifier: MPL-2.0

// Package offline reads what a server left on disk, or in a snapshot archive, for people who look into a problem. It
// changes nothing, and needs the files for itself: no agent may run on them.
//
// It imports raftlog, archive, fsm and state and nothing that runs a server.
package offline
