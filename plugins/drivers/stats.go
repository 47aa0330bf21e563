// SPDX-License-Identifier: MPL-2.0

package drivers

import "time"

// TaskStats is one sample of a task's resource usage.
type TaskStats struct {
	Timestamp time.Time

	// Usage is the sum over all processes of the task.
	Usage ResourceUsage

	// Pids is the usage of each process, keyed by decimal process ID.
	Pids map[string]*ResourceUsage

	// Err is set, and nothing else, in the last message of a stream that
	// failed.
	Err error
}

// ResourceUsage is what a process or a group of them uses.
type ResourceUsage struct {
	CPU    CPUUsage
	Memory MemoryUsage
}

// CPUUsage is processor usage since the sample before.
type CPUUsage struct {
	// SystemMode, UserMode and Percent are in percent of one core.
	SystemMode float64
	UserMode   float64
	Percent    float64

	// TotalTicks is in MHz.
	TotalTicks float64

	ThrottledPeriods uint64
	ThrottledTime    uint64

	// Measured lists the fields that mean something, by display name.
	Measured []string
}

// MemoryUsage is memory usage in bytes.
type MemoryUsage struct {
	RSS            uint64
	Cache          uint64
	Swap           uint64
	Usage          uint64
	MaxUsage       uint64
	KernelUsage    uint64
	KernelMaxUsage uint64

	// Measured lists the fields that mean something, by display name.
	Measured []string
}

// Display names of measured processor fields.
const (
	CPUSystemMode       = "System Mode"
	CPUUserMode         = "User Mode"
	CPUTotalTicks       = "Total Ticks"
	CPUThrottledPeriods = "Throttled Periods"
	CPUThrottledTime    = "Throttled Time"
	CPUPercent          = "Percent"
)

// Display names of measured memory fields.
const (
	MemoryRSS            = "RSS"
	MemoryCache          = "Cache"
	MemorySwap           = "Swap"
	MemoryInUse          = "Usage"
	MemoryMaxUsage       = "Max Usage"
	MemoryKernelUsage    = "Kernel Usage"
	MemoryKernelMaxUsage = "Kernel Max Usage"
)
