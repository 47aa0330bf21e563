// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

func operatingSystem() (name, version string) {
	for _, file := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		name, version = parseOSRelease(string(text))
		break
	}
	if name == "debian" {
		// The release file has the point release as well.
		if text, err := os.ReadFile("/etc/debian_version"); err == nil {
			if v := strings.TrimSpace(string(text)); v != "" && v[0] >= '0' && v[0] <= '9' {
				version = v
			}
		}
	}
	return name, version
}

// hostID is what the machine calls itself: the hardware if it may be asked, else the installation.
func hostID() string {
	for _, file := range []string{"/sys/class/dmi/id/product_uuid", "/etc/machine-id", "/var/lib/dbus/machine-id", "/proc/sys/kernel/random/boot_id"} {
		if text, err := os.ReadFile(file); err == nil {
			if id := uuidForm(string(text)); id != "" {
				return id
			}
		}
	}
	return ""
}

func landlockVersion() int {
	const createRulesetVersion = 1
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, createRulesetVersion)
	if errno != 0 {
		return 0
	}
	return int(v)
}
