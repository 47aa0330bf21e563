// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"fmt"
	"strconv"
)

// mib is the unit of memory and disk resources.
const mib = 1 << 20

func memory(cfg *Config, f *Facts) error {
	total := uint64(max(cfg.TotalMemoryMB, 0)) * mib
	if total == 0 {
		var err error
		if total, err = memoryBytes(); err != nil {
			return fmt.Errorf("find the size of the memory (memory_total_mb can say it): %w", err)
		}
	}
	f.set("memory.totalbytes", strconv.FormatUint(total, 10))
	f.Resources.Memory.MemoryMB = int64(total / mib)
	return nil
}

// storage measures the disk that allocations are on.
func storage(cfg *Config, f *Facts) error {
	volume, total, err := diskOf(cfg.AllocDir)
	if err != nil && cfg.TotalDiskMB <= 0 {
		return fmt.Errorf("find the size of the disk (disk_total_mb can say it): %w", err)
	}
	if cfg.TotalDiskMB > 0 {
		total = uint64(cfg.TotalDiskMB) * mib
	}
	f.set("unique.storage.volume", volume)
	f.set("unique.storage.bytestotal", strconv.FormatUint(total, 10))
	f.Resources.Disk.DiskMB = int64(total / mib)
	return nil
}
