// SPDX-License-Identifier: MPL-2.0

package shim

import "time"

// Usage is what a task has used and uses. Processor times only grow, except
// where a process discards the figures of its children.
type Usage struct {
	// At is when the figures were read.
	At time.Time
	// Total is the sum over the task, PIDs the share of each process.
	Total ProcessUsage
	PIDs  map[int]ProcessUsage

	// Grouped is true if the figures below were read from the task's control
	// group; otherwise only Total.RSS is known.
	Grouped   bool
	Cache     uint64
	Swap      uint64
	InUse     uint64
	MaxInUse  uint64
	Kernel    uint64
	KernelMax uint64
	// MaxKnown is true if MaxInUse is known, KernelKnown if Kernel and KernelMax are.
	MaxKnown, KernelKnown bool
	// Throttled is true if the processor limits of the group are known.
	Throttled        bool
	ThrottledPeriods uint64
	ThrottledTime    time.Duration
}

// ProcessUsage is processor time used so far and memory held now.
type ProcessUsage struct {
	User, System time.Duration
	// RSS is resident memory in bytes.
	RSS uint64
}
