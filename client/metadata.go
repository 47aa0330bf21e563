// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/nomadlike/nomadlike/api"
)

// dynamicMeta is the name under which the client's state keeps the metadata that was set through the API.
const dynamicMeta = "dynamic_meta"

// loadMetadata reads the metadata that was set before the client was started.
func (c *Client) loadMetadata() error {
	text, err := c.state.Node(dynamicMeta)
	if err != nil {
		return fmt.Errorf("read node metadata: %w", err)
	}
	if text == nil {
		return nil
	}
	var dynamic map[string]*string
	if err := json.Unmarshal(text, &dynamic); err != nil {
		return fmt.Errorf("read node metadata: %w", err)
	}
	c.node.changeMeta(dynamic)
	return nil
}

func (c *Client) metadata(context.Context, *api.ClientRequest) (*api.NodeMetadata, error) {
	return c.node.metadata(), nil
}

// applyMetadata merges changes into the dynamic metadata: a value sets a key, null removes it, also one that the
// configuration sets (http-api.md 5). It answers when the change is on disk; the servers hear of it with the next
// registration.
func (c *Client) applyMetadata(ctx context.Context, r *api.ClientMetadataRequest) (*api.NodeMetadata, error) {
	if len(r.Meta) == 0 {
		return nil, api.Errorf(api.ClassInvalid, "missing required Meta object")
	}
	for k := range r.Meta {
		if k == "" {
			return nil, api.Errorf(api.ClassInvalid, "metadata keys must not be empty")
		}
	}
	now := c.node.changeMeta(r.Meta)
	text, err := json.Marshal(now.Dynamic)
	if err != nil {
		return nil, fmt.Errorf("encode node metadata: %w", err)
	}
	c.state.PutNode(dynamicMeta, text)
	if err := c.state.Sync(ctx); err != nil {
		return nil, fmt.Errorf("store node metadata: %w", err)
	}
	return now, nil
}

// changeMeta merges changes into the dynamic metadata and returns all metadata.
func (n *nodeState) changeMeta(changes map[string]*string) *api.NodeMetadata {
	n.mu.Lock()
	dynamic := maps.Clone(n.mu.dynamic)
	if dynamic == nil {
		dynamic = map[string]*string{}
	}
	for k, v := range changes {
		if _, static := n.cfg.Meta[k]; v == nil && !static {
			delete(dynamic, k) // nothing is left to hide
			continue
		}
		dynamic[k] = v
	}
	n.mu.dynamic = dynamic
	changed := n.rebuildLocked()
	n.mu.Unlock()
	if changed {
		n.poke()
	}
	return n.metadata()
}

// metadata returns the static, the dynamic and the resulting metadata.
func (n *nodeState) metadata() *api.NodeMetadata {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := &api.NodeMetadata{Meta: n.mu.node.Node.Meta, Dynamic: n.mu.dynamic, Static: n.cfg.Meta}
	if m.Dynamic == nil {
		m.Dynamic = map[string]*string{}
	}
	if m.Static == nil {
		m.Static = map[string]string{}
	}
	return m
}

// effectiveMetaLocked returns the static metadata with the dynamic changes.
func (n *nodeState) effectiveMetaLocked() map[string]string {
	meta := maps.Clone(n.cfg.Meta)
	if meta == nil {
		meta = map[string]string{}
	}
	for k, v := range n.mu.dynamic {
		if v == nil {
			delete(meta, k)
			continue
		}
		meta[k] = *v
	}
	return meta
}
