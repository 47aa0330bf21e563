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
