// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"net/http"
	"slices"
	"strings"
)

// corsRoute is a part of the API that pages of other origins may call (http-api.md 1.10).
type corsRoute struct {
	prefix  string
	whole   bool
	methods []string
}

var corsRoutes = []corsRoute{
	{"/v1/client/fs/", false, []string{"HEAD", "GET"}},
	{"/v1/client/allocation/", false, []string{"HEAD", "GET"}},
	{"/v1/client/stats", true, []string{"HEAD", "GET"}},
	{"/v1/client/metadata", true, []string{"HEAD", "GET"}},
	{"/v1/client/identity", true, []string{"HEAD", "GET"}},
	{"/v1/client/identity/renew", true, []string{"HEAD", "GET"}},
	{"/v1/vars", true, []string{"HEAD", "GET"}},
	{"/v1/var/", false, []string{"HEAD", "GET", "PUT", "DELETE"}},
}

func corsOf(path string) *corsRoute {
	for i := range corsRoutes {
		c := &corsRoutes[i]
		if path == c.prefix || !c.whole && strings.HasPrefix(path, c.prefix) {
			return c
		}
	}
	return nil
}

// cors sets the headers of a cross-origin request and answers a preflight; it returns whether that was all.
func cors(w http.ResponseWriter, r *http.Request) bool {
	c := corsOf(r.URL.Path)
	if c == nil {
		return false
	}
	h := w.Header()
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		h.Add("Vary", "Origin")
		if r.Header.Get("Origin") != "" && slices.Contains(c.methods, r.Method) {
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Access-Control-Allow-Credentials", "true")
		}
		return false
	}
	h.Add("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	method := strings.ToUpper(r.Header.Get("Access-Control-Request-Method"))
	if r.Header.Get("Origin") != "" && slices.Contains(c.methods, method) {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Allow-Methods", method)
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}
