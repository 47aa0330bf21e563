// SPDX-License-Identifier: MPL-2.0

// Package driverspb is the generated code of the task driver service. It is
// written by plugins/generate.sh and holds no other code; use package drivers
// instead of these types.
package driverspb
