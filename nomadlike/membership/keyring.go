// SPDX-License-Identifier: MPL-2.0

package membership

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"

	"github.com/nomadlike/nomadlike/api"
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

// KeyOperation is something to do with the gossip keys of all servers.
type KeyOperation uint8

// Operations on gossip keys.
const (
	KeyList KeyOperation = iota
	KeyInstall
	KeyUse
	KeyRemove
)

// Keys does something with the gossip keys of all servers and tells what each said.
func (m *Membership) Keys(op KeyOperation, key string) (*api.KeyringResponse, error) {
	s := m.serf()
	if s == nil {
		return nil, errNotStarted
	}
	if !s.EncryptionEnabled() {
		return nil, api.CodeErrorf(api.ClassInvalid, 500, "gossip is not encrypted: there is no key ring; set server { encrypt = ... } to have one")
	}
	if op != KeyList {
		raw, err := base64.StdEncoding.DecodeString(key)
		if err == nil {
			err = memberlist.ValidateKey(raw)
		}
		if err != nil {
			return nil, api.CodeErrorf(api.ClassInvalid, 500, "gossip key: %s", err)
		}
	}
	k := s.KeyManager()
	var r *serf.KeyResponse
	var err error
	switch op {
	case KeyInstall:
		r, err = k.InstallKey(key)
	case KeyUse:
		r, err = k.UseKey(key)
	case KeyRemove:
		r, err = k.RemoveKey(key)
	default:
		r, err = k.ListKeys()
	}
	if err != nil {
		return nil, api.CodeErrorf(api.ClassInvalid, 500, "%s%s", err, refusals(r))
	}
	resp := &api.KeyringResponse{Messages: r.Messages, Keys: r.Keys, NumNodes: r.NumNodes}
	if resp.Messages == nil {
		resp.Messages = map[string]string{}
	}
	return resp, nil
}

// refusals tells what the servers said that did not do it, each text once.
func refusals(r *serf.KeyResponse) string {
	if r == nil || len(r.Messages) == 0 {
		return ""
	}
	texts := slices.Sorted(maps.Values(r.Messages))
	return ": " + strings.Join(slices.Compact(texts), "; ")
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
