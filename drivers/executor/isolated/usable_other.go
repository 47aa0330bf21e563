// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package isolated

import "errors"

// Usable says why tasks cannot be isolated on this machine, nil if they can.
func Usable() error { return errors.New("exec driver unsupported on client OS") }

// Healthy says why a usable driver cannot isolate tasks at present.
func Healthy() error { return nil }
