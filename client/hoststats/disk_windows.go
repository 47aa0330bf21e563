// SPDX-License-Identifier: MPL-2.0

package hoststats

import (
	"fmt"

	"golang.org/x/sys/windows"

	"github.com/nomadlike/nomadlike/api"
)

// Disk measures the file system that holds the path.
func Disk(path string) (*api.HostDiskStats, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	var available, size, free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &available, &size, &free); err != nil {
		return nil, fmt.Errorf("measure the disk of %s: %w", path, err)
	}
	d := &api.HostDiskStats{Size: size, Available: available, Used: size - min(size, free)}
	if reachable := d.Used + d.Available; reachable > 0 {
		d.UsedPercent = float64(d.Used) / float64(reachable) * 100
	}
	return d, nil
}
