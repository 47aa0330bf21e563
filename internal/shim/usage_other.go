// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package shim

// Usage returns ErrUnsupported: figures of processes are read on Linux only.
func (h *Handle) Usage() (*Usage, error) { return nil, ErrUnsupported }
