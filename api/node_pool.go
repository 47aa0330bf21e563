// SPDX-License-Identifier: MPL-2.0

package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// NodePool is the NodePool object of the HTTP API, see http-types.md.
type NodePool struct {
	// Name: `^[a-zA-Z0-9-_]{1,128}$`.
	Name string
	// Description: At most 256 characters.
	Description string
	// Meta: Strings.
	Meta map[string]string
	// SchedulerConfiguration: What differs from the cluster's scheduler configuration for the jobs of the pool, `{SchedulerAlgorithm, MemoryOversubscriptionEnabled (bool or null)}`.
	SchedulerConfiguration *NodePoolSchedulerConfiguration
	// NodeIdentityTTL: Lifetime of node identities; string or ns in, ns out (default 24h).
	NodeIdentityTTL time.Duration
	// Hash: Content hash.
	Hash []byte
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// NodePoolSchedulerConfiguration overrides the cluster's scheduler configuration for the jobs of one pool.
//
// Compat: it belongs to the commercial edition in the reference; here every cluster has it.
type NodePoolSchedulerConfiguration struct {
	// SchedulerAlgorithm: `binpack`, `spread`; empty for the cluster's.
	SchedulerAlgorithm string
	// MemoryOversubscriptionEnabled: Honour `MemoryMaxMB`; null for the cluster's.
	MemoryOversubscriptionEnabled *bool
}

// Over returns the cluster's configuration with what differs for the jobs of the pool; c itself is not
// changed. A nil receiver changes nothing.
func (p *NodePoolSchedulerConfiguration) Over(c *SchedulerConfiguration) *SchedulerConfiguration {
	if p == nil {
		return c
	}
	own := *c
	own.SchedulerAlgorithm = cmp.Or(p.SchedulerAlgorithm, c.SchedulerAlgorithm)
	own.MemoryOversubscriptionEnabled = Or(p.MemoryOversubscriptionEnabled, c.MemoryOversubscriptionEnabled)
	return &own
}

// DefaultNodeIdentityTTL is the NodeIdentityTTL of pools that set none.
const DefaultNodeIdentityTTL = 24 * time.Hour

// UnmarshalJSON decodes a node pool, whose NodeIdentityTTL may be a duration text or nanoseconds.
func (p *NodePool) UnmarshalJSON(data []byte) error {
	type plain NodePool // without this method
	in := struct {
		*plain
		NodeIdentityTTL json.RawMessage
	}{plain: (*plain)(p)}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if len(in.NodeIdentityTTL) == 0 {
		return nil
	}
	var text string
	if json.Unmarshal(in.NodeIdentityTTL, &text) != nil {
		return json.Unmarshal(in.NodeIdentityTTL, &p.NodeIdentityTTL)
	}
	if text == "" {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("NodeIdentityTTL: %w", err)
	}
	p.NodeIdentityTTL = d
	return nil
}

// BuiltIn reports whether the pool always exists and cannot be changed.
func (p *NodePool) BuiltIn() bool { return p.Name == NodePoolDefault || p.Name == NodePoolAll }

// Validate returns everything that is wrong with the pool, nil when nothing is.
func (p *NodePool) Validate() error {
	v := &ValidationError{}
	if !nameOf(p.Name, "-_") {
		v.Texts = append(v.Texts, fmt.Sprintf("invalid name %q, must match regex ^[a-zA-Z0-9-_]{1,128}$", p.Name))
	}
	if len(p.Description) > MaxDescription {
		v.Texts = append(v.Texts, fmt.Sprintf("description longer than %d", MaxDescription))
	}
	if c := p.SchedulerConfiguration; c != nil {
		if err := validAlgorithm(c.SchedulerAlgorithm); err != nil {
			v.Texts = append(v.Texts, err.Error())
		}
	}
	if p.NodeIdentityTTL < 0 {
		v.Texts = append(v.Texts, fmt.Sprintf("node identity TTL %s is negative", p.NodeIdentityTTL))
	}
	if len(v.Texts) == 0 {
		return nil
	}
	return v
}

// SetHash sets Hash from everything that an operator can set.
func (p *NodePool) SetHash() {
	h := newContentHash()
	h.text(p.Name, p.Description)
	h.texts(p.Meta)
	h.text(p.NodeIdentityTTL.String())
	if c := p.SchedulerConfiguration; c != nil {
		h.text(c.SchedulerAlgorithm)
		if over := c.MemoryOversubscriptionEnabled; over != nil {
			h.text(strconv.FormatBool(*over))
		}
	}
	p.Hash = h.sum()
}

// MaxDescription is the longest description of node pools and namespaces, in bytes.
const MaxDescription = 256

// nameOf reports whether a name has 1 to 128 letters, digits and other characters out of more.
func nameOf(name, more string) bool {
	return len(name) >= 1 && len(name) <= 128 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(more, r)
	})
}
