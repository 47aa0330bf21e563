// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

func TestMain(m *testing.M) {
	drivertest.Main(m, drivertest.Roles{Verb: func() { os.Exit(Main()) }, "peek": peek})
}

// patience bounds what a test waits for.
const patience = time.Minute

const (
	allocID  = "11111111-2222-3333-4444-555555555555"
	taskName = "web"
)

// rig is an allocation directory, and servers to download from.
type rig struct {
	t    *testing.T
	dir  *allocdir.Dir
	f    *Fetcher
	site *httptest.Server
	mux  *http.ServeMux
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	// Downloads run as another user, who must get there.
	base, err := os.MkdirTemp("", "artifact")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := allocdir.OpenRoot(filepath.Join(base, "alloc"), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	dir, err := root.Create(allocID, 0)
	if err == nil {
		err = dir.BuildTask(taskName, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = dir.ReleaseSecrets([]string{taskName})
		_ = dir.Close()
		_ = root.Destroy(allocID)
		_ = root.Close()
	})
	var cfg Config
	if change != nil {
		change(&cfg)
	}
	cfg.EnsureDefaults()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dir: dir, f: New(cfg, []string{os.Args[0]}, hclog.NewNullLogger()), mux: http.NewServeMux()}
	r.site = httptest.NewServer(r.mux)
	t.Cleanup(r.site.Close)
	return r
}

// serve answers requests for a path with the contents.
func (r *rig) serve(path string, data []byte) {
	r.mux.HandleFunc(path, func(w http.ResponseWriter, req *http.Request) {
		http.ServeContent(w, req, path, time.Time{}, bytes.NewReader(data))
	})
}

func (r *rig) fetch(req *Request, dest string) error {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	if req.Mode == "" {
		req.Mode = ModeAny
	}
	if strings.HasPrefix(req.Source, "/") {
		req.Source = r.site.URL + req.Source
	}
	return r.f.Fetch(ctx, Target{Dir: r.dir, Task: taskName, Destination: dest, Seen: allocdir.Seen{Shared: "/alloc", Local: "/local", Secrets: "/secrets"}}, req)
}

// tree lists what is below the task's local directory.
func (r *rig) tree() string {
	r.t.Helper()
	var lines []string
	local := r.dir.TaskPath(taskName, allocdir.Local)
	err := filepath.WalkDir(local, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == local {
			return err
		}
		name, _ := filepath.Rel(local, path)
		if strings.Contains(name, ".git") {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := name
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += "=" + string(data)
		} else if d.IsDir() {
			line += "/"
		}
		if info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky|fs.ModeSymlink) != 0 {
			line += " " + info.Mode().String()
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// noStages fails the test if a staging directory is left.
func (r *rig) noStages() {
	r.t.Helper()
	left, _ := filepath.Glob(filepath.Join(r.dir.Path(), ".stage-*"))
	if len(left) > 0 {
		r.t.Errorf("left behind: %v", left)
	}
}

type entry struct {
	name, body, link string
	mode             int64
	kind             byte
}

// compressed returns the data as the format has it.
func compressed(t *testing.T, format string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	var err error
	switch format {
	case "xz":
		w, err = xz.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tgz(entries ...entry) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(tarred(entries...))
	_ = z.Close()
	return b.Bytes()
}

func tarred(entries ...entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.body)), Typeflag: e.kind, Linkname: e.link}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		_ = w.WriteHeader(h)
		_, _ = w.Write([]byte(e.body))
	}
	_ = w.Close()
	return b.Bytes()
}

func zipped(entries ...entry) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(fs.FileMode(e.mode) | 0o644)
		f, _ := w.CreateHeader(h)
		_, _ = f.Write([]byte(e.body))
	}
	_ = w.Close()
	return b.Bytes()
}

func TestHTTP(t *testing.T) {
	sum := sha256.Sum256([]byte("hello"))
	good := "sha256:" + hex.EncodeToString(sum[:])
	archive := tgz(entry{name: "bin/", kind: tar.TypeDir, mode: 0o6755}, entry{name: "bin/app", body: "app", mode: 0o4755}, entry{name: "readme", body: "read"})
	many := make([]entry, 20)
	for i := range many {
		many[i] = entry{name: string(rune('a' + i)), body: "x"}
	}
	for name, test := range map[string]struct {
		req    Request
		dest   string
		config func(*Config)
		want   string // below local/
		fails  string // part of the error
		final  bool
	}{
		"file in the default place": {req: Request{Source: "/hello.txt"}, dest: "local/", want: "hello.txt=hello"},
		"file in a directory":       {req: Request{Source: "/hello.txt"}, dest: "local/a/b", want: "a/\na/b/\na/b/hello.txt=hello"},
		"path as the task sees it":  {req: Request{Source: "/hello.txt"}, dest: "/local/a", want: "a/\na/hello.txt=hello"},
		"mode file":                 {req: Request{Source: "/hello.txt", Mode: ModeFile}, dest: "local/greeting", want: "greeting=hello"},
		"checksum":                  {req: Request{Source: "/hello.txt", Options: map[string]string{"checksum": good}}, dest: "local", want: "hello.txt=hello"},
		"wrong checksum":            {req: Request{Source: "/hello.txt", Options: map[string]string{"checksum": "md5:" + strings.Repeat("0", 32)}}, dest: "local", fails: "checksums did not match: expected 0000"},
		"archive":                   {req: Request{Source: "/app.tar.gz"}, dest: "local/", want: "bin/\nbin/app=app\nreadme=read"},
		"archive kept":              {req: Request{Source: "/hello.zip", Options: map[string]string{"archive": "false"}}, dest: "local/", want: "hello.zip=" + string(zipped(entry{name: "in", body: "side"}))},
		"archive by option":         {req: Request{Source: "/strange", Options: map[string]string{"archive": "zip"}}, dest: "local/", want: "in=side"},
		"archive of one file":       {req: Request{Source: "/hello.zip", Mode: ModeFile}, dest: "local/x", want: "x=side"},
		"compressed file":           {req: Request{Source: "/hello.txt.gz"}, dest: "local/", want: "hello.txt=hello"},
		"compressed file, mode dir": {req: Request{Source: "/hello.txt.gz", Mode: ModeDir}, dest: "local/d", want: "d/\nd/hello.txt=hello"},
		"zip":                       {req: Request{Source: "/hello.zip", Mode: ModeDir}, dest: "local/", want: "in=side"},
		"headers":                   {req: Request{Source: "/guarded", Headers: map[string]string{"X-Key": "s3cret"}}, dest: "local/", want: "guarded=ok"},
		"mode dir of a file":        {req: Request{Source: "/hello.txt", Mode: ModeDir}, dest: "local/", fails: "gave nothing", final: true},
		"missing":                   {req: Request{Source: "/nothing"}, dest: "local/", fails: "404"},
		"no source":                 {req: Request{Source: " "}, dest: "local/", fails: "no source", final: true},
		"file of the node":          {req: Request{Source: "file::/etc/passwd"}, dest: "local/", fails: "cannot be artifacts", final: true},
		"path of the node":          {req: Request{Source: "file:///etc/passwd"}, dest: "local/", fails: "cannot be artifacts", final: true},
		"bare path":                 {req: Request{Source: "./x"}, dest: "local/", fails: "cannot be artifacts", final: true},
		"gcs":                       {req: Request{Source: "gcs::https://www.googleapis.com/b/k"}, dest: "local/", fails: "storage/v1/BUCKET/KEY"},
		"unknown scheme":            {req: Request{Source: "gopher://x/y"}, dest: "local/", fails: `no getter for "gopher"`, final: true},
		"git from the node":         {req: Request{Source: "git::file:///etc"}, dest: "local/", fails: "cannot be artifacts", final: true},
		"outside":                   {req: Request{Source: "/hello.txt"}, dest: "../other/x", fails: "leads out", final: true},
		"private":                   {req: Request{Source: "/hello.txt"}, dest: "private", fails: "leads out", final: true},
		"dots in an archive":        {req: Request{Source: "/dots.zip"}, dest: "local/", fails: "contains '..'"},
		"dots in a tar":             {req: Request{Source: "/dots.tgz"}, dest: "local/", fails: "contains '..'"},
		"too many files":            {req: Request{Source: "/many.tgz"}, dest: "local/", fails: "too many files", config: func(c *Config) { c.DecompressionFileCountLimit = new(10) }},
		"too many directories":      {req: Request{Source: "/dirs.tgz"}, dest: "local/", fails: "too many directories: more than 10", config: func(c *Config) { c.DecompressionFileCountLimit = new(10) }},
		"too deep":                  {req: Request{Source: "/deep.tgz"}, dest: "local/", fails: "nested deeper than 128", config: func(c *Config) { c.DecompressionFileCountLimit = new(0) }},
		"directories in a zip":      {req: Request{Source: "/dirs.zip"}, dest: "local/", fails: "too many directories: more than 3", config: func(c *Config) { c.DecompressionFileCountLimit = new(3) }},
		"as many as may be":         {req: Request{Source: "/dirs.zip"}, dest: "local/", want: "a/\na/b/\na/b/c/\na/b/c/d/\na/b/c/d/e=x", config: func(c *Config) { c.DecompressionFileCountLimit = new(4) }},
		"bomb":                      {req: Request{Source: "/bomb.tgz"}, dest: "local/", fails: "larger than limit", config: func(c *Config) { c.DecompressionSizeLimit = "1MB" }},
		"bomb of one file":          {req: Request{Source: "/bomb.gz", Mode: ModeFile}, dest: "local/b", fails: "imit", config: func(c *Config) { c.DecompressionSizeLimit = "1MB" }},
		"bomb in a directory":       {req: Request{Source: "/bomb.gz"}, dest: "local/b", fails: "imit", config: func(c *Config) { c.DecompressionSizeLimit = "1MB" }},
		"too large":                 {req: Request{Source: "/bomb.txt"}, dest: "local/", fails: "http_max_size", config: func(c *Config) { c.HTTPMaxSize = "1MB" }},
		"too large without length":  {req: Request{Source: "/endless"}, dest: "local/", fails: "http_max_size", config: func(c *Config) { c.HTTPMaxSize = "1MB" }},
		"stalls":                    {req: Request{Source: "/stall"}, dest: "local/", fails: "longer than http_read_timeout of the client allows (200ms)", config: func(c *Config) { c.HTTPReadTimeout = new(200 * time.Millisecond) }},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, test.config)
			r.serve("/hello.txt", []byte("hello"))
			r.serve("/app.tar.gz", archive)
			r.serve("/hello.txt.gz", compressed(t, "gzip", []byte("hello")))
			r.serve("/hello.zip", zipped(entry{name: "in", body: "side"}))
			r.serve("/strange", zipped(entry{name: "in", body: "side"}))
			r.serve("/dots.zip", zipped(entry{name: "../../x", body: "out"}))
			r.serve("/dots.tgz", tgz(entry{name: "a/../../x", body: "out"}))
			r.serve("/many.tgz", tgz(many...))
			// One member names all the directories above it.
			r.serve("/dirs.tgz", tgz(entry{name: strings.Repeat("d/", 11) + "f", body: "x"}))
			r.serve("/dirs.zip", zipped(entry{name: "a/b/c/d/e", body: "x"}))
			r.serve("/deep.tgz", tgz(entry{name: strings.Repeat("d/", 4000) + "f", body: "x"}))
			r.serve("/bomb.tgz", tgz(entry{name: "big", body: strings.Repeat("0", 5<<20)}))
			r.serve("/bomb.txt", bytes.Repeat([]byte("0"), 5<<20))
			r.serve("/bomb.gz", compressed(t, "gzip", bytes.Repeat([]byte("0"), 5<<20)))
			r.mux.HandleFunc("/guarded", func(w http.ResponseWriter, req *http.Request) {
				if req.Header.Get("X-Key") != "s3cret" {
					w.WriteHeader(http.StatusForbidden)
				}
				_, _ = w.Write([]byte("ok"))
			})
			r.mux.HandleFunc("/endless", func(w http.ResponseWriter, req *http.Request) {
				for req.Method == http.MethodGet {
					if _, err := w.Write(make([]byte, 1<<16)); err != nil {
						return
					}
				}
			})
			r.mux.HandleFunc("/stall", func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
			err := r.fetch(&test.req, test.dest)
			var failed *Error
			switch {
			case test.fails == "" && err != nil:
				t.Fatal(err)
			case test.fails != "" && !errors.As(err, &failed):
				t.Fatalf("got %v, want an error with %q", err, test.fails)
			case test.fails != "" && !strings.Contains(err.Error(), test.fails):
				t.Errorf("error %q lacks %q", err, test.fails)
			case test.fails != "" && failed.Final != test.final:
				t.Errorf("final is %v: %v", failed.Final, err)
			}
			if got := r.tree(); got != test.want {
				t.Errorf("got\n%q\nwant\n%q", got, test.want)
			}
			r.noStages()
		})
	}
}

// TestLinksInArchives: links of an archive are links, those that lead out are refused, and nothing is written through one.
func TestLinksInArchives(t *testing.T) {
	lib := []entry{
		{name: "lib/real.so.1", body: "code", mode: 0o755},
		{name: "lib/real.so", link: "real.so.1", kind: tar.TypeSymlink},
		{name: "bin/app", link: "lib/real.so.1", kind: tar.TypeLink},
		{name: "current", link: "lib", kind: tar.TypeSymlink},
		{name: "current/more", body: "through"},
	}
	whole := "bin/\nbin/app=code\ncurrent Lrwxrwxrwx\nlib/\nlib/more=through\nlib/real.so Lrwxrwxrwx\nlib/real.so.1=code"
	for name, test := range map[string]struct {
		file  string
		part  string
		body  []byte
		mode  string
		want  string
		fails string
	}{
		"tar":      {file: "a.tar", body: tarred(lib...), want: whole},
		"tgz":      {file: "a.tgz", body: tgz(lib...), want: whole},
		"txz":      {file: "a.tar.xz", body: compressed(t, "xz", tarred(lib...)), want: whole},
		"tzst":     {file: "a.tar.zst", body: compressed(t, "zstd", tarred(lib...)), want: whole},
		"zip":      {file: "a.zip", body: zipped(entry{name: "real", body: "code"}, entry{name: "link", body: "real", mode: int64(fs.ModeSymlink)}), want: "link Lrwxrwxrwx\nreal=code"},
		"part":     {file: "a.tgz", part: "//lib", body: tgz(lib...), want: "more=through\nreal.so Lrwxrwxrwx\nreal.so.1=code"},
		"pattern":  {file: "a.tgz", part: "//top-*", body: tgz(entry{name: "top-1/a", body: "x"}, entry{name: "top-1/d/b", link: "../a", kind: tar.TypeSymlink}), want: "a=x\nd/\nd/b Lrwxrwxrwx"},
		"replaced": {file: "a.tgz", body: tgz(entry{name: "a", link: "b", kind: tar.TypeSymlink}, entry{name: "b", body: "kept"}, entry{name: "a", body: "new"}), want: "a=new\nb=kept"},
		"one":      {file: "a.tgz", body: tgz(lib[0]), mode: ModeFile, want: "x=code"},

		"there and back": {
			file: "a.tgz", want: "d/\nd/f=x\nd/l Lrwxrwxrwx\nl Lrwxrwxrwx",
			body: tgz(entry{name: "d/f", body: "x"}, entry{name: "d/l", link: "..", kind: tar.TypeSymlink}, entry{name: "l", link: "d/../d/f", kind: tar.TypeSymlink}),
		},

		"up by a link": {
			file: "a.tgz", fails: "the link l leads out of the artifact",
			body: tgz(entry{name: "d/l", link: "..", kind: tar.TypeSymlink}, entry{name: "l", link: "d/l/../../x", kind: tar.TypeSymlink}),
		},
		"part out":     {file: "a.tgz", part: "//d", body: tgz(entry{name: "d/l", link: "../x", kind: tar.TypeSymlink}, entry{name: "x", body: "y"}), fails: "the link l leads out of the artifact"},
		"part by link": {file: "a.tgz", part: "//l", body: tgz(entry{name: "l", link: "/etc", kind: tar.TypeSymlink}), fails: `the source has no directory "l"`},
		"part missing": {file: "a.tgz", part: "//q", body: tgz(lib...), fails: `subdir "q" not found`},
		"part file":    {file: "a.tgz", part: "//lib/more", body: tgz(lib...), fails: "is no directory"},
		"part up":      {file: "a.tgz", part: "//../out", body: tgz(lib...), fails: ".."},
		"absolute":     {file: "a.tgz", body: tgz(entry{name: "l", link: "/etc/passwd", kind: tar.TypeSymlink}), fails: "the link l leads out of the artifact"},
		"up":           {file: "a.tgz", body: tgz(entry{name: "d/l", link: "../../x", kind: tar.TypeSymlink}), fails: "the link d/l leads out of the artifact"},
		"zip up":       {file: "a.zip", body: zipped(entry{name: "l", body: "../x", mode: int64(fs.ModeSymlink)}), fails: "the link l leads out of the artifact"},
		"through up":   {file: "a.tgz", body: tgz(entry{name: "l", link: "..", kind: tar.TypeSymlink}, entry{name: "l/x", body: "out"}), fails: "unpack l/x: "},
		"hard up":      {file: "a.tgz", body: tgz(entry{name: "l", link: "../x", kind: tar.TypeLink}), fails: "contains '..'"},
		"hard early":   {file: "a.tgz", body: tgz(entry{name: "l", link: "x", kind: tar.TypeLink}, entry{name: "x", body: "late"}), fails: "link to x, which must come before it"},
		"device":       {file: "a.tgz", body: tgz(entry{name: "null", kind: tar.TypeChar}), fails: "unpack null: it is neither a file, a directory nor a link"},
		"pipe":         {file: "a.tgz", body: tgz(entry{name: "p", kind: tar.TypeFifo}), fails: "neither a file"},
		"link as one":  {file: "a.tgz", body: tgz(entry{name: "l", link: "x", kind: tar.TypeSymlink}), mode: ModeFile, fails: "expected a single file"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.serve("/"+test.file, test.body)
			dest := "local/"
			if test.mode == ModeFile {
				dest = "local/x"
			}
			err := r.fetch(&Request{Source: "/" + test.file + test.part, Mode: test.mode}, dest)
			if (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("error %v, want %q", err, test.fails)
			}
			if got := r.tree(); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			r.noStages()
		})
	}
}

// TestCompressedFileIsReadable: what was one compressed file may be read by the task, whoever that runs as.
func TestCompressedFileIsReadable(t *testing.T) {
	r := newRig(t, nil)
	r.serve("/a.gz", compressed(t, "gzip", []byte("x")))
	if err := r.fetch(&Request{Source: "/a.gz", Mode: ModeFile}, "local/a"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(r.dir.TaskPath(taskName, allocdir.Local), "a"))
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("got %v, %v", info, err)
	}
}

// TestMerge has an artifact come to a directory that has contents.
func TestMerge(t *testing.T) {
	r := newRig(t, nil)
	local := r.dir.TaskPath(taskName, allocdir.Local)
	if err := os.MkdirAll(filepath.Join(local, "bin"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{"bin/kept": "kept", "bin/app": "old"} {
		if err := os.WriteFile(filepath.Join(local, name), []byte(body), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	r.serve("/app.tgz", tgz(entry{name: "bin/app", body: "new"}))
	if err := r.fetch(&Request{Source: "/app.tgz"}, "local/"); err != nil {
		t.Fatal(err)
	}
	if got, want := r.tree(), "bin/\nbin/app=new\nbin/kept=kept"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.serve("/bin", []byte("a file"))
	if err := r.fetch(&Request{Source: "/bin"}, "local/"); err == nil || !strings.Contains(err.Error(), "has a directory") {
		t.Errorf("a file in place of a directory: %v", err)
	}
}

// TestLinksOfTheTask has the task lay links where an artifact goes.
func TestLinksOfTheTask(t *testing.T) {
	r := newRig(t, nil)
	if err := r.dir.BuildTask("other", 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.dir.ReleaseSecrets([]string{"other"}) })
	outside := t.TempDir()
	local := r.dir.TaskPath(taskName, allocdir.Local)
	for name, to := range map[string]string{"abs": outside, "up": "../../other/local", "secret": "../secrets"} {
		if err := os.Symlink(to, filepath.Join(local, name)); err != nil {
			t.Fatal(err)
		}
	}
	r.serve("/hello.txt", []byte("hello"))
	for _, dest := range []string{"local/abs", "local/up"} {
		if err := r.fetch(&Request{Source: "/hello.txt"}, dest); err == nil {
			t.Errorf("%s was followed", dest)
		}
	}
	for _, dir := range []string{outside, r.dir.TaskPath("other", allocdir.Local)} {
		if entries, _ := os.ReadDir(dir); len(entries) > 0 {
			t.Errorf("%s has %v", dir, entries)
		}
	}
	// Within the own directory links are the task's business.
	if err := r.fetch(&Request{Source: "/hello.txt"}, "local/secret"); err != nil {
		t.Error(err)
	}
	// A link is replaced, not written through.
	target := filepath.Join(outside, "victim")
	if err := os.WriteFile(target, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(local, "hello.txt")); err != nil {
		t.Fatal(err)
	}
	if err := r.fetch(&Request{Source: "/hello.txt"}, "local"); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(target); string(data) != "mine" {
		t.Errorf("the file behind a link now holds %q", data)
	}
}

func TestErrorsHaveNoSecrets(t *testing.T) {
	r := newRig(t, nil)
	source := strings.Replace(r.site.URL, "http://", "http://joe:pa55word@", 1) + "/nothing?token=geheim"
	err := r.fetch(&Request{Source: source, Options: map[string]string{"sshkey": "a2V5a2V5"}, Headers: map[string]string{"A": "bearer-xyz"}}, "local/")
	if err == nil {
		t.Fatal("there is nothing at that address")
	}
	for _, secret := range []string{"pa55word", "geheim", "a2V5a2V5", "bearer-xyz"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q is in %q", secret, err)
		}
	}
	if !strings.Contains(err.Error(), "joe:xxxxx@") || !strings.Contains(err.Error(), "404") {
		t.Errorf("error says too little: %v", err)
	}
}

// TestExtraPaths reads the form that the contract gives them.
func TestExtraPaths(t *testing.T) {
	c := &Config{FilesystemIsolationExtraPaths: []string{"f:r:/etc/keys", "d:rx:/opt/a:b", "d::/none"}}
	c.EnsureDefaults()
	if err := c.Validate(); err != nil || strings.Join(c.extraPaths(), " ") != "/etc/keys /opt/a:b" {
		t.Errorf("%v: %v", c.extraPaths(), err)
	}
	for text, want := range map[string]string{
		"/etc/keys": "not of the form", "x:r:/a": "not of the form", "f:q:/a": "not of the form", "f:r:a": "not of the form", "f:r": "not of the form",
		"d:rw:/a": "modes w and c are not supported", "d:c:/a": "modes w and c are not supported",
	} {
		c.FilesystemIsolationExtraPaths = []string{text}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestCancel ends a download while its server says nothing.
func TestCancel(t *testing.T) {
	r := newRig(t, nil)
	reached := make(chan struct{}, 2)
	gone := make(chan struct{}, 2)
	r.mux.HandleFunc("/stall", func(_ http.ResponseWriter, req *http.Request) {
		reached <- struct{}{}
		<-req.Context().Done()
		gone <- struct{}{}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- r.f.Fetch(ctx, Target{Dir: r.dir, Task: taskName, Destination: "local/"}, &Request{Source: r.site.URL + "/stall", Mode: ModeAny})
	}()
	select {
	case <-reached:
	case err := <-done:
		t.Fatalf("ended before it was cancelled: %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	select {
	case <-gone:
	case <-time.After(patience):
		t.Error("the download still holds its connection")
	}
	r.noStages()
}

// TestGitTimeout ends a download by git although the program that git has started waits for its server on and on.
func TestGitTimeout(t *testing.T) {
	testkit.Need(t, "git")
	for _, isolated := range []bool{true, false} {
		r := newRig(t, func(c *Config) {
			c.GitTimeout, c.DisableFilesystemIsolation = new(time.Second), !isolated
		})
		held := make(chan struct{}, 10)
		r.mux.HandleFunc("/stall/", func(_ http.ResponseWriter, req *http.Request) {
			held <- struct{}{}
			<-req.Context().Done()
			<-held
		})
		err := r.fetch(&Request{Source: "git::" + r.site.URL + "/stall/repo.git"}, "local/")
		if err == nil || !strings.Contains(err.Error(), "longer than git_timeout of the client allows (1s)") {
			t.Errorf("isolated %t: %v", isolated, err)
		}
		for late := time.After(patience); len(held) > 0; {
			select {
			case <-late:
				t.Fatalf("isolated %t: the download still holds its connection", isolated)
			case <-time.After(10 * time.Millisecond):
			}
		}
		r.noStages()
	}
}

func TestGit(t *testing.T) {
	testkit.Need(t, "git")
	r := newRig(t, nil)
	repo := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", repo, "-c", "user.name=x", "-c", "user.email=x@y", "-c", "init.defaultBranch=main"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	commit := func(name, body string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(repo, name), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
		git("add", "-A")
		git("commit", "-qm", name)
	}
	git("init", "-q")
	commit("conf", "one")
	git("tag", "v1")
	commit("conf", "two")
	git("update-server-info")
	r.mux.Handle("/repo.git/", http.StripPrefix("/repo.git/", http.FileServer(http.Dir(filepath.Join(repo, ".git")))))
	if err := r.fetch(&Request{Source: "git::" + r.site.URL + "/repo.git"}, "local/new"); err != nil {
		t.Fatal(err)
	}
	if err := r.fetch(&Request{Source: "git::" + r.site.URL + "/repo.git", Options: map[string]string{"ref": "v1"}}, "local/old"); err != nil {
		t.Fatal(err)
	}
	if got, want := r.tree(), "new/\nnew/conf=two\nold/\nold/conf=one"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	err := r.fetch(&Request{Source: "git::" + r.site.URL + "/repo.git", Options: map[string]string{"ref": "--detach"}}, "local/option")
	if err == nil || !strings.Contains(err.Error(), "no branch, tag or commit") {
		t.Errorf("an option as ref: %v", err)
	}
	for name, to := range map[string]string{"abs": "/etc/passwd", "up": "../../../x"} {
		if err := os.Symlink(to, filepath.Join(repo, name)); err != nil {
			t.Fatal(err)
		}
		git("add", "-A")
		git("commit", "-qm", name)
		git("update-server-info")
		err := r.fetch(&Request{Source: "git::" + r.site.URL + "/repo.git"}, "local/link")
		if err == nil || !strings.Contains(err.Error(), "leads out of the artifact") {
			t.Errorf("link %s: %v", name, err)
		}
		if err := os.Remove(filepath.Join(repo, name)); err != nil {
			t.Fatal(err)
		}
	}
	r.noStages()
}

// TestGitDepth checks that a depth goes together with a branch or tag that is not the default one.
func TestGitDepth(t *testing.T) {
	testkit.Need(t, "git")
	r := newRig(t, nil)
	repo := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", repo, "-c", "user.name=x", "-c", "user.email=x@y", "-c", "init.defaultBranch=main"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	for n, tag := range []string{"v1", "v2", "v3"} {
		if err := os.WriteFile(filepath.Join(repo, "conf"), []byte(tag), 0o644); err != nil {
			t.Fatal(err)
		}
		git("add", "-A")
		git("commit", "-qm", tag)
		git("tag", tag)
		if n == 1 {
			git("branch", "dev")
		}
	}
	r.mux.Handle("/repo.git/", &cgi.Handler{
		Path: filepath.Join(git("--exec-path"), "git-http-backend"), Root: "/repo.git",
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Join(repo, ".git"), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	})
	source := "git::" + r.site.URL + "/repo.git"
	for ref, want := range map[string]string{"dev": "v2", "v1": "v1", "main": "v3"} {
		if err := r.fetch(&Request{Source: source, Options: map[string]string{"ref": ref, "depth": "1"}}, "local/"+ref); err != nil {
			t.Fatal(err)
		}
		dir := r.dir.TaskPath(taskName, allocdir.Local, ref)
		data, err := os.ReadFile(filepath.Join(dir, "conf"))
		if err != nil || string(data) != want {
			t.Errorf("%s is %q, %v", ref, data, err)
		}
		if _, err := os.Stat(filepath.Join(dir, ".git", "shallow")); err != nil {
			t.Errorf("%s has all commits: %v", ref, err)
		}
	}
	if err := r.fetch(&Request{Source: source + "/conf", Mode: ModeFile, Options: map[string]string{"ref": "dev", "depth": "1"}}, "local/file"); err != nil {
		t.Error(err)
	} else if data, err := os.ReadFile(r.dir.TaskPath(taskName, allocdir.Local, "file")); err != nil || string(data) != "v2" {
		t.Errorf("the file is %q, %v", data, err)
	}
	err := r.fetch(&Request{Source: source, Options: map[string]string{"ref": "nope", "depth": "1"}}, "local/nope")
	if err == nil || !strings.Contains(err.Error(), "ref must be a branch or a tag") {
		t.Errorf("got %v", err)
	}
	r.noStages()
}

// TestOverSSH checks that a download over ssh that fails says what ssh needs.
func TestOverSSH(t *testing.T) {
	testkit.Need(t, "git")
	r := newRig(t, nil)
	for source, want := range map[string]string{
		"git::ssh://git@127.0.0.1:1/x.git": "ssh_known_hosts",
		"git@127.0.0.1:x.git":              "ssh_known_hosts",
		"root@127.0.0.1:/x/y.git":          "write git::ssh://root@127.0.0.1/x/y.git",
		"git::root@127.0.0.1:x.git?ref=v1": "write git::ssh://root@127.0.0.1/x.git",
	} {
		if err := r.fetch(&Request{Source: source, Options: map[string]string{"sshkey": "?"}}, "local/"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", source, err, want)
		}
	}
	if err := r.fetch(&Request{Source: "git::" + r.site.URL + "/x.git"}, "local/"); err == nil || strings.Contains(err.Error(), "ssh_known_hosts") {
		t.Errorf("over http: %v", err)
	}
}

func TestOwner(t *testing.T) {
	testkit.Need(t, "root", "linux")
	r := newRig(t, nil)
	r.serve("/app.tgz", tgz(entry{name: "bin/app", body: "new"}))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := r.f.Fetch(ctx, Target{Dir: r.dir, Task: taskName, Destination: "local/", Owner: &Owner{UID: 12345, GID: 54321}}, &Request{Source: r.site.URL + "/app.tgz", Mode: ModeAny})
	if err != nil {
		t.Fatal(err)
	}
	checkOwner(t, r.dir.TaskPath(taskName, allocdir.Local, "bin/app"), 12345, 54321)
}
