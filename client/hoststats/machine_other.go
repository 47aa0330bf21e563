// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package hoststats

import (
	"errors"

	"github.com/nomadlike/nomadlike/api"
)

// machine tells little on this operating system: the disk of the allocations only.
var machine = source{
	times:  func() ([]cpuTimes, error) { return nil, errors.ErrUnsupported },
	memory: func() (*api.HostMemoryStats, error) { return nil, errors.ErrUnsupported },
	disks:  func() ([]*api.HostDiskStats, error) { return nil, errors.ErrUnsupported },
	uptime: func() (uint64, error) { return 0, errors.ErrUnsupported },
}
