// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package fingerprint

import sockaddr "github.com/hashicorp/go-sockaddr"

// defaultInterface is the interface of the default route, empty when there is none.
func defaultInterface() string {
	addrs, err := sockaddr.GetDefaultInterfaces()
	if err != nil || len(addrs) == 0 {
		return ""
	}
	return addrs[0].Name
}

// interfaceSpeed is not known on this operating system.
func interfaceSpeed(string) int { return 0 }
