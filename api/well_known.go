// SPDX-License-Identifier: MPL-2.0

package api

// JWKS is the document of public keys that verify workload identities (`/.well-known/jwks.json`).
type JWKS struct {
	Keys []*JWK `json:"keys"`
}

// JWK is one public key of a JWKS (RFC 7517); RSA keys have N and E, Ed25519 keys Crv and X.
type JWK struct {
	Use string `json:"use"`
	Kty string `json:"kty"`
	Kid string `json:"kid"`
	Crv string `json:"crv,omitempty"`
	Alg string `json:"alg"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
	X   string `json:"x,omitempty"`
}

// OIDCDiscovery is the document `/.well-known/openid-configuration`.
type OIDCDiscovery struct {
	Issuer        string   `json:"issuer"`
	JWKS          string   `json:"jwks_uri"`
	IDTokenAlgs   []string `json:"id_token_signing_alg_values_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	Subjects      []string `json:"subject_types_supported"`
}
