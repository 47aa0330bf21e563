// SPDX-License-Identifier: MPL-2.0

//go:build linux

package qemu

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/internal/testkit"
)

func TestSeedDrive(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	if err := os.WriteFile(filepath.Join(bin, "qemu-system-x86_64"), []byte(emulator), 0o755); err != nil {
		t.Fatal(err)
	}
	task := machine(t)
	for bus, want := range map[string]string{
		"": ",if=ide,media=cdrom,format=raw,readonly=on,id=cidata0", "virtio": ",if=virtio,format=raw,readonly=on,id=cidata0",
	} {
		got, err := (&pluginConfig{}).command(task, &taskConfig{ImagePath: "local/a,b.img", DriveInterface: bus, CloudInit: &cloudInit{}})
		if want := "file=" + task.SecretsDir() + "/cidata.iso" + want; err != nil || !slices.Contains(got, want) {
			t.Errorf("the command is %q, %v, want one with %q", got, err, want)
		}
	}
}

// TestSeedFiles has files as a hostile task might leave them.
func TestSeedFiles(t *testing.T) {
	task := machine(t)
	task.AllocID = "1f3d0b2a-0000-4000-8000-000000000000"
	local := filepath.Join(task.TaskDir(), "local")
	elsewhere := filepath.Join(t.TempDir(), "secret")
	private := filepath.Join(task.TaskDir(), "private")
	for _, err := range []error{
		os.Mkdir(task.SecretsDir(), 0o777), os.Mkdir(private, 0o700),
		os.WriteFile(elsewhere, []byte("of the host"), 0o600),
		os.WriteFile(filepath.Join(private, "secret"), []byte("of the agent"), 0o600),
		os.WriteFile(filepath.Join(local, "good"), []byte("#cloud-config\n"), 0o600),
		os.WriteFile(filepath.Join(local, "large"), make([]byte, maxSeedFile+1), 0o600),
		os.Symlink(elsewhere, filepath.Join(local, "link")), os.Symlink("../private/secret", filepath.Join(local, "near")),
		os.Symlink("../private", filepath.Join(local, "dir")), syscall.Mkfifo(filepath.Join(local, "pipe"), 0o600),
		os.Symlink(elsewhere, filepath.Join(task.SecretsDir(), seedName)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"local/missing": "no such file", "local/large": "larger than 512 KiB", "local/link": "symbolic links", "local/near": "symbolic links",
		"local/dir/secret": "not a directory", "local/pipe": "not a regular file", "local": "not a regular file",
		"../web/local/good": "no path inside", elsewhere: "no path inside",
	} {
		err := (&cloudInit{UserData: path}).write(task, nil)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "cloud_init: user_data") {
			t.Errorf("user_data %s: %v, want an error with %q", path, err, want)
		}
	}
	if err := (&cloudInit{UserData: "local/good"}).write(task, nil); err != nil {
		t.Fatal(err)
	}
	disc := filepath.Join(task.SecretsDir(), seedName)
	if info, err := os.Lstat(disc); err != nil || info.Mode() != 0o600 {
		t.Errorf("the disc is %v, %v, want a file for its owner", info, err)
	}
	text, err := os.ReadFile(disc)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cidata", "USER-DATA.;1", "#cloud-config\n", "local-hostname: \"web-1f3d0b2a\""} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%q is not on the disc", want)
		}
	}
	if kept, err := os.ReadFile(elsewhere); err != nil || string(kept) != "of the host" {
		t.Errorf("a file of the host is %q, %v now", kept, err)
	}
	if names, err := os.ReadDir(task.SecretsDir()); err != nil || len(names) != 1 {
		t.Errorf("the secrets are %v, %v, want the disc alone", names, err)
	}
}

func TestSeedOfUser(t *testing.T) {
	testkit.Need(t, "root")
	task := machine(t)
	if err := os.Mkdir(task.SecretsDir(), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := (&cloudInit{}).write(task, &shim.User{UID: 4711, GID: 4712}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(task.SecretsDir(), seedName))
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 4711 || stat.Gid != 4712 || info.Mode() != 0o600 {
		t.Errorf("the disc is %v of %d:%d", info.Mode(), stat.Uid, stat.Gid)
	}
}

type brokenWriter struct{ left int }

func (w *brokenWriter) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, errors.New("full")
	}
	return len(b), nil
}

func TestDiscOnFullDisk(t *testing.T) {
	files := []discFile{{"a", make([]byte, 5000)}}
	var whole bytes.Buffer
	if err := writeDisc(&whole, "x", time.Unix(0, 0), files); err != nil || whole.Len() != (discFiles+3)*discSector {
		t.Fatalf("the disc has %d bytes, %v", whole.Len(), err)
	}
	for _, room := range []int{0, discSector * discRoot, whole.Len() - 1} {
		if err := writeDisc(&brokenWriter{room}, "x", time.Unix(0, 0), files); err == nil {
			t.Errorf("a disc was written to %d bytes", room)
		}
	}
}
