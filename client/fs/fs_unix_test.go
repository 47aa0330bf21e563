// SPDX-License-Identifier: MPL-2.0

//go:build unix

package fs

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Reading a pipe must neither block nor take its data.
func TestPipesAreRefused(t *testing.T) {
	d, w := newDir(t), newWatcher(t)
	for _, name := range []string{d.TaskPath("web", "local", "pipe"), logPath(d, 0)} {
		if err := unix.Mkfifo(name, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var s sink
	if err := Cat(t.Context(), d, "web/local/pipe", s.send); err == nil {
		t.Error("a pipe was read")
	}
	if err := w.Stream(t.Context(), d, "web/local/pipe", StreamOptions{Follow: true}, s.send); err == nil {
		t.Error("a pipe was streamed")
	}
	if err := w.Logs(t.Context(), d, "web", "stdout", StreamOptions{}, s.send); err == nil {
		t.Error("a pipe was taken for a log")
	}
	if got, err := Stat(d, "web/local/pipe"); err != nil || got.FileMode[0] != 'p' || got.ContentType != "" {
		t.Errorf("Stat = %+v, %v", got, err)
	}
}
