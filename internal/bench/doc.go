// SPDX-License-Identifier: MPL-2.0

// Package bench measures the figures that the product promises, on the real binary: it starts agents as
// child processes, drives them through the operations that users call, and reports each figure beside its
// target. Scheduling is measured with simulated nodes (internal/sim) in the measuring process and a server
// with its raft log on disk.
//
// The package is for the command in bench/cmd; nothing else imports it.
package bench
