// SPDX-License-Identifier: MPL-2.0

//go:build unix && !linux && !darwin

package fingerprint

import "errors"

func cpuModel() string { return "" }

func cpuMHz() uint64 { return 0 }

// memoryBytes is not known on this system; memory_total_mb says it.
func memoryBytes() (uint64, error) { return 0, errors.ErrUnsupported }
