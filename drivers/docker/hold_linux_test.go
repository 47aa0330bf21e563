// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

// build describes the container of a task, as a start does before it asks the engine for one.
func (w *world) build(task *drivers.TaskConfig) *builder {
	w.t.Helper()
	plugin, _ := w.driver.settings()
	var options taskConfig
	if err := task.DecodeDriverConfig(&options); err != nil {
		w.t.Fatal(err)
	}
	b := &builder{driver: w.driver, plugin: plugin, task: task, options: &options, image: &image{id: testImage}}
	if err := b.build(); err != nil {
		w.t.Fatal(err)
	}
	return b
}

// nothingHeld checks that nothing is mounted for starts any more.
func (w *world) nothingHeld() {
	w.t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		if strings.Contains(line, w.dir) {
			w.t.Errorf("still mounted: %s", line)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(w.dir, heldDir)); err != nil || len(entries) > 0 {
		w.t.Errorf("left: %v, %v", entries, err)
	}
}

// put makes a file, and directories on the way.
func put(t *testing.T, text string, at ...string) {
	t.Helper()
	path := filepath.Join(at...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// again copies a file out of a container and starts it again, as others may.
func (w *world) again(id string) error {
	copied, err := w.engine.CopyFromContainer(w.ctx, id, client.CopyFromContainerOptions{SourcePath: "/bin/busybox"})
	if err != nil {
		return err
	}
	if err := copied.Content.Close(); err != nil {
		return err
	}
	_, err = w.engine.ContainerStart(w.ctx, id, client.ContainerStartOptions{})
	return err
}

// TestSwappedSources: another task of the allocation replaces what a container is to see by links that lead out, after the
// driver has looked at it and before the engine does.
func TestSwappedSources(t *testing.T) {
	testkit.Need(t, "root", "mounts")
	t.Parallel()
	w := newWorld(t, nil)
	outside := filepath.Join(w.dir, "outside")
	put(t, "host", outside, "f")
	config := script(`[ "$(cat /x/f /y/f /z)" = 123 ]`)
	config["volumes"] = []any{"local/x:/x"}
	config["mount"] = []any{
		map[string]any{"type": "bind", "source": "local/y", "target": "/y"},
		map[string]any{"type": "bind", "source": "local/z/f", "target": "/z", "readonly": true},
	}
	task := w.task(config)
	sources := []string{"x", "y", "z"}
	for i, source := range sources {
		put(t, strconv.Itoa(i+1), task.LocalDir(), source, "f")
	}
	b := w.build(task)
	for _, source := range sources {
		at := filepath.Join(task.LocalDir(), source)
		if err := errors.Join(os.Rename(at, at+".away"), os.Symlink(outside, at)); err != nil {
			t.Fatal(err)
		}
	}
	found, err := w.driver.launch(w.ctx, &b.out)
	if err != nil {
		t.Fatal(err)
	}
	waiting := w.engine.ContainerWait(w.ctx, found.ID, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case result := <-waiting.Result:
		if result.StatusCode != 0 {
			t.Error("the container sees the host")
		}
	case err := <-waiting.Error:
		t.Fatal(err)
	}
	// Others can look at the container, and start it, as long as the task is there.
	if err := w.again(found.ID); err != nil {
		t.Error(err)
	}
	w.driver.letGo(task)
	w.nothingHeld()
	if err := w.again(found.ID); err == nil {
		t.Error("the container starts with nothing in the place of its directories")
	}
	if err := os.RemoveAll(heldPath(task)); err != nil { // the engine makes directories for volumes first
		t.Fatal(err)
	}
	// What leads out when it is looked at is refused.
	if _, _, err := w.driver.StartTask(w.ctx, task); err == nil || !strings.Contains(err.Error(), "outside the allocation directory") {
		t.Errorf("links in place of the directories of a task: %v", err)
	}
	w.nothingHeld()
}

// TestSources: what may be the source of a bind, and what is made if it is missing.
func TestSources(t *testing.T) {
	testkit.Need(t, "root", "mounts")
	t.Parallel()
	w := newWorld(t, nil)
	config := script(`cat /beneath/f /absolute/f /file; [ -S /socket ] && [ -d /new ] && [ ! -e /all/.held ] && echo y >/new/f`)
	config["volumes"] = []any{"local/beneath:/beneath", "local/absolute:/absolute", "local/new/dir:/new", "..:/all:ro"}
	config["mount"] = []any{
		map[string]any{"type": "bind", "source": "local/dir/f", "target": "/file"},
		map[string]any{"type": "bind", "source": "local/socket", "target": "/socket"},
	}
	task := w.task(config)
	local := task.LocalDir()
	put(t, "x", local, "dir", "f")
	socket, err := net.Listen("unix", filepath.Join(local, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := errors.Join(os.Symlink("dir", filepath.Join(local, "beneath")), os.Symlink(filepath.Join(local, "dir"), filepath.Join(local, "absolute"))); err != nil {
		t.Fatal(err)
	}
	if got := w.run(task); got != "xxx" {
		t.Errorf("the container printed %q", got)
	}
	if text, err := os.ReadFile(filepath.Join(local, "new", "dir", "f")); string(text) != "y\n" {
		t.Errorf("the missing directory was not made: %q, %v", text, err)
	}
	if err := w.driver.DestroyTask(w.ctx, task.ID, false); err != nil {
		t.Fatal(err)
	}
	w.nothingHeld()

	config = script("true")
	config["mount"] = []any{map[string]any{"type": "bind", "source": "local/missing", "target": "/x"}}
	task = w.task(config)
	if _, _, err := w.driver.StartTask(w.ctx, task); err == nil || !errors.Is(err, errNoSource) || drivers.IsRecoverable(err) {
		t.Errorf("a mount of what is missing: %v", err)
	}
	if _, err := os.Stat(filepath.Join(task.LocalDir(), "missing")); err == nil {
		t.Error("the missing source of a mount was made")
	}
	config = script("true")
	config["command"] = "no-such-program"
	if _, _, err := w.driver.StartTask(w.ctx, w.task(config)); err == nil {
		t.Error("a program that is not there has started")
	}
	w.nothingHeld()

	// No link is followed that was put in place after the path was resolved.
	if fd, err := openBeneath(local, "beneath/f", true); !errors.Is(err, errLink) && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a link on the way: %d, %v", fd, err)
	}
}

// TestHeldByTheKilled: what a killed process has left mounted goes with the next start of the task, with the end of its
// allocation and with the allocation, and takes nothing along that is mounted below the sources.
func TestHeldByTheKilled(t *testing.T) {
	testkit.Need(t, "root", "mounts")
	t.Parallel()
	w := newWorld(t, nil)
	root, err := allocdir.OpenRoot(w.dir, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	config := script("true")
	config["volumes"] = []any{"..:/all"}
	task := w.task(config)
	dir, err := root.Create(task.AllocID, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := dir.BuildTask("web", 1); err != nil {
		t.Fatal(err)
	}
	put(t, "x", task.SecretsDir(), "f")
	w.build(task)
	w.run(task)
	if err := w.driver.DestroyTask(w.ctx, task.ID, false); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Join(w.dir, heldDir)); err != nil || len(entries) > 0 {
		t.Errorf("left after the next start: %v, %v", entries, err)
	}
	if _, err := os.Stat(filepath.Join(task.SecretsDir(), "f")); err != nil {
		t.Errorf("the secrets of the task were unmounted: %v", err)
	}
	w.build(task)
	if err := dir.ReleaseSecrets(nil); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(filepath.Join(w.dir, heldDir)); err != nil || len(entries) > 0 {
		t.Errorf("left after the end of the tasks: %v, %v", entries, err)
	}
	w.build(task)
	if err := root.Destroy(task.AllocID); err != nil {
		t.Error(err)
	}
	w.nothingHeld()
}

// BenchmarkHold is what a start takes longer because the sources of the container are held.
func BenchmarkHold(b *testing.B) {
	testkit.Need(b, "root", "mounts")
	needEngine(b)
	dir := filepath.Join(b.TempDir(), "00000000-0000-4000-a000-000000000000")
	d := New(hclog.NewNullLogger())
	if err := configure(d, drivertest.Config{}); err != nil {
		b.Fatal(err)
	}
	names := []string{"alloc", "web/local", "web/secrets", "alloc/logs"}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		builder := &builder{driver: d, plugin: &pluginConfig{}, task: &drivers.TaskConfig{Name: "web", AllocDir: dir}}
		for _, name := range names {
			if _, err := builder.source(filepath.Join(dir, name), true); err != nil {
				b.Fatal(err)
			}
		}
		d.letGo(builder.task)
	}
}
