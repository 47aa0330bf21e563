// SPDX-License-Identifier: MPL-2.0

// Package cgroup is what drivers and the shim do with the control group of one
// task: find it, set limits, enter it, read its counters, end all that is in it
// and remove it.
//
// The layout is the contract of reference drivers.md section 9. The agent owns
// the tree and its partitions; this package never touches a group that is
// shared by tasks other than by entering it.
//
// The shim links the parts without Layout, so it imports only golang.org/x/sys
// and small parts of the standard library.
package cgroup
