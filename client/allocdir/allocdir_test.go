// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

const (
	testID  = "b4176635-bd7f-3b9c-47d2-f2d8a714cc74"
	otherID = "11111111-bd7f-3b9c-47d2-f2d8a714cc74"
)

func newRoot(t *testing.T) *Root {
	t.Helper()
	r, err := OpenRoot(filepath.Join(t.TempDir(), "alloc"), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ids, _ := r.List()
		for _, id := range ids {
			if err := r.Destroy(id); err != nil {
				t.Errorf("destroy: %v", err)
			}
		}
		_ = r.Close()
	})
	return r
}

func newDir(t *testing.T, r *Root, id string, tasks ...string) *Dir {
	t.Helper()
	d, err := r.Create(id, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	for _, task := range tasks {
		if err := d.BuildTask(task, 0); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestLayout(t *testing.T) {
	d := newDir(t, newRoot(t), testID, "web")
	hidden := "drwx------"
	if os.Geteuid() == 0 {
		hidden = "drwxrwxrwx"
	}
	for path, mode := range map[string]string{
		".": "drwxr-xr-x", "alloc": "drwxrwxrwx", "alloc/data": "drwxrwxrwx", "alloc/logs": "drwxrwxrwx", "alloc/tmp": "drwxrwxrwx",
		"web": "drwxrwxrwx", "web/local": "drwxrwxrwx", "web/tmp": "dtrwxrwxrwx", "web/secrets": hidden, "web/private": "drwx------",
	} {
		info, err := d.Stat(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if got := info.Mode().String(); got != mode {
			t.Errorf("%s has mode %s, want %s", path, got, mode)
		}
	}
	// A second call completes what is missing and keeps the rest.
	file := filepath.Join(d.Path(), "web", "local", "kept")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(d.Path(), "web", "tmp")); err != nil {
		t.Fatal(err)
	}
	if err := d.BuildTask("web", 0); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"web/local/kept", "web/tmp"} {
		if _, err := d.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestNamesThatAreNotDirectories(t *testing.T) {
	r := newRoot(t)
	for _, id := range []string{"", ".", "..", "../../etc", "a/b", "short", strings.Repeat("a", 65), "b4176635\x00bd7f"} {
		if _, err := r.Create(id, 0); err == nil {
			t.Errorf("Create(%q) works", id)
		}
		if err := r.Destroy(id); err == nil {
			t.Errorf("Destroy(%q) works", id)
		}
	}
	d := newDir(t, r, testID)
	for _, task := range []string{"", ".", "..", "a/b", `a\b`, "alloc", "a\x00b", strings.Repeat("a", 256)} {
		if err := d.BuildTask(task, 0); err == nil {
			t.Errorf("BuildTask(%q) works", task)
		}
	}
	for _, task := range []string{"web", "a b", "täsk", "...", "-rf"} {
		if err := d.BuildTask(task, 0); err != nil {
			t.Errorf("BuildTask(%q): %v", task, err)
		}
	}
}

func TestBuildDoesNotFollowWhatIsInTheWay(t *testing.T) {
	outside := t.TempDir()
	d := newDir(t, newRoot(t), testID)
	link(t, outside, d.Path(), "web")
	if err := d.BuildTask("web", 0); err == nil {
		t.Error("a task directory was built through a link")
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) > 0 {
		t.Errorf("outside has %v, %v", entries, err)
	}
}

// Whatever a task puts in the place of its directories, nothing is made or mounted outside.
func TestHostileTaskDirectories(t *testing.T) {
	for _, name := range []string{"alloc", "alloc/logs", "alloc/data", "web", "web/local", "web/tmp", "web/secrets", "web/private"} {
		for kind, put := range map[string]func(t *testing.T, at, outside string){
			"link out": func(t *testing.T, at, outside string) { link(t, outside, at) },
			"link in":  func(t *testing.T, at, _ string) { link(t, ".", at) },
			"file":     func(t *testing.T, at, _ string) { write(t, "x", at) },
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				r := newRoot(t)
				outside := t.TempDir()
				d := newDir(t, r, testID, "web")
				if err := d.ReleaseSecrets([]string{"web"}); err != nil {
					t.Fatal(err)
				}
				at := filepath.Join(d.Path(), filepath.FromSlash(name))
				if err := os.RemoveAll(at); err != nil {
					t.Fatal(err)
				}
				put(t, at, outside)
				again, err := r.Create(testID, 0)
				if err == nil {
					err = again.BuildTask("web", 0)
					_ = again.Close()
				}
				if err == nil {
					t.Error("the directories were built over it")
				}
				if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
					t.Errorf("outside has %v, %v", entries, err)
				}
				if info, err := os.Stat(outside); err != nil || info.Mode().Perm()&0o022 != 0 {
					t.Errorf("outside was changed to %v, %v", info.Mode(), err)
				}
			})
		}
	}
}

func link(t *testing.T, target string, at ...string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(at...)); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, data string, at ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(at...), []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func listed(d *Dir, path string) (names []string, err error) {
	err = d.List(path, func(info fs.FileInfo) { names = append(names, info.Name()) })
	return names, err
}

// TestListLooksOneByOne: an entry is looked at when those before it have been told, and none is held.
func TestListLooksOneByOne(t *testing.T) {
	d := newDir(t, newRoot(t), testID, "web")
	for _, name := range []string{"a", "b", "c"} {
		write(t, "", d.TaskPath("web", "local", name))
	}
	var names []string
	err := d.List("web/local", func(info fs.FileInfo) {
		names = append(names, info.Name())
		if info.Name() == "a" {
			if err := os.Remove(d.TaskPath("web", "local", "b")); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil || !slices.Equal(names, []string{"a", "c"}) {
		t.Errorf("listed %v, %v", names, err)
	}
}

func TestReadPaths(t *testing.T) {
	r := newRoot(t)
	outside := t.TempDir()
	write(t, "host", outside, "host.txt")
	other := newDir(t, r, otherID, "web")
	write(t, "other", other.Path(), "web", "local", "other.txt")

	d := newDir(t, r, testID, "web")
	p := d.Path()
	write(t, "hello", p, "web", "local", "hello.txt")
	write(t, "hidden", p, "web", "secrets", "token")
	write(t, "hidden", p, "web", "private", "token")
	if err := os.Mkdir(filepath.Join(p, "web", "local", "v1"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "v1", p, "web", "local", "v1", "file")
	local := filepath.Join(p, "web", "local")
	link(t, "v1", local, "current")
	link(t, filepath.Join(p, "web", "local", "v1"), local, "absolute")
	link(t, "../../alloc/../web/local/hello.txt", local, "around")
	link(t, "../secrets", local, "sneaky")
	link(t, "../secrets/token", local, "sneakier")
	link(t, outside, local, "out")
	link(t, filepath.Join(outside, "host.txt"), local, "outfile")
	link(t, "../../../"+otherID, local, "sibling")
	link(t, p+"-suffix/x", local, "prefix")
	link(t, "loop", local, "loop")
	link(t, "/", local, "slash")

	for _, tc := range []struct {
		path string
		want string // contents
		err  error
	}{
		{path: "web/local/hello.txt", want: "hello"},
		{path: "/web/local/hello.txt", want: "hello"},
		{path: "//web//local/./hello.txt", want: "hello"},
		{path: "web/local/nothing/../hello.txt", want: "hello"},
		{path: "web/local/current/file", want: "v1"},
		{path: "web/local/absolute/file", want: "v1"},
		{path: "web/local/around", want: "hello"},
		{path: "web/local/nope", err: fs.ErrNotExist},
		{path: "web/local/hello.txt/more", err: errNotDirectory},
		{path: "web/secrets/token", err: ErrSecret},
		{path: "web/private/token", err: ErrSecret},
		{path: "web/local/sneaky/token", err: ErrSecret},
		{path: "web/local/sneakier", err: ErrSecret},
		{path: "web/local/../secrets/token", err: ErrSecret},
		{path: "..", err: ErrEscapes},
		{path: "../" + otherID + "/web/local/other.txt", err: ErrEscapes},
		{path: "/../x", err: ErrEscapes},
		{path: "web/../../x", err: ErrEscapes},
		{path: "web/local/out/host.txt", err: ErrEscapes},
		{path: "web/local/outfile", err: ErrEscapes},
		{path: "web/local/sibling/web/local/other.txt", err: ErrEscapes},
		{path: "web/local/prefix", err: ErrEscapes},
		{path: "web/local/slash/etc/passwd", err: ErrEscapes},
		{path: "web/local/loop", err: errors.ErrUnsupported},
		{path: "web\x00/local", err: ErrEscapes},
	} {
		f, err := d.Open(tc.path)
		if tc.err != nil {
			if err == nil {
				_ = f.Close()
				t.Errorf("Open(%q) works, want %v", tc.path, tc.err)
			} else if !errors.Is(tc.err, errors.ErrUnsupported) && !errors.Is(err, tc.err) {
				t.Errorf("Open(%q) = %v, want %v", tc.path, err, tc.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("Open(%q): %v", tc.path, err)
			continue
		}
		data, err := io.ReadAll(f)
		if err != nil || string(data) != tc.want {
			t.Errorf("Open(%q) reads %q, %v, want %q", tc.path, data, err, tc.want)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}

	_, err := d.Stat("/web/local/nope")
	if want := "stat " + filepath.Join(p, "web", "local", "nope") + ": no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("Stat of a missing file says %q, want %q", err, want)
	}
	if info, err := d.Stat("web/local/current"); err != nil || info.Name() != "v1" || !info.IsDir() {
		t.Errorf("Stat of a link to a directory = %v, %v", info, err)
	}
	for dir, want := range map[string][]string{
		"": {"alloc", "web"}, "/": {"alloc", "web"}, "alloc": {"data", "logs", "tmp"}, "web/local/current": {"file"},
	} {
		got, err := listed(d, dir)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("List(%q) = %v, %v, want %v", dir, got, err, want)
		}
	}
	names, err := listed(d, "web/secrets")
	if err != nil || !slices.Contains(names, "token") {
		t.Errorf("the names of secrets cannot be listed: %v, %v", names, err)
	}
	if _, err := listed(d, "web/local/out"); !errors.Is(err, ErrEscapes) {
		t.Errorf("List through a link out = %v", err)
	}
	if _, err := listed(d, "web/local/hello.txt"); err == nil {
		t.Error("a file was listed")
	}
	if _, err := d.Open("web/local"); err == nil {
		t.Error("a directory was opened as a file")
	}
}

func TestDeepPathsAreRefused(t *testing.T) {
	d := newDir(t, newRoot(t), testID, "web")
	cur, err := os.OpenRoot(filepath.Join(d.Path(), "web", "local"))
	if err != nil {
		t.Fatal(err)
	}
	for range maxDepth + 10 {
		if err := cur.Mkdir("d", 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := cur.OpenRoot("d")
		if err != nil {
			t.Fatal(err)
		}
		_ = cur.Close()
		cur = next
	}
	_ = cur.Close()
	if _, err := d.Stat("web/local" + strings.Repeat("/d", maxDepth+10)); err == nil {
		t.Error("a path deeper than the limit was followed")
	}
	if _, err := d.Stat("web/local" + strings.Repeat("/d", maxDepth-10)); err != nil {
		t.Error(err)
	}
}

// A task that keeps swapping a directory for a link out must never get the agent to read the host.
func TestSwappedLinksNeverLeadOut(t *testing.T) {
	outside := t.TempDir()
	write(t, "host", outside, "file")
	d := newDir(t, newRoot(t), testID, "web")
	local := filepath.Join(d.Path(), "web", "local")
	if err := os.Mkdir(filepath.Join(local, "real"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "task", local, "real", "file")
	link(t, outside, local, "evil")
	swap, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-swap:
				return
			default:
			}
			at := filepath.Join(local, "at")
			_ = os.Rename(at, filepath.Join(local, "off"))
			if i%2 == 0 {
				_ = os.Rename(filepath.Join(local, "evil"), at)
			} else {
				_ = os.Rename(filepath.Join(local, "real"), at)
			}
			_ = os.Rename(at, filepath.Join(local, []string{"evil", "real"}[i%2]))
		}
	}()
	read := 0
	for range 5000 {
		f, err := d.Open("web/local/at/file")
		if err != nil {
			continue
		}
		data, _ := io.ReadAll(f)
		_ = f.Close()
		read++
		if string(data) != "task" {
			t.Fatalf("read %q through a swapped link", data)
		}
	}
	close(swap)
	<-stopped
	t.Logf("%d of 5000 reads hit the directory", read)
}

func TestWriteLocal(t *testing.T) {
	outside := t.TempDir()
	d := newDir(t, newRoot(t), testID, "web")
	if err := d.WriteLocal("web", "a/b/payload.bin", []byte{0, 1, 2}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(d.Path(), "web", "local", "a", "b", "payload.bin"))
	if err != nil || string(got) != "\x00\x01\x02" {
		t.Errorf("payload = %q, %v", got, err)
	}
	link(t, outside, d.Path(), "web", "local", "out")
	for _, name := range []string{"../../x", "/etc/x", "out/x", ".."} {
		if err := d.WriteLocal("web", name, nil); err == nil {
			t.Errorf("WriteLocal(%q) works", name)
		}
	}
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("outside has %v", entries)
	}
}

func TestTake(t *testing.T) {
	r := newRoot(t)
	prev, next := newDir(t, r, otherID, "web", "gone"), newDir(t, r, testID, "web", "new")
	write(t, "data", prev.Path(), "alloc", "data", "db")
	write(t, "local", prev.Path(), "web", "local", "cache")
	if err := next.Take(prev, []string{"web", "new"}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"alloc/data/db": "data", "web/local/cache": "local"} {
		got, err := os.ReadFile(filepath.Join(next.Path(), path))
		if err != nil || string(got) != want {
			t.Errorf("%s = %q, %v", path, got, err)
		}
	}
	if _, err := next.Stat("new/local"); err != nil {
		t.Error(err)
	}
}

func TestDestroyLeavesTheRest(t *testing.T) {
	r := newRoot(t)
	outside := t.TempDir()
	write(t, "host", outside, "file")
	d := newDir(t, r, testID, "web")
	newDir(t, r, otherID, "web")
	link(t, outside, d.Path(), "web", "local", "out")
	_ = d.Close()
	if err := r.Destroy(testID); err != nil {
		t.Fatal(err)
	}
	if ids, err := r.List(); err != nil || !slices.Equal(ids, []string{otherID}) {
		t.Errorf("List() = %v, %v", ids, err)
	}
	if _, err := os.Stat(filepath.Join(outside, "file")); err != nil {
		t.Errorf("removing a link removed what it led to: %v", err)
	}
	if err := r.Destroy(testID); err != nil {
		t.Errorf("a second Destroy: %v", err)
	}
}

func TestSecretsAreInMemory(t *testing.T) {
	testkit.Need(t, "linux", "root", "mounts")
	r := newRoot(t)
	d := newDir(t, r, testID)
	if err := d.BuildTask("web", 2); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(d.Path(), "web", "secrets")
	if size, tmpfs := fileSystem(t, path); !tmpfs || size != 2<<20 {
		t.Fatalf("secrets: tmpfs %t with %d bytes, want 2 MiB of tmpfs", tmpfs, size)
	}
	if size, tmpfs := fileSystem(t, filepath.Join(d.Path(), "web", "private")); !tmpfs || size != 1<<20 {
		t.Fatalf("private: tmpfs %t with %d bytes, want 1 MiB of tmpfs", tmpfs, size)
	}
	if _, err := d.Stat("web/secrets/.nomad-mount"); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(path, "big"), make([]byte, 3<<20), 0o600); err == nil {
		t.Error("3 MiB fit into 2 MiB of secrets")
	}
	if err := os.Remove(filepath.Join(path, "big")); err != nil {
		t.Fatal(err)
	}
	write(t, "s", path, "token")
	if err := d.BuildTask("web", 2); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(path, "token")); err != nil {
		t.Errorf("building again hid the secrets: %v", err)
	}
	if err := d.ReleaseSecrets([]string{"web", "never-built"}); err != nil {
		t.Fatal(err)
	}
	if _, tmpfs := fileSystem(t, path); tmpfs {
		t.Error("secrets are still mounted")
	}
	if _, err := os.Stat(filepath.Join(path, "token")); err == nil {
		t.Error("a secret outlives its release")
	}
	if err := d.BuildTask("web", 2); err != nil {
		t.Fatal(err)
	}
	_ = d.Close()
	if err := r.Destroy(testID); err != nil {
		t.Errorf("Destroy with mounts below: %v", err)
	}
	if _, err := os.Stat(d.Path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func FuzzPaths(f *testing.F) {
	for _, s := range []string{"", "/", "..", "web/local/hello.txt", "web/local/out/x", "web/secrets/token", "a\x00b", "web/local/../../..", "web/local/loop/../x"} {
		f.Add(s)
	}
	base, err := os.MkdirTemp("", "fuzz")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = os.RemoveAll(base) })
	r, err := OpenRoot(filepath.Join(base, "alloc"), hclog.NewNullLogger())
	if err != nil {
		f.Fatal(err)
	}
	d, err := r.Create(testID, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = d.Close(); _ = r.Destroy(testID) })
	if err := d.BuildTask("web", 0); err != nil {
		f.Fatal(err)
	}
	local := filepath.Join(d.Path(), "web", "local")
	for at, target := range map[string]string{"out": base, "loop": "loop", "up": "../..", "secret": "../secrets", "self": "."} {
		if err := os.Symlink(target, filepath.Join(local, at)); err != nil {
			f.Fatal(err)
		}
	}
	for _, name := range []string{"outside", "alloc/" + testID + "/web/secrets/token", "alloc/" + testID + "/web/local/hello.txt"} {
		if err := os.WriteFile(filepath.Join(base, name), []byte(name), 0o644); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, path string) {
		_, _ = d.Stat(path)
		_, _ = listed(d, path)
		file, err := d.Open(path)
		if err != nil {
			return
		}
		defer file.Close()
		data, err := io.ReadAll(file)
		if err != nil {
			t.Fatal(err)
		}
		if s := string(data); s != "" && !strings.HasSuffix(s, "hello.txt") {
			t.Errorf("Open(%q) reads %q", path, s)
		}
	})
}

// TestInside checks which place a path of a job means, for tasks that see their directories as they are, in a root
// of an image, and in a root that is their directory.
func TestInside(t *testing.T) {
	d := newDir(t, newRoot(t), testID, "web")
	host := Seen{Shared: d.SharedPath(), Local: d.TaskPath("web", Local), Secrets: d.TaskPath("web", Secrets)}
	image := Seen{Shared: "/alloc", Local: "/local", Secrets: "/secrets"}
	root := image
	root.Rooted = true
	for _, test := range []struct {
		path              string
		host, image, root string
	}{
		{"local/x", "web/local/x", "web/local/x", "web/local/x"},
		{"x", "web/x", "web/x", "web/x"},
		{"alloc/x", "web/alloc/x", "web/alloc/x", "alloc/x"},
		{"alloc", "web/alloc", "web/alloc", "alloc"},
		{"alloc.d/x", "web/alloc.d/x", "web/alloc.d/x", "web/alloc.d/x"},
		{"../alloc/x", "alloc/x", "alloc/x", "alloc/x"},
		{"/alloc/x", "web/alloc/x", "alloc/x", "alloc/x"},
		{"/secrets/x", "web/secrets/x", "web/secrets/x", "web/secrets/x"},
		{d.SharedPath() + "/x", "alloc/x", "alloc/x", "alloc/x"},
		{"private/x", "", "", ""},
		{"../db/x", "", "", ""},
		{"../../x", "", "", ""},
	} {
		for _, way := range []struct {
			want string
			seen Seen
		}{{test.host, host}, {test.image, image}, {test.root, root}} {
			want, seen := way.want, way.seen
			got, err := d.Inside("web", seen, test.path)
			switch {
			case want == "" && !errors.Is(err, ErrOutside):
				t.Errorf("%q: %v, want ErrOutside", test.path, err)
			case want != "" && err != nil:
				t.Errorf("%q: %v", test.path, err)
			case want != "" && got.Name() != want:
				t.Errorf("%q with %+v is %q, want %q", test.path, seen, got.Name(), want)
			}
		}
	}
}
