// SPDX-License-Identifier: MPL-2.0

//go:build unix

package hoststats

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/api"
)

// Disk measures the file system that holds the path. Used percent is of what ordinary users may have.
func Disk(path string) (*api.HostDiskStats, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return nil, fmt.Errorf("measure the disk of %s: %w", path, err)
	}
	block := uint64(st.Bsize)
	d := &api.HostDiskStats{Size: uint64(st.Blocks) * block, Available: uint64(st.Bavail) * block}
	d.Used = d.Size - min(d.Size, uint64(st.Bfree)*block)
	if reachable := d.Used + d.Available; reachable > 0 {
		d.UsedPercent = float64(d.Used) / float64(reachable) * 100
	}
	if files := uint64(st.Files); files > 0 {
		d.InodesUsedPercent = float64(files-min(files, uint64(st.Ffree))) / float64(files) * 100
	}
	return d, nil
}
