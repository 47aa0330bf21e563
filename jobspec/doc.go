// SPDX-License-Identifier: MPL-2.0

// Package jobspec turns a job file into an api.Job.
//
// Parse reads HCL2 (native syntax or HCL-JSON), collects input variables from every source, evaluates
// locals, dynamic blocks, functions and expressions, and decodes the one job block by the hcl tags of
// the api types. ParseJSON reads a job in the JSON form of the HTTP API. Neither fills defaults beyond
// those that belong to the file format; that is Canonicalize of the api types.
//
// One generic decoder serves every block: schema.go compiles a type once, decode.go applies it. What
// tags cannot say is in tables keyed by type (rules.go) and in the two outer blocks (job.go).
//
// A reference whose root name is not known while parsing, such as ${node.class}, is not an error: it
// becomes its own source text and is interpolated where the job runs (passthrough.go).
//
// Every problem of a file is reported at once as *Diagnostics with file, line and column. The package
// keeps no state, does no network I/O, and reads files only when Config.AllowFS permits it or a
// variable file is named. It must not import server, client or command packages.
package jobspec
