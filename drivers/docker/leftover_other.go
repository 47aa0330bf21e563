// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package docker

import "context"

// endUnseen has nothing to do where containers do not run beside the driver.
func (*Driver) endUnseen(context.Context, string) {}

// endLeft has nothing to do where containers do not run beside the driver.
func (*Driver) endLeft(string) {}
