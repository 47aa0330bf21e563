// SPDX-License-Identifier: MPL-2.0

// Package hclspecpb is the generated code of the configuration schema tree.
// It is written by plugins/generate.sh and holds no other code; use package
// plugins/hclspec to build and read schemas.
package hclspecpb
