// SPDX-License-Identifier: MPL-2.0

// Package clienttest has what tests of the client run it against: drivers whose tasks are timers, and
// servers that live in memory. Both work in synctest bubbles. It is used by tests only.
package clienttest
