// SPDX-License-Identifier: MPL-2.0

//go:build unix

package drivertest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// makeStreams makes the FIFOs of a task and opens them for reading, before the
// task starts, as a host does.
func makeStreams(t testing.TB, task *drivers.TaskConfig) {
	t.Helper()
	logs := filepath.Join(task.SharedDir(), "logs")
	task.StdoutPath = filepath.Join(logs, "."+task.Name+".stdout.fifo")
	task.StderrPath = filepath.Join(logs, "."+task.Name+".stderr.fifo")
	for _, path := range []string{task.StdoutPath, task.StderrPath} {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatalf("make a FIFO: %v", err)
		}
		// Open for reading and writing never blocks and never sees the end
		// of the file when a writer goes.
		file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatalf("open a FIFO: %v", err)
		}
		t.Cleanup(func() { _ = file.Close() })
	}
}

// streamsReadable says that expectOutput works on this system.
const streamsReadable = true

// expectOutput reads a stream of a task until the text has come.
func expectOutput(ctx context.Context, t testing.TB, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatalf("open a FIFO: %v", err)
	}
	defer file.Close()
	stop := context.AfterFunc(ctx, func() { _ = file.Close() })
	defer stop()
	var got bytes.Buffer
	buffer := make([]byte, 4<<10)
	for !strings.Contains(got.String(), text) {
		n, err := file.Read(buffer)
		got.Write(buffer[:n])
		if err != nil {
			t.Fatalf("output ended with %q, want %q: %v", got.String(), text, err)
		}
	}
}

// tempDir is a directory that every user can enter. The path is short, because
// drivers put sockets below it.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
