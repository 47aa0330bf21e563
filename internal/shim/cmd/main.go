// SPDX-License-Identifier: MPL-2.0

// Command cmd is the shim as a program of its own: the smallest process that
// can stand behind a task. The build puts it into the agent's binary; see
// package embed.
package main

import "github.com/nomadlike/nomadlike/internal/shim/supervisor"

func main() { supervisor.Main() }
