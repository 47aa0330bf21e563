// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	getter "github.com/hashicorp/go-getter/v2"
)

// TestSignature compares with the example of AWS's documentation for GET of an object.
func TestSignature(t *testing.T) {
	req, err := http.NewRequest(http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Range", "bytes=0-9")
	keys := s3Keys{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Region: "us-east-1"}
	keys.sign(req, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	const want = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	if got := req.Header.Get("Authorization"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestS3Addresses(t *testing.T) {
	for address, want := range map[string]string{
		"https://s3.amazonaws.com/b/k/x":                    "https://s3.amazonaws.com/b k/x us-east-1",
		"https://s3-eu-west-1.amazonaws.com/b/k":            "https://s3-eu-west-1.amazonaws.com/b k eu-west-1",
		"https://s3.eu-west-1.amazonaws.com/b/k":            "https://s3.eu-west-1.amazonaws.com/b k eu-west-1",
		"https://b.s3.amazonaws.com/k/x":                    "https://b.s3.amazonaws.com k/x us-east-1",
		"https://b.s3.eu-west-1.amazonaws.com/k":            "https://b.s3.eu-west-1.amazonaws.com k eu-west-1",
		"https://b.s3-eu-west-1.amazonaws.com/k":            "https://b.s3-eu-west-1.amazonaws.com k eu-west-1",
		"http://minio.example:9000/b/k?region=eu":           "http://minio.example:9000/b k eu",
		"https://s3.amazonaws.com/":                         "needs a bucket",
		"https://s3.amazonaws.com/b/k?aws_profile=personal": "aws_profile is not supported",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		b, err := new(s3Getter).parse(u)
		got := fmt.Sprint(err)
		if err == nil {
			got = b.base.String() + " " + b.key + " " + b.keys.Region
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

// bucket is a server of objects that answers lists in pages of two, if the authorization has the text.
func bucket(objects map[string]string, id string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), id) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"))
			return
		}
		key := strings.TrimPrefix(r.URL.Path, "/b/")
		if body, ok := objects[key]; ok {
			_, _ = w.Write([]byte(body))
			return
		}
		if key != "" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		var page s3Page
		var keys []string
		for k := range objects {
			if strings.HasPrefix(k, r.URL.Query().Get("prefix")) && k > r.URL.Query().Get("continuation-token") {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		if len(keys) > 2 {
			keys, page.IsTruncated, page.NextContinuationToken = keys[:2], true, keys[1]
		}
		for _, k := range keys {
			page.Contents = append(page.Contents, struct{ Key string }{k})
		}
		_ = xml.NewEncoder(w).Encode(page)
	})
}

func TestGCS(t *testing.T) {
	t.Setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "tok")
	site := httptest.NewServer(bucket(map[string]string{"conf/a": "A", "conf/b": "B", "conf/c/d": "D"}, "Bearer tok"))
	t.Cleanup(site.Close)
	store, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	g := &gcsGetter{s3Getter: s3Getter{client: site.Client(), now: time.Now}, store: *store}
	c := &getter.Client{Getters: []getter.Getter{g}}
	for source, want := range map[string]string{"conf": "a b c", "conf/a": "a"} {
		dst := t.TempDir() + "/out"
		req := &getter.Request{Src: "gcs::https://www.googleapis.com/storage/v1/b/" + source, Dst: dst, GetMode: getter.ModeAny}
		if _, err := c.Get(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dst)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %s, want %s", source, got, want)
		}
	}
}

func TestS3(t *testing.T) {
	keys := map[string]string{"aws_access_key_id": "me", "aws_access_key_secret": "s3cr3t", "region": "eu"}
	for name, test := range map[string]struct {
		bucket, key, mode string
		options           map[string]string
		want              string
		fails             string
	}{
		"object":             {key: "conf/a b.txt", options: keys, want: "a b.txt=A"},
		"object as file":     {key: "conf/a b.txt", mode: ModeFile, options: keys, want: "x=A"},
		"prefix":             {key: "conf", options: keys, want: "a b.txt=A\nsub/\nsub/c=C\nsub/d=D"},
		"prefix with slash":  {key: "conf/", mode: ModeDir, options: keys, want: "a b.txt=A\nsub/\nsub/c=C\nsub/d=D"},
		"archive":            {key: "app.tgz", options: keys, want: "in=side"},
		"without keys":       {key: "conf/a b.txt", fails: "403 AccessDenied"},
		"missing":            {key: "nothing", options: keys, fails: "404"},
		"leads out":          {key: "evil", mode: ModeDir, options: keys, fails: "leads out"},
		"stalls":             {bucket: "stalls", key: "x", options: keys, fails: "longer than s3_timeout of the client allows (200ms)"},
		"nothing below that": {key: "none", mode: ModeDir, options: keys, fails: "gave nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *Config) {
				if name == "stalls" {
					c.S3Timeout = new(200 * time.Millisecond)
				}
			})
			r.mux.HandleFunc("/stalls/", func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
			r.mux.Handle("/b/", bucket(map[string]string{
				"conf/a b.txt": "A", "conf/sub/": "", "conf/sub/c": "C", "conf/sub/d": "D", "conf-1": "no", "conf-2": "no", "confusing": "no", "app.tgz": string(tgz(entry{name: "in", body: "side"})),
				"evil/../../x": "X",
			}, "Credential=me/"))
			dest := "local/"
			if test.mode == ModeFile {
				dest = "local/x"
			}
			err := r.fetch(&Request{Source: "s3::" + r.site.URL + "/" + cmp.Or(test.bucket, "b") + "/" + test.key, Mode: test.mode, Options: test.options}, dest)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) || strings.Contains(err.Error(), "s3cr3t") {
					t.Fatalf("got %v, want an error with %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := r.tree(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
