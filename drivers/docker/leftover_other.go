// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package docker

import (
	"context"

	"github.com/moby/moby/api/types/container"
)

// endUnseen has nothing to do where containers do not run beside the driver.
func (*Driver) endUnseen(context.Context, string) {}

// endLeft has nothing to do where containers do not run beside the driver.
func (*Driver) endLeft(string) {}

// endStuck has nothing to do there either.
func (*Driver) endStuck(string) {}

// learnKeeper and endKeepers have nothing to do there either.
func (*Driver) learnKeeper(*container.InspectResponse) {}
func (*Driver) endKeepers(context.Context)             {}

// isAlone cannot be told there.
func isAlone(int) bool { return false }
