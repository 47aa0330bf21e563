// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package bench

// resident returns 0: the memory of other processes is not read on this platform.
func resident(int) int64 { return 0 }

func proportional(int) int64 { return 0 }

func processName(int) string { return "" }

func descendants(int) []int { return nil }

func processorTime(int) float64 { return 0 }
