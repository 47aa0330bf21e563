// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package command

// monotonic is the time of the clock that systemd compares reloads by; there is none here.
func monotonic() int64 { return 0 }
