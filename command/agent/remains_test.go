// SPDX-License-Identifier: MPL-2.0

//go:build linux || darwin

package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// TestTakeOver checks which directories count as those of dev agents that are gone.
func TestTakeOver(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	held := func(mode os.FileMode, closed bool) string {
		t.Helper()
		dir, err := os.MkdirTemp(temp, devPrefix)
		if err != nil {
			t.Fatal(err)
		}
		file, err := hold(dir)
		if err != nil {
			t.Fatal(err)
		}
		if closed {
			file.Close()
		} else {
			t.Cleanup(func() { file.Close() })
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	live, dead, open := held(0o755, false), held(0o755, true), held(0o777, true)
	unmarked := filepath.Join(temp, devPrefix+"unmarked")
	link, elsewhere := filepath.Join(temp, devPrefix+"link"), filepath.Join(temp, "elsewhere")
	if err := os.Mkdir(unmarked, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(held(0o755, true), elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	for what, dir := range map[string]string{"of an agent that lives": live, "that others can write to": open, "without a mark": unmarked, "that is a link": link} {
		if file, _ := takeOver(dir); file != nil {
			t.Errorf("a directory %s was taken over", what)
		}
	}
	file, err := takeOver(dead)
	if err != nil || file == nil {
		t.Fatalf("that of an agent which is gone: %v, %v", file, err)
	}
	if again, _ := takeOver(dead); again != nil {
		t.Error("it was taken over twice")
	}
	file.Close()

	a := &Agent{cfg: DevConfig(), logger: hclog.NewNullLogger()}
	a.clearDead()
	for _, dir := range []string{live, open, unmarked, link, elsewhere} {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("that of an agent which is gone is left: %v", err)
	}
}
