// SPDX-License-Identifier: MPL-2.0

// Package client is the node agent: it tells the servers what the node is and has, runs the allocations
// they place on it, and reports what becomes of them.
//
// The parts, each a package that knows nothing of the others but what it is given:
//
//	fingerprint  what the node is and has        hoststats  what it uses
//	alloc        one allocation                  task       one task
//	allocdir     directories                     taskenv    environments
//	logs         collecting output               fs         the file and log API
//	cgroup       control groups                  statedb    what survives a restart
//
// A Client owns them and the driver plugins (plugins/host). It reaches servers through an api.Caller only,
// and serves the operations of mode ModeNode through Handlers. While no server can be reached it goes on
// running what it has. The package must not import nomadlike (the server core) or command.
package client
