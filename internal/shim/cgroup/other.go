// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package cgroup

import (
	"errors"
	"time"
)

// Kill has nothing to do on this system.
func Kill(string, time.Time) error { return nil }

// OOMKills is not known on this system.
func OOMKills(string) (uint64, error) { return 0, errors.ErrUnsupported }

// Enter has nothing to do on this system.
func Enter([]string) (leave func() error, refused []string, err error) {
	return func() error { return nil }, nil, nil
}

// ForTask returns the zero Group.
func ForTask(_, _, _ string) Group { return Group{} }

// ForOverride returns the zero Group.
func ForOverride(string, map[string]string) Group { return Group{} }

// Prepare has nothing to do on this system.
func (g Group) Prepare(Limits) (Group, []error) { return g, nil }

// BoundsProcesses reports false: there is nothing to hold a task to a number of processes with.
func (g Group) BoundsProcesses(int64) bool { return false }
