// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"context"
	"net/url"
	"os"
	"strings"

	getter "github.com/hashicorp/go-getter/v2"
)

// gcsGetter downloads objects of Google Cloud Storage, by the interface of that store that is like S3's. It
// shows the access token in GOOGLE_OAUTH_ACCESS_TOKEN, if there is one.
type gcsGetter struct {
	s3Getter
	// store is the address of the store, Google's unless a test has its own.
	store url.URL
}

// gcsPath is how sources name objects: /storage/v1/BUCKET/KEY at www.googleapis.com.
const gcsPath = "/storage/v1/"

// Detect implements getter.Getter.
func (g *gcsGetter) Detect(req *getter.Request) (bool, error) {
	if req.Forced != "" {
		return req.Forced == "gcs", nil
	}
	// The short form has no scheme.
	if !strings.HasPrefix(req.Src, "www.googleapis.com"+gcsPath) {
		return false, nil
	}
	req.Src = "https://" + req.Src
	return true, nil
}

// Mode implements getter.Getter.
func (g *gcsGetter) Mode(ctx context.Context, u *url.URL) (getter.Mode, error) {
	b, err := g.parse(u)
	if err != nil {
		return 0, err
	}
	return b.mode(ctx)
}

// GetFile implements getter.Getter.
func (g *gcsGetter) GetFile(ctx context.Context, req *getter.Request) error {
	b, err := g.parse(req.URL())
	if err != nil {
		return err
	}
	return b.fetch(ctx, b.key, b.version, req.Dst)
}

// Get implements getter.Getter.
func (g *gcsGetter) Get(ctx context.Context, req *getter.Request) error {
	b, err := g.parse(req.URL())
	if err != nil {
		return err
	}
	return b.tree(ctx, req.Dst)
}

func (g *gcsGetter) parse(u *url.URL) (*s3Bucket, error) {
	path, ok := strings.CutPrefix(u.Path, gcsPath)
	bucket, key, _ := strings.Cut(path, "/")
	if !ok || bucket == "" {
		return nil, &finalError{"the address of an object must be https://www.googleapis.com/storage/v1/BUCKET/KEY"}
	}
	b := &s3Bucket{getter: &g.s3Getter, base: g.store, key: key, bearer: os.Getenv("GOOGLE_OAUTH_ACCESS_TOKEN")}
	b.base.Path = "/" + bucket
	return b, nil
}
