// SPDX-License-Identifier: MPL-2.0

package api

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
