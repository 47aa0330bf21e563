// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// ACLAuthMethod is the ACLAuthMethod object of the HTTP API, see http-types.md.
type ACLAuthMethod struct {
	// Name: `^[a-zA-Z0-9-]{1,128}$`.
	Name string
	// Type: `OIDC`, `JWT`.
	Type string
	// TokenLocality: `local`, `global`.
	TokenLocality string
	// TokenNameFormat: May use `${value.<claim>}` (default `${auth_method_type}-${auth_method_name}`).
	TokenNameFormat string
	// MaxTokenTTL: Within the server's expiration bounds.
	MaxTokenTTL string
	// Default: At most one (default false).
	Default bool
	// Config: Below.
	Config *ACLAuthMethodConfig
	// Hash: Content hash.
	Hash []byte
	// CreateTime: Times.
	CreateTime *time.Time `api:"zerotime"`
	// ModifyTime: Times.
	ModifyTime *time.Time `api:"zerotime"`
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// ACLAuthMethodConfig is the ACLAuthMethodConfig object of the HTTP API, see http-types.md.
type ACLAuthMethodConfig struct {
	// OIDCDiscoveryURL: OIDC; the secret reads as `redacted`.
	OIDCDiscoveryURL string
	// OIDCClientID: OIDC; the secret reads as `redacted`.
	OIDCClientID string
	// OIDCClientSecret: OIDC; the secret reads as `redacted`.
	OIDCClientSecret string
	// OIDCClientAssertion: `{KeySource (nomad, private_key, client_secret), Audience, PrivateKey:{PemKey, PemKeyFile, KeyIDHeader (x5t, x5t#S256, kid), PemCert, PemCertFile, KeyID}, ExtraHeaders, KeyAlgorithm, ClientSecret}`; keys read as `redacted`.
	OIDCClientAssertion *OIDCClientAssertion
	// OIDCEnablePKCE: Switches.
	OIDCEnablePKCE bool
	// OIDCDisableUserInfo: Switches.
	OIDCDisableUserInfo bool
	// OIDCScopes: OIDC lists.
	OIDCScopes []string
	// AllowedRedirectURIs: OIDC lists.
	AllowedRedirectURIs []string
	// DiscoveryCaPem: OIDC lists.
	DiscoveryCaPem []string
	// JWTValidationPubKeys: JWT: exactly one of public keys, JWKS or discovery.
	JWTValidationPubKeys []string
	// JWKSURL: JWT: exactly one of public keys, JWKS or discovery.
	JWKSURL string
	// JWKSCACert: JWT: exactly one of public keys, JWKS or discovery.
	JWKSCACert string
	// BoundAudiences: Accepted values.
	BoundAudiences []string
	// BoundIssuer: Accepted values.
	BoundIssuer []string
	// SigningAlgs: Accepted values.
	SigningAlgs []string
	// ExpirationLeeway: Leeways.
	ExpirationLeeway string
	// NotBeforeLeeway: Leeways.
	NotBeforeLeeway string
	// ClockSkewLeeway: Leeways.
	ClockSkewLeeway string
	// ClaimMappings: Claim → name usable as `value.<name>` / `list.<name>`.
	ClaimMappings map[string]string
	// ListClaimMappings: Claim → name usable as `value.<name>` / `list.<name>`.
	ListClaimMappings map[string]string
	// VerboseLogging: Switch.
	VerboseLogging bool
}

// ACLAuthMethodListStub is the ACLAuthMethodListStub object of the HTTP API, see http-types.md.
type ACLAuthMethodListStub struct {
	// Name: As ACLAuthMethod.
	Name string
	// Type: As ACLAuthMethod.
	Type string
	// Default: As ACLAuthMethod.
	Default bool
	// Hash: As ACLAuthMethod.
	Hash []byte
	// CreateIndex: As ACLAuthMethod.
	CreateIndex uint64
	// ModifyIndex: As ACLAuthMethod.
	ModifyIndex uint64
}

// ACLBindingRule is the ACLBindingRule object of the HTTP API, see http-types.md.
type ACLBindingRule struct {
	// ID: Generated uuid.
	ID string
	// Description: Text.
	Description string
	// AuthMethod: Method name, immutable.
	AuthMethod string
	// Selector: Expression over the claims; empty matches all.
	Selector string
	// BindType: `role`, `policy`, `management`.
	BindType string
	// BindName: Name, may interpolate `${value.x}`; empty for management.
	BindName string
	// Hash: Content hash.
	Hash []byte
	// CreateTime: Times.
	CreateTime *time.Time
	// ModifyTime: Times.
	ModifyTime *time.Time
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// ACLBindingRuleListStub is the ACLBindingRuleListStub object of the HTTP API, see http-types.md.
type ACLBindingRuleListStub struct {
	// ID: As ACLBindingRule.
	ID string
	// Description: As ACLBindingRule.
	Description string
	// AuthMethod: As ACLBindingRule.
	AuthMethod string
	// Hash: As ACLBindingRule.
	Hash []byte
	// CreateIndex: As ACLBindingRule.
	CreateIndex uint64
	// ModifyIndex: As ACLBindingRule.
	ModifyIndex uint64
}

// OIDCClientAssertion configures a private key or signed client secret for OIDC.
type OIDCClientAssertion struct {
	KeySource    string
	Audience     []string
	PrivateKey   *OIDCClientAssertionKey
	ExtraHeaders map[string]string
	KeyAlgorithm string
	ClientSecret string
}

// OIDCClientAssertionKey is the key of an OIDCClientAssertion.
type OIDCClientAssertionKey struct {
	PemKey      string
	PemKeyFile  string
	KeyIDHeader string
	PemCert     string
	PemCertFile string
	KeyID       string
}
