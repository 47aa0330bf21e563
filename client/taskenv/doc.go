// SPDX-License-Identifier: MPL-2.0

// Package taskenv makes the environment of a task: the NOMAD_* variables of runtime.md 1, the merge with
// meta, host, job and hook variables, and the two interpolation engines of runtime.md 2.
//
// Build is a pure function of its Input; an Env never changes once built and is safe to share. The
// package reads nothing of the machine (HostEnv does, on request) and must not import other parts of
// the client.
package taskenv
