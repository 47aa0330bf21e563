// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package network

func (m *Manager) admit() error { return ErrUnsupported }

func (m *Manager) forget(string) bool { return false }

func (m *Manager) sweep() {}
