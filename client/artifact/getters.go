// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-cleanhttp"
	getter "github.com/hashicorp/go-getter/v2"
)

// getters are the ways to download, in the order in which they are asked whether a source is theirs.
func (s *spec) getters() []getter.Getter {
	transport := cleanhttp.DefaultTransport()
	if s.Insecure {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the job asks for it
	}
	header := http.Header{}
	for k, v := range s.Headers {
		header.Set(k, v)
	}
	return []getter.Getter{
		&timed{&gitGetter{getter.GitGetter{Detectors: []getter.Detector{
			new(getter.GitHubDetector), new(getter.GitDetector), new(getter.BitBucketDetector), new(getter.GitLabDetector),
		}}}, "git_timeout", s.Limits.Git},
		&timed{new(getter.HgGetter), "hg_timeout", s.Limits.Hg},
		&timed{&s3Getter{client: &http.Client{Transport: transport}, now: time.Now}, "s3_timeout", s.Limits.S3},
		&timed{&gcsGetter{
			s3Getter: s3Getter{client: &http.Client{Transport: transport}, now: time.Now},
			store:    url.URL{Scheme: "https", Host: "storage.googleapis.com"},
		}, "gcs_timeout", s.Limits.GCS},
		&timed{&getter.HttpGetter{
			Client: &http.Client{Transport: &bounded{next: transport, limit: s.Limits.HTTPSize}},
			Header: header, XTerraformGetDisabled: true,
		}, "http_read_timeout", s.Limits.HTTPRead},
	}
}

// bounded refuses responses that are too large; go-getter itself would cut them off and take them for whole.
type bounded struct {
	next  http.RoundTripper
	limit int64
}

// RoundTrip implements http.RoundTripper.
func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil || b.limit <= 0 {
		return resp, err
	}
	if resp.ContentLength > b.limit && r.Method != http.MethodHead {
		_ = resp.Body.Close()
		return nil, &tooLarge{b.limit}
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: b.limit, limit: b.limit}
	return resp, nil
}

type tooLarge struct{ limit int64 }

func (e *tooLarge) Error() string {
	return fmt.Sprintf("the response is larger than http_max_size of the client allows (%d bytes)", e.limit)
}

// boundedBody fails once more than the limit has been read.
type boundedBody struct {
	io.ReadCloser
	left, limit int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, &tooLarge{b.limit}
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, &tooLarge{b.limit}
	}
	return n, err
}

// decompressors unpack archives, and files that are compressed one by one, within the limits.
func (s *spec) decompressors() map[string]getter.Decompressor {
	all := s.archives()
	// Of these go-getter cuts off what is too much, and takes the rest for the whole.
	most := s.Limits.UnpackSize
	if most > 0 {
		most++
	}
	for ext, d := range map[string]getter.Decompressor{
		"bz2": &getter.Bzip2Decompressor{FileSizeLimit: most}, "gz": &getter.GzipDecompressor{FileSizeLimit: most},
		"xz": &getter.XzDecompressor{FileSizeLimit: most}, "zst": &getter.ZstdDecompressor{FileSizeLimit: most},
	} {
		all[ext] = &single{d, s.Limits.UnpackSize, strings.TrimSuffix(s.Name, "."+ext)}
	}
	return all
}

// single unpacks a compressed file, and refuses one that becomes too large. In a directory it has the name that it is
// given, where go-getter would refuse it.
type single struct {
	getter.Decompressor
	limit int64
	name  string
}

// Decompress implements getter.Decompressor.
func (s *single) Decompress(dst, src string, dir bool, umask os.FileMode) error {
	if dir {
		dst = filepath.Join(dst, s.name)
	}
	if err := s.Decompressor.Decompress(dst, src, false, umask); err != nil {
		return err
	}
	info, err := os.Stat(dst)
	if err == nil && s.limit > 0 && info.Size() > s.limit {
		return fmt.Errorf("the decompressed file is larger than decompression_size_limit of the client allows (%d bytes)", s.limit)
	}
	if err != nil {
		return err
	}
	return os.Chmod(dst, 0o644&^umask) // as files that are not compressed
}
