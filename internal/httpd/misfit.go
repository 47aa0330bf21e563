// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"net/http"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// misfit is a path that fits no route but that the contract answers with a text (http-api.md 1.1, 2, 4, 7).
type misfit struct {
	prefix, suffix string
	err            *api.Error
}

var misfits = []misfit{
	{"/v1/allocation/", "", api.Errorf(api.ClassNotFound, "resource not found")},
	{"/v1/client/allocation/", "", api.Errorf(api.ClassNotFound, "resource not found")},
	{"/v1/client/fs/", "", api.Errorf(api.ClassNotFound, "Invalid method")},
	{"/v1/agent/keyring/", "", api.Errorf(api.ClassNotFound, "resource not found")},
	{"/v1/agent/pprof/", "", api.Errorf(api.ClassNotFound, "Invalid method")},
	{"/v1/operator/raft/", "", api.Errorf(api.ClassNotFound, "Invalid method")},
	{"/v1/node/", "", api.CodeErrorf(api.ClassInvalid, http.StatusInternalServerError, "node lookup failed: index error: UUID must be 36 characters")},
	{"/v1/job/", "/tag", api.Errorf(api.ClassNotFound, "invalid job tag endpoint")},
}

// misfitOf returns the answer to a path without a route, nil for the bare 404.
func misfitOf(path string) *api.Error {
	for _, m := range misfits {
		if strings.HasPrefix(path, m.prefix) && strings.HasSuffix(path, m.suffix) {
			return m.err
		}
	}
	return nil
}

// wrongMethods are the paths on which the contract answers a wrong method otherwise than with 405 (http-api.md 1.1).
// An empty text is an empty body.
var wrongMethods = []misfit{
	{"/v1/operator/raft/peer", "", api.Errorf(api.ClassNotFound, "Invalid method")},
	{"/v1/operator/raft/configuration", "", api.CodeErrorf(api.ClassInvalid, http.StatusMethodNotAllowed, "")},
	{"/v1/operator/autopilot/configuration", "", api.Errorf(api.ClassNotFound, "Invalid method")},
	{"/v1/var/", "", api.Errorf(api.ClassInvalid, "Invalid method")},
}

// wrongMethod returns the answer to a method that a path does not take.
func wrongMethod(path string) *api.Error {
	for _, m := range wrongMethods {
		if path == m.prefix || strings.HasSuffix(m.prefix, "/") && strings.HasPrefix(path, m.prefix) {
			return m.err
		}
	}
	return api.CodeErrorf(api.ClassInvalid, http.StatusMethodNotAllowed, "Invalid method")
}

// isTagMisfit says that the path ends as a job tag does without being ".../versions/<name>/tag": it is no
// job ID either.
func isTagMisfit(path string) bool {
	if !strings.HasPrefix(path, "/v1/job/") || !strings.HasSuffix(path, "/tag") {
		return false
	}
	segs := split(path)
	return len(segs) < 6 || segs[len(segs)-3] != "versions"
}
