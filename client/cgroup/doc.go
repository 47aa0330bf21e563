// SPDX-License-Identifier: MPL-2.0

// Package cgroup owns the client's part of the control group tree (drivers.md 9): nomad.slice with its
// shared and reserved partitions in version 2, /nomad with the same in version 1. It makes the group of a
// task before its start, keeps the cores of the partitions apart, and after the end kills what is left
// and removes the group. Limits are the drivers' to set.
//
// Without the permission to make groups the client works without them. The package must not import other
// parts of the client.
package cgroup
