// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// AllocFileInfo is the AllocFileInfo object of the HTTP API, see http-types.md.
type AllocFileInfo struct {
	// Name: Base name.
	Name string
	// IsDir: Directory.
	IsDir bool
	// Size: Bytes.
	Size int64
	// FileMode: Text such as `-rw-r--r--`, `drwxrwxrwx`.
	FileMode string
	// ModTime: Time.
	ModTime *time.Time
	// ContentType: Sniffed for files in `stat`, else `""`.
	ContentType string
}

// AllocResourceUsage is the AllocResourceUsage object of the HTTP API, see http-types.md.
type AllocResourceUsage struct {
	// ResourceUsage: Sum.
	ResourceUsage *ResourceUsage
	// Tasks: Per task: `{ResourceUsage, Timestamp (unix ns), Pids: pid → ResourceUsage}`.
	Tasks map[string]*TaskResourceUsage
	// Timestamp: When.
	Timestamp int64
}

// ResourceUsage is the ResourceUsage object of the HTTP API, see http-types.md.
type ResourceUsage struct {
	// MemoryStats: Below.
	MemoryStats *MemoryStats
	// CpuStats: Below.
	CpuStats *CpuStats
	// DeviceStats: `[{Vendor, Type, Name, InstanceStats}]` or null.
	DeviceStats []*DeviceGroupStats
}

// MemoryStats is the MemoryStats object of the HTTP API, see http-types.md.
type MemoryStats struct {
	// RSS: Bytes.
	RSS uint64
	// Cache: Bytes.
	Cache uint64
	// Swap: Bytes.
	Swap uint64
	// MappedFile: Bytes.
	MappedFile uint64
	// Usage: Bytes.
	Usage uint64
	// MaxUsage: Bytes.
	MaxUsage uint64
	// KernelUsage: Bytes.
	KernelUsage uint64
	// KernelMaxUsage: Bytes.
	KernelMaxUsage uint64
	// Measured: Names of measured values, e.g. `RSS`, `Cache`, `Swap`, `Usage`, `Max Usage`.
	Measured []string
}

// CpuStats is the CpuStats object of the HTTP API, see http-types.md.
type CpuStats struct {
	// SystemMode: Percent of one core.
	SystemMode float64
	// UserMode: Percent of one core.
	UserMode float64
	// Percent: Percent of one core.
	Percent float64
	// TotalTicks: MHz.
	TotalTicks float64
	// ThrottledPeriods: Throttling.
	ThrottledPeriods uint64
	// ThrottledTime: Throttling.
	ThrottledTime uint64
	// Measured: E.g. `System Mode`, `User Mode`, `Percent`, `Throttled Periods`, `Throttled Time`.
	Measured []string
}

// HostStats is the HostStats object of the HTTP API, see http-types.md.
type HostStats struct {
	// Memory: `{Total, Available, Used, Free}` bytes.
	Memory *HostMemoryStats
	// CPU: `[{CPU, User, System, Idle, TotalPercent, TotalTicks}]`.
	CPU []*HostCPUStats
	// DiskStats: `[{Device, Mountpoint, Size, Used, Available, UsedPercent, InodesUsedPercent}]`.
	DiskStats []*HostDiskStats
	// AllocDirStats: Same for the allocation directory.
	AllocDirStats *HostDiskStats
	// DeviceStats: Device groups or null.
	DeviceStats []*DeviceGroupStats
	// Uptime: Seconds.
	Uptime uint64
	// Timestamp: When.
	Timestamp int64
	// CPUTicksConsumed: MHz.
	CPUTicksConsumed float64
}

// NodeMetadata is the Node metadata object of the HTTP API, see http-types.md.
type NodeMetadata struct {
	// Meta: Effective values.
	Meta map[string]string
	// Dynamic: Set by API; `null` value = removed.
	Dynamic map[string]*string
	// Static: From the configuration.
	Static map[string]string
}

// CheckResult is the Check result object of the HTTP API, see http-types.md.
type CheckResult struct {
	// ID: Check id (hash).
	ID string
	// Mode: `healthiness`, `readiness`.
	Mode string
	// Status: `success`, `failure`, `pending`.
	Status string
	// StatusCode: Http code, 0 otherwise.
	StatusCode int
	// Output: Text.
	Output string
	// Timestamp: Unix **seconds**.
	Timestamp int64
	// Group: Allocation name.
	Group string
	// Task: Names.
	Task string
	// Service: Names.
	Service string
	// Check: Names.
	Check string
}

// TaskResourceUsage is the use of one task, in all and by process id.
type TaskResourceUsage struct {
	ResourceUsage *ResourceUsage
	// Timestamp is in unix nanoseconds.
	Timestamp int64
	Pids      map[string]*ResourceUsage
}

// DeviceGroupStats are the statistics of one device group.
type DeviceGroupStats struct {
	Vendor        string
	Type          string
	Name          string
	InstanceStats map[string]any
}

// DeviceStats are the statistics of one device: the value that stands for the rest, and all of them.
type DeviceStats struct {
	Summary   *StatValue
	Stats     *StatObject
	Timestamp time.Time
}

// StatObject is a tree of statistics.
type StatObject struct {
	Nested     map[string]*StatObject
	Attributes map[string]*StatValue
}

// StatValue is one statistic; a numerator may come with a denominator, both in Unit.
type StatValue struct {
	FloatNumeratorVal   *float64 `json:",omitempty"`
	FloatDenominatorVal *float64 `json:",omitempty"`
	IntNumeratorVal     *int64   `json:",omitempty"`
	IntDenominatorVal   *int64   `json:",omitempty"`
	StringVal           *string  `json:",omitempty"`
	BoolVal             *bool    `json:",omitempty"`
	Unit                string   `json:",omitempty"`
	Desc                string   `json:",omitempty"`
}

// HostMemoryStats is host memory in bytes.
type HostMemoryStats struct {
	Total     uint64
	Available uint64
	Used      uint64
	Free      uint64
}

// HostCPUStats is the use of one core in percent; TotalTicks in MHz.
type HostCPUStats struct {
	CPU          string
	User         float64
	System       float64
	Idle         float64
	TotalPercent float64
	TotalTicks   float64
}

// HostDiskStats is the use of one file system, sizes in bytes.
type HostDiskStats struct {
	Device            string
	Mountpoint        string
	Size              uint64
	Used              uint64
	Available         uint64
	UsedPercent       float64
	InodesUsedPercent float64
}
