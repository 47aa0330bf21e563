// SPDX-License-Identifier: MPL-2.0

// Package typeinfo derives what every type of package api needs from the type and its struct tags: deep
// copy, equality, JSON in the forms of the HTTP contract, decoding with errors that name the field, the
// change class of an update and an ordered walk for documentation and difference reports.
//
// A plan is compiled once per type by reflection and cached for the life of the process; plans are
// immutable and safe for concurrent use. Values are trees: a type may refer to itself, a value may not.
//
// Struct tags it reads:
//
//	json:"name,omitempty"   as encoding/json
//	api:"in"                field of requests, left out of responses
//	api:"out"               field of responses, left out of the input forms
//	api:"null"              a zero value is null in the Input form
//	api:"null,keep"         a zero value is null in the Input and in the Canonical form
//	api:"zerotime"          a zero *time.Time is ZeroTime instead of null
//	api:"omit"              a zero value is left out of the Input and Canonical forms
//	api:"nulls"             the entries of the list or map may be null
//	api:"sparse"            on a blank field: responses leave out zero values of the struct
//	change:"destructive"    a difference replaces the running allocation
//	change:"inplace"        a difference updates it where it is
//	change:"within"         look into the value: its own fields decide
//	change:"-"              the owner of the type compares this field itself
//
// This package imports the standard library only and knows no type of package api.
package typeinfo
