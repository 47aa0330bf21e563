// SPDX-License-Identifier: MPL-2.0

// Package api holds the types of the product: one set for job files, the HTTP API, the state store,
// raft and the CLI. Go field names are the JSON names of the wire contract. It also declares every
// operation once (see op.go); route, RPC method, CLI call and docs row come from that declaration.
//
// Struct tags: hcl names the job file attribute or block ("name", "name,block", "name,label",
// "name,map" for free-form string maps, "name,any" for schema-less bodies, "-" for none);
// default is the value after Canonicalize; api carries "in" (accepted in requests only), "null"
// (an unset value is null in the input form of a job) and, on a blank field, "sparse" (responses omit
// zero values). package internal/typeinfo compiles them.
//
// Rows in the state store are these types and immutable once put: copy, change, put.
//
// This package imports nothing but the standard library and internal/typeinfo.
package api
