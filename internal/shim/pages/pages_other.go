// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package pages

// GiveBack does nothing here.
func GiveBack() {}

// SmallHeap does nothing here.
func SmallHeap() {}
