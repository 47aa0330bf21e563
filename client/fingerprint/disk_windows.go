// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// diskOf returns the volume and the size in bytes of the file system that holds the directory.
func diskOf(dir string) (volume string, total uint64, err error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return "", 0, err
	}
	var free, totalFree uint64
	err = windows.GetDiskFreeSpaceEx(path, &free, &total, &totalFree)
	return filepath.VolumeName(dir), total, err
}
