// SPDX-License-Identifier: MPL-2.0

package api

import "strings"

// UnservedRoute is a route of the contract that no operation serves; it answers 501 with Text.
type UnservedRoute struct {
	Route
	Text string
}

// UnservedRoutes returns the routes of the contract that are known and not served: those that come later
// and those of the incumbent's commercial edition. The lists shrink as operations are declared; a route
// in both makes start-up panic.
func UnservedRoutes() []UnservedRoute {
	var out []UnservedRoute
	for _, s := range unservedYet {
		for _, r := range parseRoutes(s) {
			out = append(out, UnservedRoute{Route: r, Text: strings.Replace(s, "! ", " ", 1) + " is not served by this version of nomadlike"})
		}
	}
	for _, s := range enterpriseOnly {
		for _, r := range parseRoutes(s) {
			out = append(out, UnservedRoute{Route: r, Text: "Nomad Enterprise only endpoint"})
		}
	}
	return out
}

var unservedYet = []string{
	"GET /v1/client/identity",
	"PUT /v1/client/identity/renew",
	"GET /v1/vars",
	"GET /v1/var/{path...}",
	"DELETE /v1/var/{path...}",
	"PUT /v1/var/{path...}",
	"PUT /v1/volumes",
	"GET /v1/volumes/external",
	"GET /v1/volumes/snapshot",
	"DELETE /v1/volumes/snapshot",
	"PUT /v1/volumes/snapshot",
	"GET /v1/volume/csi/{id}",
	"PUT! /v1/volume/csi/{id}",
	"DELETE /v1/volume/csi/{id}",
	"PUT! /v1/volume/csi/{id}/create",
	"DELETE /v1/volume/csi/{id}/detach",
	"DELETE /v1/volume/csi/{id}/delete",
	"PUT /v1/volume/host/create",
	"PUT /v1/volume/host/register",
	"DELETE /v1/volume/host/{id}",
	"DELETE /v1/volumes/claim/{id}",
	"GET /v1/plugin/csi/{id}",
	"PUT /v1/acl/bootstrap",
	"GET /v1/acl/policies",
	"GET /v1/acl/policy/{name}",
	"DELETE /v1/acl/policy/{name}",
	"PUT /v1/acl/policy/{name}",
	"GET /v1/acl/policy/self",
	"GET /v1/acl/tokens",
	"PUT /v1/acl/token",
	"GET /v1/acl/token/{accessor}",
	"DELETE /v1/acl/token/{accessor}",
	"PUT /v1/acl/token/{accessor}",
	"GET /v1/acl/token/self",
	"PUT /v1/acl/token/onetime",
	"PUT /v1/acl/token/onetime/exchange",
	"GET /v1/acl/roles",
	"PUT /v1/acl/role",
	"GET /v1/acl/role/{id}",
	"DELETE /v1/acl/role/{id}",
	"PUT /v1/acl/role/{id}",
	"GET /v1/acl/role/name/{name}",
	"GET /v1/acl/auth-methods",
	"PUT /v1/acl/auth-method",
	"GET /v1/acl/auth-method/{name}",
	"DELETE /v1/acl/auth-method/{name}",
	"PUT /v1/acl/auth-method/{name}",
	"GET /v1/acl/binding-rules",
	"PUT /v1/acl/binding-rule",
	"GET /v1/acl/binding-rule/{id}",
	"DELETE /v1/acl/binding-rule/{id}",
	"PUT /v1/acl/binding-rule/{id}",
	"PUT /v1/acl/oidc/auth-url",
	"PUT /v1/acl/oidc/complete-auth",
	"PUT /v1/acl/login",
	"PUT /v1/acl/identity/client-introduction-token",
	"GET /v1/operator/keyring/keys",
	"PUT /v1/operator/keyring/rotate",
	"DELETE /v1/operator/keyring/key/{id}",
	"GET /.well-known/jwks.json",
	"GET /.well-known/openid-configuration",
}

var enterpriseOnly = []string{
	"ANY /v1/quotas",
	"ANY /v1/quota-usages",
	"ANY /v1/quota",
	"ANY /v1/quota/{rest...}",
	"ANY /v1/sentinel/policies",
	"ANY /v1/sentinel/policy/{rest...}",
	"ANY /v1/recommendation",
	"ANY /v1/recommendation/{rest...}",
	"ANY /v1/recommendations",
	"ANY /v1/recommendations/apply",
	"PUT /v1/operator/license",
	"POST! /v1/operator/utilization",
}
