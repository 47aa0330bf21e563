// SPDX-License-Identifier: MPL-2.0

// Package basepb is the generated code of the service that every plugin
// serves. It is written by plugins/generate.sh and holds no other code; use
// package base instead of these types.
package basepb
