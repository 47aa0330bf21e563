// SPDX-License-Identifier: MPL-2.0

package membership

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// loadKeyring reads a stored key ring, a JSON list of base64 keys with the primary one first; nil when
// there is none.
func loadKeyring(path string) ([][]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read gossip key ring: %w", err)
	}
	var texts []string
	if err := json.Unmarshal(data, &texts); err != nil {
		return nil, fmt.Errorf("gossip key ring %s is damaged, restore or remove it: %w", path, err)
	}
	keys := make([][]byte, 0, len(texts))
	for _, text := range texts {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("gossip key ring %s is damaged, restore or remove it: %w", path, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func storeKeyring(path string, key []byte) error {
	data, err := json.Marshal([]string{base64.StdEncoding.EncodeToString(key)})
	if err != nil {
		return fmt.Errorf("encode gossip key ring: %w", err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("store gossip key ring: %w", err)
	}
	return nil
}
