// SPDX-License-Identifier: MPL-2.0

//go:build unix

package fingerprint

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// diskOf returns the device and the size in bytes of the file system that holds the directory.
func diskOf(dir string) (volume string, total uint64, err error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return "", 0, err
	}
	total = uint64(fs.Blocks) * uint64(fs.Bsize)
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return "", total, err
	}
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", total, nil // the name is of interest to people only
	}
	defer mounts.Close()
	device := fmt.Sprintf("%d:%d", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)))
	for sc := bufio.NewScanner(mounts); sc.Scan(); {
		head, tail, ok := strings.Cut(sc.Text(), " - ")
		fields, source := strings.Fields(head), strings.Fields(tail)
		if ok && len(fields) > 2 && len(source) > 1 && fields[2] == device {
			return source[1], total, nil
		}
	}
	return "", total, nil
}
