// SPDX-License-Identifier: MPL-2.0

// Package devicepb is the generated code of the device plugin service. It is
// written by plugins/generate.sh and holds no other code; use package device
// instead of these types.
package devicepb
