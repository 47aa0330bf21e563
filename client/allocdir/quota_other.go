// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package allocdir

import "os"

// quotas are not used on this system.
type quotas struct{}

func newQuotas(*os.Root) *quotas { return nil }

func (*quotas) limit(*os.Root, int64) error { return nil }

func (*quotas) project(*os.Root) (uint32, error) { return 0, nil }

func (*quotas) free(uint32) error { return nil }

func (*quotas) move(*os.Root, string, *os.Root) error { return nil }
