// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package docker

// endLeft has nothing to do where containers do not run beside the driver.
func (*Driver) endLeft(string) {}
