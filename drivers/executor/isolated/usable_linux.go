// SPDX-License-Identifier: MPL-2.0

package isolated

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Usable says why tasks cannot be isolated on this machine, nil if they can.
func Usable() error {
	if os.Geteuid() != 0 {
		return errors.New("Driver must run as root")
	}
	switch err := unix.MountSetattr(-1, "", unix.AT_EMPTY_PATH, &unix.MountAttr{}); {
	case errors.Is(err, unix.ENOSYS):
		return errors.New("Driver needs Linux 5.12 or newer")
	case errors.Is(err, unix.EPERM):
		return errors.New("Driver must be able to mount: this root lacks the capability SYS_ADMIN, as in a container that is not privileged")
	}
	return nil
}

// Healthy says why a usable driver cannot isolate tasks at present.
func Healthy() error {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return nil
	}
	if _, err := os.Stat("/sys/fs/cgroup/freezer"); err == nil {
		return nil
	}
	return errors.New("cgroups are unavailable")
}
