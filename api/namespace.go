// SPDX-License-Identifier: MPL-2.0

package api

import (
	"cmp"
	"fmt"
	"slices"
)

// Namespace is the Namespace object of the HTTP API, see http-types.md.
type Namespace struct {
	// Name: Required.
	Name string
	// Description: At most 256 characters.
	Description string
	// Quota: Enterprise.
	Quota string
	// Capabilities: `{EnabledTaskDrivers, DisabledTaskDrivers, EnabledNetworkModes, DisabledNetworkModes}` lists or null.
	Capabilities *NamespaceCapabilities
	// NodePoolConfiguration: Enterprise `{Default, Allowed, Denied}` or null.
	NodePoolConfiguration *NamespaceListConfiguration
	// VaultConfiguration: Enterprise `{Default, Allowed, Denied}` or null.
	VaultConfiguration *NamespaceListConfiguration
	// ConsulConfiguration: Enterprise `{Default, Allowed, Denied}` or null.
	ConsulConfiguration *NamespaceListConfiguration
	// Meta: Strings.
	Meta map[string]string
	// RequiredExtraClaims: Extra claims for workload identities, key → template.
	RequiredExtraClaims map[string]string
	// OptionalExtraClaims: Extra claims for workload identities, key → template.
	OptionalExtraClaims map[string]string
	// Hash: Content hash.
	Hash []byte
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// NamespaceCapabilities limits the drivers and network modes of a namespace.
type NamespaceCapabilities struct {
	EnabledTaskDrivers   []string
	DisabledTaskDrivers  []string
	EnabledNetworkModes  []string
	DisabledNetworkModes []string
}

// NamespaceListConfiguration is a default with allowed and denied names.
type NamespaceListConfiguration struct {
	Default string
	Allowed []string
	Denied  []string
}

// Validate returns everything that is wrong with the namespace, nil when nothing is.
func (n *Namespace) Validate() error {
	v := &ValidationError{}
	if !nameOf(n.Name, "-") {
		v.Texts = append(v.Texts, fmt.Sprintf("invalid name %q. Must match regex ^[a-zA-Z0-9-]{1,128}$", n.Name))
	}
	if len(n.Description) > MaxDescription {
		v.Texts = append(v.Texts, fmt.Sprintf("description longer than %d", MaxDescription))
	}
	for _, refused := range []struct {
		what string
		set  bool
	}{
		{"quota", n.Quota != ""},
		{"node_pool_config", n.NodePoolConfiguration != nil},
		{"vault", n.VaultConfiguration != nil},
		{"consul", n.ConsulConfiguration != nil},
	} {
		if refused.set {
			v.Texts = append(v.Texts, fmt.Sprintf("%s of namespaces is a feature of the Enterprise edition and is not served", refused.what))
		}
	}
	if len(n.RequiredExtraClaims) > 0 || len(n.OptionalExtraClaims) > 0 {
		v.Texts = append(v.Texts, "extra claims of namespaces are not served by this version of nomadlike")
	}
	if len(v.Texts) == 0 {
		return nil
	}
	return v
}

// SetHash sets Hash from everything that an operator can set.
func (n *Namespace) SetHash() {
	h := newContentHash()
	h.text(n.Name, n.Description)
	h.texts(n.Meta)
	if c := n.Capabilities; c != nil {
		for _, l := range [][]string{c.EnabledTaskDrivers, c.DisabledTaskDrivers, c.EnabledNetworkModes, c.DisabledNetworkModes} {
			h.list(l)
		}
	}
	n.Hash = h.sum()
}

// AllowsDriver reports whether tasks in the namespace may use the driver.
func (c *NamespaceCapabilities) AllowsDriver(name string) bool {
	return c == nil || allows(c.EnabledTaskDrivers, c.DisabledTaskDrivers, name)
}

// AllowsNetworkMode reports whether groups in the namespace may use the network mode.
func (c *NamespaceCapabilities) AllowsNetworkMode(mode string) bool {
	return c == nil || allows(c.EnabledNetworkModes, c.DisabledNetworkModes, mode)
}

func allows(enabled, disabled []string, name string) bool {
	return (len(enabled) == 0 || slices.Contains(enabled, name)) && !slices.Contains(disabled, name)
}

// Refusals returns what of the job the namespace forbids, in the contract's words.
func (n *Namespace) Refusals(job *Job) []string {
	var drivers, modes []string
	add := func(list *[]string, name string) {
		if !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	for _, g := range job.TaskGroups {
		if g == nil {
			continue
		}
		for _, net := range g.Networks {
			if net == nil {
				continue
			}
			if mode := cmp.Or(net.Mode, "host"); !n.Capabilities.AllowsNetworkMode(mode) {
				add(&modes, mode)
			}
		}
		for _, t := range g.Tasks {
			if t != nil && !n.Capabilities.AllowsDriver(t.Driver) {
				add(&drivers, t.Driver)
			}
		}
	}
	var out []string
	for _, kind := range []struct {
		one, many string
		names     []string
	}{
		{"used task driver %q is not allowed in namespace %q", "used task drivers %q are not allowed in namespace %q", drivers},
		{"used group network mode %q is not allowed in namespace %q", "used group network modes %q are not allowed in namespace %q", modes},
	} {
		switch len(kind.names) {
		case 0:
		case 1:
			out = append(out, fmt.Sprintf(kind.one, kind.names[0], n.Name))
		default:
			out = append(out, fmt.Sprintf(kind.many, kind.names, n.Name))
		}
	}
	return out
}
