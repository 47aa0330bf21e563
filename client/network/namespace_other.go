// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package network

// CreateNamespace returns ErrUnsupported.
func (*Manager) CreateNamespace(string) (path string, created bool, err error) {
	return "", false, ErrUnsupported
}

// RemoveNamespace has nothing to remove.
func (*Manager) RemoveNamespace(string) error { return nil }

func isNamespace(string) bool { return false }

// BridgeAvailable returns ErrUnsupported.
func BridgeAvailable() error { return ErrUnsupported }
