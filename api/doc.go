// SPDX-License-Identifier: MPL-2.0

// Package api holds the types of the product: one set for job files, the HTTP API, the state store,
// raft and the CLI. Go field names are the JSON names of the wire contract. It also declares every
// operation once (see op.go); route, RPC method, CLI call and docs row come from that declaration.
//
// Struct tags: hcl names the job file attribute or block ("name", "name,block", "name,label",
// "name,map" for free-form string maps, "name,any" for schema-less bodies, "-" for none);
// default is the value after Canonicalize; change says whether a difference between two versions of a job
// replaces running allocations ("destructive") or not ("inplace"); api carries what JSON cannot say: "in"
// (accepted in requests only), "out" (in responses only), "null" (an unset value is null in the input form
// of a job), "omit" (left out of it) and, on a blank field, "sparse" (responses omit zero values). Package
// internal/typeinfo compiles them and documents each.
//
// Rows in the state store are these types and immutable once put: copy, change, put.
//
// This package imports nothing but the standard library and internal/typeinfo.
package api
