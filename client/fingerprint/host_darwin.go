// SPDX-License-Identifier: MPL-2.0

package fingerprint

import "golang.org/x/sys/unix"

func operatingSystem() (name, version string) {
	version, err := unix.Sysctl("kern.osproductversion")
	if err != nil {
		version = ""
	}
	return "darwin", version
}

func hostID() string {
	id, err := unix.Sysctl("kern.uuid")
	if err != nil {
		return ""
	}
	return uuidForm(id)
}

func landlockVersion() int { return 0 }
