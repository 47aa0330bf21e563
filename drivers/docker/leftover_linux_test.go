// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// TestEndLeft: what runs in the group of a container that the engine has removed is killed, and nothing else.
func TestEndLeft(t *testing.T) {
	testkit.Need(t, "linux", "root")
	parent := filepath.Join(groupRoot, "docker") // with one hierarchy
	if _, err := os.Stat(filepath.Join(groupRoot, "cgroup.procs")); err != nil {
		parent = filepath.Join(groupRoot, "freezer", "docker")
	}
	d := New(hclog.NewNullLogger())
	var err error
	if d.mu.engine, err = newEngine(&pluginConfig{Endpoint: "unix:///run/none.sock"}); err != nil {
		t.Fatal(err)
	}
	run := func() (id, dir string, cmd *exec.Cmd) {
		var number [idLength / 2]byte
		_, _ = rand.Read(number[:])
		id = hex.EncodeToString(number[:])
		dir = filepath.Join(parent, id)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		cmd = exec.Command("sleep", "1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it has left its group then
		})
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), fmt.Append(nil, cmd.Process.Pid), 0o644); err != nil {
			t.Fatal(err)
		}
		return id, dir, cmd
	}
	left, dir, lost := run()
	_, _, other := run()
	over := make(chan error, 1)
	go func() { over <- lost.Wait() }() // else it stays in its group
	d.endLeft(left)
	if err := <-over; err == nil || err.Error() != "signal: killed" {
		t.Errorf("the process that was left: %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("its group: %v", err)
	}
	d.endLeft("") // nothing has no groups
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("a process of another container: %v", err)
	}
}
