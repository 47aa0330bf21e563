// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package docker

import "github.com/nomadlike/nomadlike/plugins/drivers"

// hold holds nothing where directories cannot be mounted on others.
func (*builder) hold(_, _ string, _ bool) (string, error) { return "", nil }

func (*Driver) letGo(*drivers.TaskConfig) {}
