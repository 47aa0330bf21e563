// SPDX-License-Identifier: MPL-2.0

// Package pages keeps small what a process that has started, or has done with much work, holds of the machine's memory.
//
// The shim links it: it imports golang.org/x/sys and small parts of the standard library.
package pages
