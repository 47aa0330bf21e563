// SPDX-License-Identifier: MPL-2.0

// Package sharedpb is the generated code of the values that driver and device
// plugins share. It is written by plugins/generate.sh and holds no other code;
// use package values instead of these types.
package sharedpb
