// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// allowedOrigin says whether a web page may open a websocket here. Browsers do not ask first, so that any page that an
// operator visits could run commands in tasks: a page must come from this very address, from that of a proxy in front,
// as told by X-Forwarded-Host (which no page can set), or from an origin that http_api_response_headers allows with
// Access-Control-Allow-Origin. Other programs send no origin.
func (h *Handler) allowedOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	for name, value := range h.cfg.ResponseHeaders {
		if textproto.CanonicalMIMEHeaderKey(name) != "Access-Control-Allow-Origin" {
			continue
		}
		if value == "*" || strings.EqualFold(strings.TrimSuffix(value, "/"), origin) {
			return true
		}
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	hosts := []string{r.Host}
	for _, v := range r.Header.Values("X-Forwarded-Host") {
		for host := range strings.SplitSeq(v, ",") {
			hosts = append(hosts, strings.TrimSpace(host))
		}
	}
	return slices.ContainsFunc(hosts, func(host string) bool { return strings.EqualFold(host, u.Host) })
}
