// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	getter "github.com/hashicorp/go-getter/v2"
)

// s3Getter downloads objects of Amazon S3 and of what speaks its protocol: one object, or all below a prefix. It
// signs with the keys of the source's options or those in the environment, and not at all without any.
type s3Getter struct {
	client *http.Client
	now    func() time.Time
}

// Detect implements getter.Getter.
func (g *s3Getter) Detect(req *getter.Request) (bool, error) {
	if req.Forced != "" {
		return req.Forced == "s3", nil
	}
	host, _, found := strings.Cut(req.Src, "/")
	// The short form has no scheme: bucket.s3.amazonaws.com/key.
	if !found || strings.Contains(host, ":") || !strings.HasSuffix(host, ".amazonaws.com") {
		return false, nil
	}
	req.Src = "https://" + req.Src
	return true, nil
}

// Mode implements getter.Getter: an object of exactly the key is a file, keys below it make a directory.
func (g *s3Getter) Mode(ctx context.Context, u *url.URL) (getter.Mode, error) {
	b, err := g.parse(u)
	if err != nil {
		return 0, err
	}
	return b.mode(ctx)
}

// GetFile implements getter.Getter.
func (g *s3Getter) GetFile(ctx context.Context, req *getter.Request) error {
	b, err := g.parse(req.URL())
	if err != nil {
		return err
	}
	return b.fetch(ctx, b.key, b.version, req.Dst)
}

// Get implements getter.Getter.
func (g *s3Getter) Get(ctx context.Context, req *getter.Request) error {
	b, err := g.parse(req.URL())
	if err != nil {
		return err
	}
	return b.tree(ctx, req.Dst)
}

// s3Bucket is a bucket, and the key that a source names there.
type s3Bucket struct {
	getter *s3Getter
	// base is the address of the bucket, without a slash at its end.
	base         url.URL
	key, version string
	keys         s3Keys
	// bearer is shown instead of a signature, unless it is empty.
	bearer string
}

func (b *s3Bucket) mode(ctx context.Context) (getter.Mode, error) {
	if b.key == "" {
		return getter.ModeDir, nil
	}
	// Keys are sorted, so that the key itself comes first, if it is one.
	for _, prefix := range []string{b.key, strings.TrimSuffix(b.key, "/") + "/"} {
		page, err := b.list(ctx, prefix, "")
		var refused *s3Error
		switch {
		case errors.As(err, &refused) && refused.status == http.StatusForbidden:
			return getter.ModeFile, nil // some may get objects and not list them
		case err != nil:
			return 0, err
		case len(page.Contents) > 0 && page.Contents[0].Key == b.key && !strings.HasSuffix(b.key, "/"):
			return getter.ModeFile, nil
		case len(page.Contents) > 0 && strings.HasSuffix(prefix, "/"):
			return getter.ModeDir, nil
		}
	}
	return getter.ModeFile, nil
}

// tree downloads all objects below the key.
func (b *s3Bucket) tree(ctx context.Context, dst string) error {
	prefix := strings.TrimSuffix(b.key, "/")
	if prefix != "" {
		prefix += "/"
	}
	for token, more := "", true; more; {
		page, err := b.list(ctx, prefix, token)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			name := strings.TrimPrefix(o.Key, prefix)
			if name == "" || strings.HasSuffix(name, "/") {
				continue // objects that stand for directories
			}
			if !filepath.IsLocal(filepath.FromSlash(name)) {
				return fmt.Errorf("object %q leads out of the destination", o.Key)
			}
			if err := b.fetch(ctx, o.Key, "", filepath.Join(dst, filepath.FromSlash(name))); err != nil {
				return err
			}
		}
		token, more = page.NextContinuationToken, page.IsTruncated && page.NextContinuationToken != ""
	}
	return nil
}

// parse understands both kinds of addresses: the bucket as the first part of the host or of the path.
func (g *s3Getter) parse(u *url.URL) (*s3Bucket, error) {
	q := u.Query()
	b := &s3Bucket{getter: g, version: q.Get("version"), keys: s3Keys{
		ID: q.Get("aws_access_key_id"), Secret: q.Get("aws_access_key_secret"), Token: q.Get("aws_access_token"), Region: q.Get("region"),
	}}
	if b.keys.ID == "" && b.keys.Secret == "" {
		b.keys.ID, b.keys.Secret, b.keys.Token = os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")
	}
	if q.Get("aws_profile") != "" {
		return nil, &finalError{"option aws_profile is not supported; use aws_access_key_id and aws_access_key_secret"}
	}
	path := strings.TrimPrefix(u.Path, "/")
	host := strings.Split(u.Hostname(), ".")
	service := -1
	if strings.HasSuffix(u.Hostname(), ".amazonaws.com") || strings.HasSuffix(u.Hostname(), ".amazonaws.com.cn") {
		for i, part := range host {
			if part == "s3" || strings.HasPrefix(part, "s3-") {
				service = i
				break
			}
		}
	}
	b.base = url.URL{Scheme: u.Scheme, Host: u.Host}
	if service > 0 {
		b.key = path
	} else {
		bucket, key, _ := strings.Cut(path, "/")
		b.base.Path, b.key = "/"+bucket, key
		if bucket == "" {
			return nil, &finalError{"the address of an object needs a bucket and a key"}
		}
	}
	if b.keys.Region == "" && service >= 0 {
		b.keys.Region = regionOf(host[service:])
	}
	if b.keys.Region == "" {
		b.keys.Region = "us-east-1"
	}
	return b, nil
}

// regionOf reads the region in a host name of Amazon from its service on: s3.eu-west-1.… or s3-eu-west-1.…
func regionOf(parts []string) string {
	if region, ok := strings.CutPrefix(parts[0], "s3-"); ok {
		return region
	}
	if len(parts) > 1 && parts[1] != "amazonaws" {
		return parts[1]
	}
	return ""
}

// request sends a signed request for a key of the bucket.
func (b *s3Bucket) request(ctx context.Context, key string, query url.Values) (*http.Response, error) {
	u := b.base
	u.Path += "/" + key
	u.RawPath = escapeKey(u.Path)
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	if b.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+b.bearer)
	} else {
		b.keys.sign(req, b.getter.now())
	}
	resp, err := b.getter.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var said struct{ Code, Message string }
	_ = xml.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&said) // it may say nothing
	return nil, &s3Error{resp.StatusCode, said.Code + " " + said.Message}
}

// s3Error is an answer that is none.
type s3Error struct {
	status int
	said   string
}

func (e *s3Error) Error() string { return fmt.Sprintf("bad response code: %d %s", e.status, e.said) }

// s3Page is one answer to a list.
type s3Page struct {
	Contents              []struct{ Key string }
	IsTruncated           bool
	NextContinuationToken string
}

func (b *s3Bucket) list(ctx context.Context, prefix, token string) (*s3Page, error) {
	query := url.Values{"list-type": {"2"}, "prefix": {prefix}}
	if token != "" {
		query.Set("continuation-token", token)
	}
	resp, err := b.request(ctx, "", query)
	if err != nil {
		return nil, fmt.Errorf("list objects: %w", err)
	}
	defer resp.Body.Close()
	var page s3Page
	if err := xml.NewDecoder(io.LimitReader(resp.Body, 16<<20)).Decode(&page); err != nil {
		return nil, fmt.Errorf("list objects: %w", err)
	}
	return &page, nil
}

// fetch downloads an object to a file.
func (b *s3Bucket) fetch(ctx context.Context, key, version, dst string) error {
	if key == "" {
		return &finalError{"the address of an object needs a bucket and a key"}
	}
	query := url.Values{}
	if version != "" {
		query.Set("versionId", version)
	}
	resp, err := b.request(ctx, key, query)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, resp.Body)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil && resp.ContentLength >= 0 && n != resp.ContentLength {
		err = errors.New("the object ended early")
	}
	return err
}
