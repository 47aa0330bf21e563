// SPDX-License-Identifier: MPL-2.0

package client

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/atomicfile"
)

// identity is who the node is: its public ID, and the secret that proves it to servers.
type identity struct {
	id, secret string
}

// loadIdentity reads the identity from the state directory, and makes what is missing. Deleting client-id
// makes a new node. derived, unless empty, is what a new ID is computed from.
func loadIdentity(dir, derived string) (identity, error) {
	fresh := api.NewID
	if derived != "" {
		fresh = func() string { return derivedID(derived) }
	}
	id, err := loadID(filepath.Join(dir, "client-id"), fresh)
	if err != nil {
		return identity{}, err
	}
	secret, err := loadID(filepath.Join(dir, "secret-id"), api.NewID)
	if err != nil {
		return identity{}, err
	}
	return identity{id: id, secret: secret}, nil
}

func loadID(path string, fresh func() string) (string, error) {
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		id := strings.TrimSpace(string(data))
		if !validUUID(id) {
			return "", fmt.Errorf("%s does not hold a UUID: restore it, or remove it to make a new node", path)
		}
		return id, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("read the identity of the node: %w", err)
	}
	id := fresh()
	if err := errors.Join(atomicfile.Sweep(path), atomicfile.Write(path, []byte(id), 0o600)); err != nil {
		return "", fmt.Errorf("write the identity of the node: %w", err)
	}
	return id, nil
}

// derivedID makes a UUID that is always the same for the same machine.
func derivedID(machine string) string {
	sum := sha256.Sum256([]byte("nomadlike client " + machine))
	b := sum[:16]
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

func validUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}
