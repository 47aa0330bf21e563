// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

func TestMain(m *testing.M) {
	drivertest.Main(m, drivertest.Roles{
		"driver": func() { plugins.Serve(New(plugins.Logger())) },
	})
}

// testImage is a root of busybox that the tests import.
const testImage = "nomadlike-test/busybox:1"

// applets are the programs of the image.
var applets = []string{"sh", "sleep", "cat", "echo", "printf", "rm", "stty", "id", "ls", "true", "touch", "dd", "env", "head", "yes", "hostname", "stat", "test", "wget", "nc"}

// busybox is a tar archive of the image's root. The mark tells it from others of the test.
func busybox(t testing.TB, mark string) []byte {
	t.Helper()
	testkit.Need(t, "busybox")
	program, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(h tar.Header, body []byte) {
		h.Size = int64(len(body))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"bin/", "etc/", "dev/", "proc/", "sys/", "tmp/"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o777}, nil)
	}
	add(tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755}, program)
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, []byte("root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"))
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/group", Mode: 0o644}, []byte("root:x:0:\nextra:x:777:\n"))
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/test", Mode: 0o644}, []byte(t.Name()+mark)) // no two tests share a layer
	for _, name := range applets {
		add(tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + name, Linkname: "busybox", Mode: 0o777}, nil)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var imported sync.Once

// needEngine skips the test without an engine, and sees to its image.
func needEngine(t testing.TB) *client.Client {
	t.Helper()
	testkit.Need(t, "linux", "root", "docker", "busybox")
	engine, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	imported.Do(func() { importImage(t, engine, testImage) })
	return engine
}

func importImage(t testing.TB, engine *client.Client, name string, changes ...string) {
	t.Helper()
	answer, err := engine.ImageImport(context.Background(), client.ImageImportSource{Source: bytes.NewReader(busybox(t, name)), SourceName: "-"}, name, client.ImageImportOptions{Changes: changes})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	if _, err := io.Copy(io.Discard, answer); err != nil {
		t.Fatal(err)
	}
}

// script is a task that runs a shell script.
func script(format string, args ...any) drivertest.Config {
	return drivertest.Config{
		"image": testImage, "command": "/bin/sh", "args": []any{"-c", fmt.Sprintf(format, args...)},
	}
}

// untilStopped keeps a shell waiting in such a way that its traps run at once.
const untilStopped = `while :; do sleep 3600 & wait $!; done`

// TestDriver runs the suite that every driver passes.
func TestDriver(t *testing.T) {
	t.Parallel() // it waits for the engine most of the time
	engine := needEngine(t)
	drivertest.Run(t, drivertest.Harness{
		Name:         Name,
		PluginConfig: drivertest.Config{"volumes": []any{map[string]any{"enabled": true}}},
		// Some tests leave their tasks to a plugin that they have killed.
		Setup: func(t testing.TB, config *drivers.TaskConfig) {
			t.Cleanup(func() {
				_, err := engine.ContainerRemove(context.Background(), containerName(config), client.ContainerRemoveOptions{Force: true})
				if err != nil && !notFound(err) {
					t.Error(err)
				}
			})
		},
		Exit: func(code int) drivertest.Config { return script("exit %d", code) },
		Run:  func() drivertest.Config { return script("trap 'exit 0' TERM; echo ready; " + untilStopped) },
		// The first process of a container ignores signals that it does not handle yet.
		Announces: true,
		Stubborn: func() drivertest.Config {
			return script("trap '' TERM; echo ready; while :; do sleep 1; done")
		},
		Print: func(stdout, stderr string) drivertest.Config {
			return script("printf %%s '%s'; printf %%s '%s' >&2", stdout, stderr)
		},
		Trap: func(signal, text string) drivertest.Config {
			return script("trap 'echo %s' %s; echo ready; %s", text, signal[len("SIG"):], untilStopped)
		},
		Await: func(file string, code int) drivertest.Config {
			config := script("while [ ! -e '%s' ]; do sleep 0.01; done; rm '%s'; exit %d", file, file, code)
			config["volumes"] = []any{filepath.Dir(file) + ":" + filepath.Dir(file)}
			return config
		},
		Invalid: func() drivertest.Config {
			config := script("true")
			config["ipv4_address"] = "nonsense"
			return config
		},
		SurvivesPlugin: true,
		Explains:       true,
		HidesSignals:   true,
		Stats:          true,
		Signals:        true,
		Exec:           drivertest.ShellExec(),
	})
}
