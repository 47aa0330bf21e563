// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// fakeRegistry is a registry with one image, "things/box:2". The engine takes an
// address on the loopback without TLS.
type fakeRegistry struct {
	*httptest.Server
	// pulls counts the requests for the layer; hold delays them.
	pulls atomic.Int64
	hold  chan struct{}
	// user and password are asked for unless empty.
	user, password string
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func newRegistry(t *testing.T) *fakeRegistry {
	t.Helper()
	root := busybox(t, "")
	var layer bytes.Buffer
	z := gzip.NewWriter(&layer)
	_, _ = z.Write(root)
	_ = z.Close()
	// A creation time of its own makes it an image of its own.
	config := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","author":%q,"config":{"Cmd":["/bin/true"]},"rootfs":{"type":"layers","diff_ids":[%q]}}`, t.Name(), digest(root))
	const kind = "application/vnd.docker.distribution.manifest.v2+json"
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": kind,
		"config": map[string]any{"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config), "digest": digest(config)},
		"layers": []any{map[string]any{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": layer.Len(), "digest": digest(layer.Bytes())}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &fakeRegistry{hold: make(chan struct{})}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if user, password, _ := q.BasicAuth(); r.user != "" && (user != r.user || password != r.password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="box"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}`, http.StatusUnauthorized)
			return
		}
		switch {
		case q.URL.Path == "/v2/":
		case strings.Contains(q.URL.Path, "/things/box/manifests/"):
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Docker-Content-Digest", digest(manifest))
			_, _ = w.Write(manifest)
		case strings.HasSuffix(q.URL.Path, digest(config)):
			_, _ = w.Write(config)
		case strings.HasSuffix(q.URL.Path, digest(layer.Bytes())):
			r.pulls.Add(1)
			<-r.hold
			_, _ = w.Write(layer.Bytes())
		default:
			http.Error(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`, http.StatusNotFound)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// image is the name of the image in the registry.
func (r *fakeRegistry) image() string { return strings.TrimPrefix(r.URL, "http://") + "/things/box:2" }
