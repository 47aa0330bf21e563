// SPDX-License-Identifier: MPL-2.0

//go:build !linux && !darwin

package proc

import "errors"

// StartTime is not known on this system.
func StartTime(int) (int64, error) { return 0, errors.ErrUnsupported }

// BootID is not known on this system.
func BootID() string { return "" }

// Users is not supported here.
func Users() ([]int, error) { return nil, errors.ErrUnsupported }
