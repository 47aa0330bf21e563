// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

func fileSystem(t *testing.T, path string) (size int64, tmpfs bool) {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		t.Fatal(err)
	}
	return int64(st.Blocks) * st.Bsize, st.Type == unix.TMPFS_MAGIC
}

func TestMountTable(t *testing.T) {
	table := `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:26 / /data/alloc/id/web/secrets rw - tmpfs tmpfs rw
31 22 0:27 / /data/alloc/id2/web/secrets rw - tmpfs tmpfs rw
32 30 0:28 / /data/alloc/id/web/a\040b rw - tmpfs tmpfs rw
malformed
`
	got, err := mountsBelow(strings.NewReader(table), "/data/alloc/id")
	want := []string{"/data/alloc/id/web/secrets", "/data/alloc/id/web/a b"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("mountsBelow = %q, %v, want %q", got, err, want)
	}
}

// What a task bound into its directory is not removed with the directory.
func TestDestroySparesForeignMounts(t *testing.T) {
	testkit.Need(t, "root", "mounts")
	r := newRoot(t)
	d := newDir(t, r, testID, "web")
	host := t.TempDir()
	write(t, "precious", host, "file")
	at := filepath.Join(d.Path(), "web", "local", "bound")
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(host, at, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	_ = d.Close()
	if err := r.Destroy(testID); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(host, "file")); err != nil || string(data) != "precious" {
		t.Errorf("host file after Destroy = %q, %v", data, err)
	}
}

// Pipes do not block a reader and devices are not opened.
func TestOddFiles(t *testing.T) {
	d := newDir(t, newRoot(t), testID, "web")
	local := filepath.Join(d.Path(), "web", "local")
	if err := unix.Mkfifo(filepath.Join(local, "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	odd := []string{"pipe"}
	if os.Geteuid() == 0 && unix.Mknod(filepath.Join(local, "zero"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) == nil {
		odd = append(odd, "zero")
	}
	link(t, "pipe", local, "link")
	for _, name := range append(odd, "link") {
		if _, err := d.Open("web/local/" + name); !errors.Is(err, ErrNotRegular) {
			t.Errorf("Open(%s) = %v, want %v", name, err, ErrNotRegular)
		}
		if _, err := d.Stat("web/local/" + name); err != nil {
			t.Error(err)
		}
	}
}
