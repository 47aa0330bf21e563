// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// TestExtraHostsOfAllTasks: the containers of an allocation share a hosts file, and all find the names there that they want.
func TestExtraHostsOfAllTasks(t *testing.T) {
	task := &drivers.TaskConfig{AllocDir: t.TempDir()}
	own := &drivers.HostsConfig{Hostname: "shop", Address: "10.0.0.2"}
	text := func(extra ...string) string {
		t.Helper()
		path, err := hostsFile(task, own, extra)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	first := text("db:10.0.0.3")
	if !strings.HasPrefix(first, "127.0.0.1 localhost\n") || !strings.Contains(first, "\n10.0.0.2 shop\n") || !strings.HasSuffix(first, "\n10.0.0.3 db\n") {
		t.Errorf("the first wrote %q", first)
	}
	if second := text("six:::1", "db:10.0.0.3"); !strings.HasPrefix(second, first) || strings.Count(second, "10.0.0.3 db\n") != 1 || !strings.HasSuffix(second, "\n::1 six\n") {
		t.Errorf("the second left %q", second)
	}
	if before, again := text(), text("six:::1"); before != again {
		t.Errorf("a restart made %q of %q", again, before)
	}
	before := text()
	own.Address = "10.0.0.17"
	if moved := text(); moved != strings.Replace(before, "10.0.0.2 shop\n", "10.0.0.17 shop\n", 1) {
		t.Errorf("another address of the allocation made %q of %q", moved, before)
	}
	own.Address = "10.0.0.4"
	if moved := text(); moved != strings.Replace(before, "10.0.0.2 shop\n", "10.0.0.4 shop\n", 1) {
		t.Errorf("a third address of the allocation made %q of %q", moved, before)
	}
	if _, err := hostsFile(task, own, []string{"nothing"}); err == nil {
		t.Error("what has no address is taken")
	}
	if err := os.Truncate(filepath.Join(task.AllocDir, "hosts"), 2*mostHosts); err != nil {
		t.Fatal(err)
	}
	if _, err := hostsFile(task, own, nil); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a container has made the file large: %v", err)
	}
}

// TestHostsAtOnce: tasks of an allocation start at the same time.
func TestHostsAtOnce(t *testing.T) {
	task := &drivers.TaskConfig{AllocDir: t.TempDir()}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, err := hostsFile(task, &drivers.HostsConfig{Hostname: "shop", Address: "10.0.0.2"}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if text, err := os.ReadFile(filepath.Join(task.AllocDir, "hosts")); err != nil || strings.Count(string(text), " shop\n") != 1 {
		t.Errorf("%v: they wrote\n%s", err, text)
	}
}
