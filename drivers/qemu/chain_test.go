// SPDX-License-Identifier: MPL-2.0

//go:build linux

package qemu

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// qcow2 is the beginning of an image of this format. parts are the further ones of its header, a kind and a text each.
func qcow2(version uint32, backing string, parts ...any) string {
	big := binary.BigEndian
	const named = 1024
	image := make([]byte, named+len(backing))
	copy(image, "QFI\xfb")
	big.PutUint32(image[4:], version)
	if backing != "" {
		big.PutUint64(image[8:], named)
		big.PutUint32(image[16:], uint32(len(backing)))
		copy(image[named:], backing)
	}
	at := 72
	if version > 2 {
		at = 104
		big.PutUint32(image[100:], uint32(at))
	}
	for n := 0; n < len(parts); n += 2 {
		text := parts[n+1].(string)
		big.PutUint32(image[at:], uint32(parts[n].(int)))
		big.PutUint32(image[at+4:], uint32(len(text)))
		copy(image[at+8:], text)
		at += 8 + (len(text)+7)/8*8
	}
	return string(image)
}

// qed is the beginning of an image of this format.
func qed(backing string) string {
	little := binary.LittleEndian
	image := make([]byte, 64, 64+len(backing))
	copy(image, "QED\x00")
	little.PutUint64(image[16:], 1)
	little.PutUint32(image[56:], 64)
	little.PutUint32(image[60:], uint32(len(backing)))
	return string(append(image, backing...))
}

// TestChain checks what the image of a machine may lead to.
func TestChain(t *testing.T) {
	t.Parallel()
	shared, outside := t.TempDir(), t.TempDir()
	task := machine(t)
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(outside, "secret"), "x")
	write(filepath.Join(shared, "base.raw"), strings.Repeat("x", 4096))
	write(filepath.Join(shared, "base.qcow2"), qcow2(3, "base.raw", partFormat, "raw"))
	if err := os.Mkdir(filepath.Join(shared, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(shared, "over.qcow2"), qcow2(3, "secret"))
	write(filepath.Join(shared, "bad.qcow2"), qcow2(2, outside+"/secret"))
	if err := os.Symlink(outside+"/secret", filepath.Join(task.LocalDir(), "link")); err != nil {
		t.Fatal(err)
	}
	// What is relative begins where QEMU takes it to begin: at the link, not at what that leads to, and at its working directory.
	for path, to := range map[string]string{
		filepath.Join(task.LocalDir(), "base.qcow2"): filepath.Join(shared, "base.qcow2"),
		filepath.Join(task.LocalDir(), "base.raw"):   outside + "/secret",
		filepath.Join(task.TaskDir(), "data"):        outside + "/secret",
		filepath.Join(task.LocalDir(), "elsewhere"):  outside,
		filepath.Join(task.LocalDir(), "up"):         filepath.Join(shared, "sub"),
		filepath.Join(shared, "secret"):              outside + "/secret",
	} {
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(task.LocalDir(), "data"), "x")
	write(filepath.Join(task.LocalDir(), "secret"), "x")
	const none, foreign, names = "", "is neither in the allocation directory nor in image_paths", "with an args_allowlist"
	for _, test := range []struct{ image, want string }{
		{"", none},
		{"raw", none},
		{"version of my notes", none},
		{qcow2(1, ""), none},
		{qcow2(2, ""), none},
		{qcow2(3, "", partEnd, ""), none},
		{qcow2(2, "a,b.img"), none},
		{qcow2(3, shared+"/base.qcow2", partFormat, "qcow2", 0x6803f857, "features", partEnd, ""), none},
		{qed(shared + "/base.qcow2"), none},
		{qcow2(1, outside+"/secret"), foreign},
		{qcow2(2, outside+"/secret"), foreign},
		{qcow2(3, "link"), foreign},
		{qcow2(3, shared+"/bad.qcow2"), foreign},
		{qcow2(3, "", partFormat, "raw", partData, outside+"/secret"), foreign},
		{qed(outside + "/secret"), foreign},
		{qcow2(3, "base.qcow2"), foreign},
		{qcow2(3, "", partData, "data"), foreign},
		{qcow2(3, "", partData, "local/data"), none},
		{qcow2(3, "data", partData, "local/data"), none},
		{qcow2(3, "data", partData, "data"), foreign},
		{qcow2(3, "base.raw", partData, "base.raw"), foreign},
		{qcow2(3, "elsewhere/../local/data"), "no such file"},
		{qcow2(3, "up/../over.qcow2"), foreign},
		{qcow2(3, "nbd://10.0.0.1/x"), names},
		{qcow2(3, `json:{"driver":"file","filename":"/etc/passwd"}`), names},
		{qcow2(3, "fat:rw:/etc"), names},
		{qcow2(3, "base.raw", partFormat, "vmdk"), names},
		{"# Disk DescriptorFile\nversion=1\nRW 1 FLAT \"/etc/passwd\" 0\n", names},
		{"version=1\n", names},
		{"KDMV", names},
		{qcow2(3, strings.Repeat("x", maxNamed+1)), "a part of its header has"},
		{qcow2(3, "missing"), "no such file"},
	} {
		write(filepath.Join(task.LocalDir(), "a,b.img"), "")
		write(filepath.Join(task.LocalDir(), "disk"), test.image)
		plugin := &pluginConfig{ImagePaths: []string{shared}, Args: []string{"-smp"}}
		image, err := plugin.image(task, "local/disk")
		if err != nil {
			t.Fatal(err)
		}
		err = plugin.chain(task, image)
		if test.want == none && err != nil || test.want != none && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("image %.60q: got %v, want %q", strings.Trim(test.image, "\x00"), err, test.want)
		}
	}
	// Images that lie over themselves are QEMU's to refuse.
	write(filepath.Join(task.LocalDir(), "disk"), qcow2(3, "disk"))
	_, err := (&pluginConfig{Args: []string{"-smp"}}).command(task, &taskConfig{ImagePath: "local/disk", Emulator: "nothing"})
	if err == nil || !strings.Contains(err.Error(), "could not be found in PATH") {
		t.Errorf("got %v", err)
	}
	// Where arguments are free, images are too.
	write(filepath.Join(task.LocalDir(), "disk"), qcow2(3, outside+"/secret"))
	for _, test := range []struct {
		args []string
		want string
	}{{nil, "could not be found in PATH"}, {[]string{"-smp"}, foreign}} {
		_, err := (&pluginConfig{Args: test.args}).command(task, &taskConfig{ImagePath: "local/disk", Emulator: "nothing"})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("with the arguments %q: got %v, want %q", test.args, err, test.want)
		}
	}
}
