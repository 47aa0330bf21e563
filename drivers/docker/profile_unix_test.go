// SPDX-License-Identifier: MPL-2.0

//go:build unix

package docker

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/moby/moby/api/types/container"
	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// mostWait is how long what must not wait for a pipe is given.
const mostWait = 10 * time.Second

// withoutWriter is a pipe that nobody writes to; do is told of its directory and name and must not wait for it.
func withoutWriter(t *testing.T, do func(dir, name string) error) error {
	t.Helper()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- do(dir, "pipe") }()
	select {
	case err := <-done:
		return err
	case <-time.After(mostWait):
		// The writer that comes and goes ends the wait.
		if file, err := os.OpenFile(pipe, os.O_RDWR, 0); err == nil {
			_ = file.Close()
		}
		t.Error("a pipe is waited for")
		return <-done
	}
}

// TestSeccompProfile has jobs name files that are no profiles.
func TestSeccompProfile(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	options := func(path string) ([]string, error) {
		b := &builder{options: &taskConfig{SecurityOpt: []string{"seccomp=" + path}}}
		b.out.HostConfig = &container.HostConfig{}
		err := b.securityOptions()
		return b.out.HostConfig.SecurityOpt, err
	}
	got, err := options(write("profile", []byte("{ \"defaultAction\": \"SCMP_ACT_ERRNO\" }\n")))
	if want := []string{`seccomp={"defaultAction":"SCMP_ACT_ERRNO"}`}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for path, want := range map[string]string{
		os.DevNull:                    "it is not a file",
		dir:                           "it is not a file",
		write("empty", nil):           "the file is empty",
		"/nothing/there":              "no such file",
		write("text", []byte("text")): "invalid character",
		write("large", append(bytes.Repeat([]byte(" "), maxProfile), "{}"...)): "larger than 1024 KiB",
	} {
		if _, err := options(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	err = withoutWriter(t, func(dir, name string) error {
		_, err := options(filepath.Join(dir, name))
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "it is not a file") {
		t.Errorf("of a pipe: %v", err)
	}
}

// TestLoadFromPipe: a container may have put a pipe where the archive of its image is looked for when it starts again.
func TestLoadFromPipe(t *testing.T) {
	d := New(hclog.NewNullLogger())
	err := withoutWriter(t, func(dir, name string) error { return d.images.load(t.Context(), dir, name) })
	if err == nil || !strings.Contains(err.Error(), "it is not a file") || drivers.IsRecoverable(err) {
		t.Errorf("got %v", err)
	}
}
