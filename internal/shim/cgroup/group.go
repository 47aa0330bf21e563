// SPDX-License-Identifier: MPL-2.0

package cgroup

// Group are the control groups of one task.
type Group struct {
	// V2 is the directory in the unified hierarchy; V1 are directories in
	// hierarchies of version 1. At most one of the two is set.
	V2 string   `codec:"v2" json:"v2,omitempty"`
	V1 []string `codec:"v1" json:"v1,omitempty"`
	// Required makes it an error if one cannot be entered.
	Required bool `codec:"required" json:"required,omitempty"`
	// Owned is the unified or freezer directory that holds the task and
	// nothing else; empty if there is none.
	Owned string `codec:"owned" json:"owned,omitempty"`
	// Memory is the directory whose memory counters are the task's.
	Memory string `codec:"memory" json:"memory,omitempty"`
	// Remove are directories to remove once the task is gone.
	Remove []string `codec:"remove" json:"remove,omitempty"`
}

// Limits are what a task may use.
type Limits struct {
	// CPU is the share of the processors, in MHz.
	CPU int64
	// Memory is what the task reserves, in bytes. MemoryMax is the most it
	// may use: 0 means the same, and less that there is no limit.
	Memory    int64
	MemoryMax int64
	// Cores are the cores that the task has for itself, such as "0-2,7";
	// empty if it has none.
	Cores string
	// PIDs is how many processes and threads there may be, 0 for no limit.
	PIDs int64
}
