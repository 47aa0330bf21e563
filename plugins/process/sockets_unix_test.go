// SPDX-License-Identifier: MPL-2.0

//go:build unix

package process_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/plugins/process"
)

// launchIn starts a plugin with its socket below a directory.
func launchIn(t *testing.T, dir string) *process.Process {
	t.Helper()
	at := spec(t, "driver")
	at.SocketDir = dir
	p, err := process.Launch(bounded(t), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// socketDir is a short directory, as sockets need it.
func socketDir(t *testing.T) string {
	t.Helper()
	base, err := os.MkdirTemp("", "sk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	dir, err := process.SocketDir(filepath.Join(base, "plugins"))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, entry := range entries {
		out = append(out, entry.Name())
	}
	return out
}

// TestLeftovers has one plugin that was killed, one that nobody knows of, and one
// that an agent reattaches to.
func TestLeftovers(t *testing.T) {
	ctx := bounded(t)
	dir := socketDir(t)
	killed, lost, known := launchIn(t, dir), launchIn(t, dir), launchIn(t, dir)
	killed.Kill()
	exited(t, ctx, killed)
	if err := os.Mkdir(filepath.Join(dir, "plugin-dir-empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "other"), 0o700); err != nil {
		t.Fatal(err)
	}
	left, err := process.FindLeftovers(dir)
	if err != nil || len(left) != 4 {
		t.Fatalf("the leftovers are %q, %v", left, err)
	}
	later := launchIn(t, dir)
	if err := left.Clear([]process.Record{killed.Record(), known.Record()}); err != nil {
		t.Error(err)
	}
	want := map[string]bool{
		"other": true, filepath.Base(filepath.Dir(known.Record().Addr)): true, filepath.Base(filepath.Dir(later.Record().Addr)): true,
	}
	if runtime.GOOS == "linux" {
		exited(t, ctx, lost)
	} else {
		want[filepath.Base(filepath.Dir(lost.Record().Addr))] = true
	}
	got := names(t, dir)
	for _, name := range got {
		if !want[name] {
			t.Errorf("%s is still there", name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %q, want %v", got, want)
	}
	for name, p := range map[string]*process.Process{"reattached": known, "new": later} {
		if _, err := p.Driver().Capabilities(ctx); err != nil {
			t.Errorf("the %s plugin does not answer: %v", name, err)
		}
	}
}

// TestAttachedIsTidiedUp kills a plugin of an earlier agent under the next one.
func TestAttachedIsTidiedUp(t *testing.T) {
	ctx := bounded(t)
	dir := socketDir(t)
	first := launchIn(t, dir)
	first.Detach()
	spec := spec(t, "driver")
	second, err := process.Attach(ctx, "test", first.Record(), spec.Logger)
	if err != nil {
		t.Fatal(err)
	}
	second.Kill()
	exited(t, ctx, second)
	second.Stop()
	if got := names(t, dir); len(got) > 0 {
		t.Errorf("%q was left behind", got)
	}
}

func TestSocketDirOfLongPath(t *testing.T) {
	base := t.TempDir()
	t.Setenv("TMPDIR", base)
	long := filepath.Join(base, strings.Repeat("deep/", 20))
	dir, err := process.SocketDir(long)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(dir) != base {
		t.Fatalf("the directory is %s, want one in %s", dir, base)
	}
	if again, err := process.SocketDir(long); again != dir || err != nil {
		t.Errorf("the second time it is %s, %v; want %s", again, err, dir)
	}
	if other, err := process.SocketDir(long + "er"); other == dir || err != nil {
		t.Errorf("another agent has %s, %v too", other, err)
	}
}

// TestSocketDirOfOthers offers directories that others may use.
func TestSocketDirOfOthers(t *testing.T) {
	base := t.TempDir()
	t.Setenv("TMPDIR", base)
	long := filepath.Join(base, strings.Repeat("deep/", 20))
	dir, err := process.SocketDir(long)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := process.SocketDir(long); err == nil {
		t.Error("a directory that everybody can write was taken")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := process.SocketDir(long); err == nil {
		t.Error("a link was taken")
	}
}
