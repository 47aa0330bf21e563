// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/internal/shim/logspec"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/config"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

const patience = 60 * time.Second

// world is a driver in this process with a directory for its tasks.
type world struct {
	t      *testing.T
	ctx    context.Context
	engine *client.Client
	driver *Driver
	dir    string
}

var count atomic.Int64

func newWorld(t *testing.T, settings drivertest.Config) *world {
	t.Helper()
	engine := needEngine(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, engine: engine, dir: t.TempDir(), driver: New(hclog.NewNullLogger())}
	w.configure(settings)
	return w
}

func (w *world) configure(settings drivertest.Config) {
	w.t.Helper()
	if err := configure(w.driver, settings); err != nil {
		w.t.Fatal(err)
	}
}

func configure(d *Driver, settings drivertest.Config) error {
	schema, err := config.Compile(pluginSchema)
	if err != nil {
		return err
	}
	values, err := schema.Encode(settings, nil)
	if err != nil {
		return err
	}
	return d.SetConfig(context.Background(), &base.Config{Values: values, Driver: &base.DriverHost{
		Topology: &base.Topology{Cores: []base.Core{{ID: 0, BaseSpeed: 1000}, {ID: 1, BaseSpeed: 1000}}},
	}})
}

// task returns a task with its directories and a note for its logs.
func (w *world) task(options drivertest.Config) *drivers.TaskConfig {
	w.t.Helper()
	allocID := fmt.Sprintf("00000000-0000-4000-a000-%06d%06d", os.Getpid()%1000000, count.Add(1))
	dir := filepath.Join(w.dir, allocID)
	for _, sub := range []string{"alloc/logs", "web/local", "web/secrets", "web/private"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o777); err != nil {
			w.t.Fatal(err)
		}
	}
	err := logspec.Write(dir, logDir, "web", logspec.Spec{
		StdoutPrefix: "web.stdout", StderrPrefix: "web.stderr", MaxFiles: 3, MaxFileSizeBytes: 1 << 20,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	schema, err := config.Compile(taskSchema)
	if err != nil {
		w.t.Fatal(err)
	}
	encoded, err := schema.Encode(options, &config.Scope{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_, err := w.engine.ContainerRemove(context.Background(), "web-"+allocID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if err != nil && !notFound(err) {
			w.t.Error(err)
		}
		w.driver.letGo(&drivers.TaskConfig{Name: "web", AllocDir: dir})
	})
	return &drivers.TaskConfig{
		ID: allocID + "/web/0000000a", Name: "web", AllocID: allocID, JobName: "shop", DriverConfig: encoded, AllocDir: dir,
		Env:        map[string]string{"NOMAD_ALLOC_DIR": "/alloc", "NOMAD_TASK_DIR": "/local", "NOMAD_SECRETS_DIR": "/secrets", "PATH": "/bin"},
		StdoutPath: filepath.Join(dir, "x"), StderrPath: filepath.Join(dir, "y"),
		Resources: &drivers.Resources{CPUShares: 200, MemoryMB: 64, MemoryMaxMB: 96, Linux: &drivers.LinuxResources{PercentTicks: 0.25}},
	}
}

func (w *world) start(task *drivers.TaskConfig) (*drivers.TaskHandle, *drivers.NetworkOverride) {
	w.t.Helper()
	handle, override, err := w.driver.StartTask(w.ctx, task)
	if err != nil {
		w.t.Fatal(err)
	}
	return handle, override
}

func (w *world) wait(task *drivers.TaskConfig) *drivers.ExitResult {
	w.t.Helper()
	exit, err := w.driver.WaitTask(w.ctx, task.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return exit
}

func logOf(task *drivers.TaskConfig, stream string) string {
	var all strings.Builder
	for i := range 3 {
		text, _ := os.ReadFile(filepath.Join(task.AllocDir, "alloc", "logs", fmt.Sprintf("web.%s.%d", stream, i)))
		all.Write(text)
	}
	return all.String()
}

// run runs a task to its end and returns what it printed.
func (w *world) run(task *drivers.TaskConfig) string {
	w.t.Helper()
	w.start(task)
	if exit := w.wait(task); !exit.Successful() {
		w.t.Errorf("exit is %+v: %s", exit, logOf(task, "stderr"))
	}
	return logOf(task, "stdout")
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not come", what)
		}
	}
}

// TestOptions checks options by what the engine and the task itself say.
func TestOptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, drivertest.Config{
		"extra_labels": []any{"job_*"}, "pids_limit": 50, "allow_caps": []any{"chown", "net_raw", "kill"},
	})
	options := script("id -u; id -G; echo $HOSTNAME; stat -c %%a /scratch; cat /etc/resolv.conf; ls -d /local/sub /alloc/logs /secrets; touch /alloc/logs/x 2>/dev/null || echo read-only; touch /x 2>/dev/null || echo rofs; cat /inherited")
	maps.Copy(options, map[string]any{
		"hostname": "boxy", "labels": []any{map[string]any{"colour": "green"}}, "group_add": []any{"777"},
		"sysctl": []any{map[string]any{"net.core.somaxconn": "77"}}, "ulimit": []any{map[string]any{"nofile": "100:200", "nproc": "50"}},
		"cap_add": []any{"CAP_NET_RAW"}, "cap_drop": []any{"kill"}, "pids_limit": 20, "init": true, "readonly_rootfs": true,
		"extra_hosts": []any{"one:10.0.0.1"}, "cpu_hard_limit": true, "cpu_cfs_period": 50000, "shm_size": 1 << 20, "oom_score_adj": 100,
		"security_opt": []any{"no-new-privileges"}, "volumes": []any{"local/sub:/local/sub:ro"},
		"mount": []any{
			map[string]any{"type": "tmpfs", "target": "/scratch", "tmpfs_options": []any{map[string]any{"size": 1 << 20, "mode": 0o711}}},
		},
		"devices":      []any{map[string]any{"host_path": "/dev/null", "container_path": "/dev/nothing"}},
		"logging":      []any{map[string]any{"type": "json-file", "config": []any{map[string]any{"max-size": "1m"}}}},
		"healthchecks": []any{map[string]any{"disable": true}},
	})
	task := w.task(options)
	task.DNS = &drivers.DNSConfig{Servers: []string{"10.9.8.7"}, Searches: []string{"example.org"}, Options: []string{"ndots:3"}}
	file := filepath.Join(w.dir, "inherited")
	if err := errors.Join(os.WriteFile(file, []byte("from outside\n"), 0o644), os.Mkdir(filepath.Join(task.LocalDir(), "sub"), 0o755)); err != nil {
		t.Fatal(err)
	}
	task.Mounts = []*drivers.Mount{{HostPath: file, TaskPath: "/inherited", Readonly: true}}
	want := "0\n0 777\nboxy\n711\nsearch example.org\nnameserver 10.9.8.7\noptions ndots:3\n/alloc/logs\n/local/sub\n/secrets\nread-only\nrofs\nfrom outside\n"
	if got := w.run(task); got != want {
		t.Errorf("the task printed %q, want %q", got, want)
	}
	found, err := w.engine.ContainerInspect(w.ctx, containerName(task), client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h, c := found.Container.HostConfig, found.Container.Config
	for name, pair := range map[string][2]any{
		"cpu shares": {h.CPUShares, int64(200)}, "memory": {h.Memory, int64(96 << 20)}, "reservation": {h.MemoryReservation, int64(64 << 20)},
		"swap": {h.MemorySwap, int64(96 << 20)}, "pids": {*h.PidsLimit, int64(20)}, "period": {h.CPUPeriod, int64(50000)},
		"quota": {h.CPUQuota, int64(25000)}, "cap add": {fmt.Sprint(h.CapAdd), "[CAP_NET_RAW]"}, "init": {*h.Init, true},
		"cap drop": {slices.Contains(h.CapDrop, "CAP_KILL") && slices.Contains(h.CapDrop, "CAP_MKNOD") && !slices.Contains(h.CapDrop, "CAP_NET_RAW"), true},
		"labels":   {c.Labels["colour"] + c.Labels[allocLabel] + c.Labels[labelPrefix+"job_name"], "green" + task.AllocID + "shop"},
		"sysctl":   {h.Sysctls["net.core.somaxconn"], "77"}, "oom": {h.OomScoreAdj, 100}, "shm": {h.ShmSize, int64(1 << 20)},
		"ulimits": {len(h.Ulimits), 2}, "logging": {h.LogConfig.Config["max-size"], "1m"}, "hosts": {fmt.Sprint(h.ExtraHosts), "[one:10.0.0.1]"},
		"device": {h.Devices[0].PathInContainer + h.Devices[0].CgroupPermissions, "/dev/nothingrwm"}, "health": {c.Healthcheck.Test[0], "NONE"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
	if err := w.driver.DestroyTask(w.ctx, task.ID, false); err != nil {
		t.Error(err)
	}
	if _, err := w.engine.ContainerInspect(w.ctx, containerName(task), client.ContainerInspectOptions{}); !notFound(err) {
		t.Errorf("the container is still there: %v", err)
	}
}

// TestHardwareAddress checks that a container gets its address from an engine of
// any age, in place of a container that is in the way too.
func TestHardwareAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const mac = "02:42:ac:11:77:5a"
	task := w.task(drivertest.Config{
		"image": testImage, "mac_address": mac, "command": "/bin/cat", "args": []any{"/sys/class/net/eth0/address"},
	})
	_, err := w.engine.ContainerCreate(w.ctx, client.ContainerCreateOptions{Name: containerName(task), Image: testImage, Config: &container.Config{Cmd: []string{"true"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.run(task); got != mac+"\n" {
		t.Errorf("the address is %q", got)
	}
	wrong := w.task(drivertest.Config{"image": testImage, "mac_address": mac, "command": "true", "work_dir": "relative"})
	if _, _, err := w.driver.StartTask(w.ctx, wrong); err == nil || !strings.Contains(err.Error(), "Error response from daemon: ") {
		t.Errorf("what the engine refuses: %v", err)
	}
}

// TestRefused checks that mistakes are refused by name and leave nothing behind.
func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, drivertest.Config{"pids_limit": 50})
	outside := filepath.Join(w.dir, "outside")
	if err := os.Mkdir(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	for want, options := range map[string]drivertest.Config{
		"set allow_privileged = true in the docker plugin":                              {"privileged": true},
		"does not allow the following capabilities: sys_admin; name them in allow_caps": {"cap_add": []any{"sys_admin"}},
		`pid_mode "host" is not allowed`:                                                {"pid_mode": "host"},
		`requested runtime "kata" is not allowed; name it in allow_runtimes`:            {"runtime": "kata"},
		"pids_limit cannot be greater":                                                  {"pids_limit": 51},
		"outside the allocation directory":                                              {"volumes": []any{outside + ":/x"}},
		"volumes are not enabled":                                                       {"mount": []any{map[string]any{"target": "/x", "source": "v"}}},
		"is not source:target":                                                          {"volumes": []any{"x"}},
		"a tmpfs has no source":                                                         {"mount": []any{map[string]any{"type": "tmpfs", "target": "/x", "source": "v"}}},
		`Port "http" not found`:                                                         {"ports": []any{"http"}},
		"is no hardware address":                                                        {"mac_address": "nonsense"},
		"cgroup_permissions":                                                            {"devices": []any{map[string]any{"host_path": "/dev/null", "cgroup_permissions": "x"}}},
		"neither soft nor soft:hard":                                                    {"ulimit": []any{map[string]any{"nofile": "lots"}}},
		"isolation is for Windows":                                                      {"isolation": "hyperv"},
		"cpu_cfs_period must be between":                                                {"cpu_cfs_period": 2000000},
		"has to be in the task's local directory":                                       {"image": "no/such:1", "load": "../x.tar"},
		"executable file not found":                                                     {"command": "no-such-program"},
	} {
		config := script("true")
		maps.Copy(config, options)
		task := w.task(config)
		_, _, err := w.driver.StartTask(w.ctx, task)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if drivers.IsRecoverable(err) {
			t.Errorf("%q counts as worth another try", want)
		}
		if _, err := w.engine.ContainerInspect(w.ctx, containerName(task), client.ContainerInspectOptions{}); !notFound(err) {
			t.Errorf("%q: a container is left: %v", want, err)
		}
	}
	// A link does not make a place one of the allocation's.
	task := w.task(drivertest.Config{"image": testImage, "volumes": []any{"local/link:/x"}})
	if err := os.Symlink(outside, filepath.Join(task.LocalDir(), "link")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.driver.StartTask(w.ctx, task); err == nil || !strings.Contains(err.Error(), "outside the allocation") {
		t.Errorf("a link out of the allocation: %v", err)
	}
}

func TestPluginConfig(t *testing.T) {
	t.Parallel()
	for want, settings := range map[string]drivertest.Config{
		"creation_grace is less than minimum":        {"gc": []any{map[string]any{"dangling_containers": []any{map[string]any{"creation_grace": "30s"}}}}},
		"pull_activity_timeout is less than minimum": {"pull_activity_timeout": "30s"},
		"image_pull_timeout":                         {"image_pull_timeout": "soon"},
		"allowed_modes.pid":                          {"allowed_modes": []any{map[string]any{"pid": []any{"nonsense"}}}},
	} {
		if err := configure(New(hclog.NewNullLogger()), settings); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	d := New(hclog.NewNullLogger())
	if err := configure(d, nil); err != nil {
		t.Fatal(err)
	}
	c, _ := d.settings()
	if !c.GC.Image || c.imageDelay != 3*time.Minute || !c.GC.Container || !c.GC.Dangling.Enabled || c.Logging.Config["max-file"] != "2" || c.Volumes.Enabled {
		t.Errorf("defaults are %+v", c)
	}
}

// TestForeignImageStays checks that an image which the driver has not brought is
// never removed, even if a pull confirmed it.
func TestForeignImageStays(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	close(r.hold)
	w := newWorld(t, drivertest.Config{"gc": []any{map[string]any{"image_delay": "0s"}}})
	answer, err := w.engine.ImagePull(w.ctx, r.image(), client.ImagePullOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer)
	_ = answer.Close()
	t.Cleanup(func() {
		_, _ = w.engine.ImageRemove(context.Background(), r.image(), client.ImageRemoveOptions{Force: true})
	})
	task := w.task(drivertest.Config{"image": r.image(), "command": "true", "force_pull": true})
	w.run(task)
	if err := w.driver.DestroyTask(w.ctx, task.ID, true); err != nil {
		t.Fatal(err)
	}
	w.driver.images.mu.Lock()
	defer w.driver.images.mu.Unlock()
	if n := len(w.driver.images.mu.removals) + len(w.driver.images.mu.brought); n != 0 {
		t.Errorf("the image is about to be removed")
	}
	if _, err := w.engine.ImageInspect(w.ctx, r.image()); err != nil {
		t.Error(err)
	}
}

// save imports an image and returns it as an archive; the engine does not have
// it by that name then.
func (w *world) save(name string) []byte {
	w.t.Helper()
	importImage(w.t, w.engine, name)
	saved, err := w.engine.ImageSave(w.ctx, []string{name})
	if err != nil {
		w.t.Fatal(err)
	}
	var archive bytes.Buffer
	_, err = io.Copy(&archive, saved)
	_ = saved.Close()
	if err != nil {
		w.t.Fatal(err)
	}
	w.dropImages(name)
	w.t.Cleanup(func() { w.dropImages(name) })
	return archive.Bytes()
}

func (w *world) dropImages(names ...string) {
	for _, name := range names {
		_, _ = w.engine.ImageRemove(context.Background(), name, client.ImageRemoveOptions{Force: true})
	}
}

// load is a task that prints a word out of an image in an archive.
func (w *world) load(name string, archive []byte) *drivers.TaskConfig {
	w.t.Helper()
	task := w.task(drivertest.Config{"image": name, "load": "box.tar", "command": "echo", "args": []any{"loaded"}})
	if err := os.WriteFile(filepath.Join(task.LocalDir(), "box.tar"), archive, 0o644); err != nil {
		w.t.Fatal(err)
	}
	return task
}

func TestLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	name := fmt.Sprintf("nomadlike-test/loaded-%d:1", os.Getpid())
	if got := w.run(w.load(name, w.save(name))); got != "loaded\n" {
		t.Errorf("output is %q", got)
	}
}

// TestOnlyOwnNamesGo checks what becomes of an image that an archive brought: the
// names that others gave it stay, and with them the image, and one that the
// engine had by another name is not taken for one that was brought.
func TestOnlyOwnNamesGo(t *testing.T) {
	t.Parallel()
	name := fmt.Sprintf("nomadlike-test/brought-%d:1", os.Getpid())
	theirs := fmt.Sprintf("nomadlike-test/theirs-%d:1", os.Getpid())
	tag := func(w *world) {
		t.Helper()
		if _, err := w.engine.ImageTag(w.ctx, client.ImageTagOptions{Source: name, Target: theirs}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.dropImages(theirs) })
	}
	has := func(w *world, name string) bool {
		_, err := w.engine.ImageInspect(w.ctx, name)
		return err == nil
	}
	w := newWorld(t, drivertest.Config{"gc": []any{map[string]any{"image_delay": "0s"}}})
	archive := w.save(name)

	first := w.load(name, archive)
	w.run(first)
	tag(w)
	if err := w.driver.DestroyTask(w.ctx, first.ID, true); err != nil {
		t.Fatal(err)
	}
	await(t, "the removal of the name", func() bool { return !has(w, name) })
	if !has(w, theirs) {
		t.Fatal("a name that somebody else gave the image is gone")
	}

	second := w.load(name, archive)
	w.run(second)
	if err := w.driver.DestroyTask(w.ctx, second.ID, true); err != nil {
		t.Fatal(err)
	}
	w.driver.images.mu.Lock()
	if len(w.driver.images.mu.removals) != 0 {
		t.Error("an image that the engine had before is about to be removed")
	}
	w.driver.images.mu.Unlock()

	w.dropImages(name, theirs)
	third := w.load(name, archive)
	w.run(third)
	if err := w.driver.DestroyTask(w.ctx, third.ID, true); err != nil {
		t.Fatal(err)
	}
	await(t, "the removal of the image", func() bool { return !has(w, name) })
}

// TestLogsGoOn checks that output is neither lost nor stored twice when another
// process of the plugin goes on with it.
func TestLogsGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	task := w.task(script("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); [ $((i %% 200)) = 0 ] && sleep 0.05; done; echo oops >&2"))
	handle, _ := w.start(task)
	await(t, "output", func() bool { return strings.Contains(logOf(task, "stdout"), "line 300\n") })
	// The first driver stops to look, as if it had died.
	old, err := w.driver.task(task.ID)
	if err != nil {
		t.Fatal(err)
	}
	old.cancel()
	<-old.copied
	second := New(hclog.NewNullLogger())
	if err := configure(second, nil); err != nil {
		t.Fatal(err)
	}
	if err := second.RecoverTask(w.ctx, handle); err != nil {
		t.Fatal(err)
	}
	if _, err := second.WaitTask(w.ctx, task.ID); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&want, "line %d\n", i)
	}
	if got := logOf(task, "stdout"); got != want.String() {
		t.Errorf("output has %d bytes, want %d", len(got), want.Len())
	}
	if got := logOf(task, "stderr"); got != "oops\n" {
		t.Errorf("errors are %q", got)
	}
	if err := second.DestroyTask(w.ctx, task.ID, true); err != nil {
		t.Error(err)
	}
}

// TestOrphans checks that containers of tasks which nobody knows are removed, and
// others are not; and that one in the way of a start makes room.
func TestOrphans(t *testing.T) {
	w := newWorld(t, nil)
	task, lost := w.task(script(untilStopped)), w.task(script(untilStopped))
	w.start(task)
	other := New(hclog.NewNullLogger())
	if err := configure(other, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := other.StartTask(w.ctx, lost); err != nil {
		t.Fatal(err)
	}
	again := *lost
	again.ID = lost.AllocID + "/web/0000000b"
	w.start(&again)
	if err := w.driver.DestroyTask(w.ctx, again.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := other.WaitTask(w.ctx, lost.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := other.StartTask(w.ctx, &drivers.TaskConfig{
		ID: lost.AllocID + "/web/0000000c", Name: lost.Name, AllocID: lost.AllocID, DriverConfig: lost.DriverConfig, AllocDir: lost.AllocDir,
		Env: lost.Env, StdoutPath: os.DevNull, StderrPath: os.DevNull,
	}); err != nil {
		t.Fatal(err)
	}
	// Others use this engine as well, so what would be removed is looked at only.
	list, err := w.engine.ContainerList(w.ctx, client.ContainerListOptions{Filters: make(client.Filters).Add("label", allocLabel)})
	if err != nil {
		t.Fatal(err)
	}
	dangling := func(at time.Time) (mine, theirs bool) {
		t.Helper()
		for _, c := range w.driver.dangling(list.Items, at) {
			mine = mine || c.Labels[allocLabel] == task.AllocID
			theirs = theirs || c.Labels[allocLabel] == lost.AllocID
		}
		return mine, theirs
	}
	if mine, theirs := dangling(time.Now()); mine || theirs {
		t.Error("a young container counts as forgotten")
	}
	if mine, theirs := dangling(time.Now().Add(time.Hour)); mine || !theirs {
		t.Errorf("own task forgotten: %v, task of nobody forgotten: %v", mine, theirs)
	}
	// Containers of other nodes, and of hosts that do not tell theirs, are not this node's to remove.
	w.driver.node = "b2e6f7d8-6c5c-4f0e-9a57-52f1d2c1a111"
	if _, theirs := dangling(time.Now().Add(time.Hour)); theirs {
		t.Error("a container without the label of the node is removed by it")
	}
	for i := range list.Items {
		if c := &list.Items[i]; c.Labels[allocLabel] == lost.AllocID {
			c.Labels[nodeLabel] = w.driver.node
		}
	}
	if _, theirs := dangling(time.Now().Add(time.Hour)); !theirs {
		t.Error("a forgotten container of the node is kept")
	}
	if labels := w.driver.ownLabels(task.AllocID); labels[nodeLabel] != w.driver.node {
		t.Errorf("new containers have the labels %v", labels)
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	const pause = "nomadlike-test/pause:1"
	w := newWorld(t, drivertest.Config{"infra_image": pause})
	importImage(t, w.engine, pause, `CMD ["sleep", "3600"]`)
	options := script("hostname; ls /sys/class/net; cat /etc/hosts")
	options["extra_hosts"] = []any{"outside:host-gateway"}
	task := w.task(options)
	request := &drivers.NetworkRequest{Hostname: "shop"}
	spec, created, err := w.driver.CreateNetwork(w.ctx, task.AllocID, request)
	if err != nil || !created || spec.Mode != drivers.NetworkIsolationGroup || spec.Path == "" {
		t.Fatal(spec, created, err)
	}
	first := spec.Labels[sandboxContainer]
	t.Cleanup(func() {
		if err := w.driver.DestroyNetwork(context.Background(), task.AllocID, spec); err != nil {
			t.Error(err)
		}
		_, err := w.engine.ContainerInspect(context.Background(), pauseName(task.AllocID), client.ContainerInspectOptions{})
		// Others use this engine as well, and may have networks.
		if known := w.driver.known(); !notFound(err) || known[first] || known[spec.Labels[sandboxContainer]] {
			t.Errorf("the container of the network is still there: %v", err)
		}
	})
	if again, created, err := w.driver.CreateNetwork(w.ctx, task.AllocID, request); err != nil || created || again.Labels[sandboxContainer] != spec.Labels[sandboxContainer] {
		t.Error(again, created, err)
	}
	// One that has ended makes room.
	if _, err := w.engine.ContainerStop(w.ctx, pauseName(task.AllocID), client.ContainerStopOptions{Timeout: new(0)}); err != nil {
		t.Fatal(err)
	}
	before := *spec
	ended := spec.Labels[sandboxContainer]
	if spec, created, err = w.driver.CreateNetwork(w.ctx, task.AllocID, request); err != nil || !created || spec.Labels[sandboxContainer] == ended {
		t.Fatal(spec, created, err)
	}
	// One that was only found is nobody's while nobody is in its network.
	idle := func(what string, want bool) {
		t.Helper()
		list, err := w.engine.ContainerList(w.ctx, client.ContainerListOptions{Filters: make(client.Filters).Add("label", allocLabel+"="+task.AllocID)})
		if err != nil || len(list.Items) == 0 {
			t.Fatal(list.Items, err)
		}
		id := spec.Labels[sandboxContainer]
		w.driver.forgetIdle(w.ctx, list.Items)
		if got := !w.driver.known()[id]; got != want {
			t.Errorf("%s: it is forgotten: %t", what, got)
		}
	}
	idle("asked for", false)
	w.driver.forgetPause(spec.Labels[sandboxContainer])
	if err := w.driver.learnPauses(w.ctx); err != nil {
		t.Fatal(err)
	}
	guest := w.task(script(untilStopped))
	guest.AllocID, guest.NetworkIsolation = task.AllocID, spec
	w.start(guest)
	idle("with a guest", false)
	if err := w.driver.DestroyTask(w.ctx, guest.ID, true); err != nil {
		t.Fatal(err)
	}
	idle("without guests", isLocal(w.engine))
	w.driver.holdPause(spec.Labels[sandboxContainer])
	task.NetworkIsolation = spec
	spec.Hosts = &drivers.HostsConfig{Hostname: "shop", Address: "10.1.2.3"}
	got := w.run(task)
	if !strings.HasPrefix(got, "shop\nlo\n127.0.0.1 localhost\n") || !strings.Contains(got, "\n10.1.2.3 shop\n") ||
		!strings.Contains(got, "\n"+bridgeIP(w.ctx, w.engine)+" outside\n") {
		t.Errorf("output is %q", got)
	}
	if err := w.driver.DestroyTask(w.ctx, task.ID, false); err != nil {
		t.Error(err)
	}
	if k := w.driver.mu.keeper; isLocal(w.engine) && k == "" {
		t.Error("what keeps containers running is not known")
	}
	// Nobody may have heard of the newest one.
	if err := w.driver.DestroyNetwork(w.ctx, task.AllocID, &before); err != nil {
		t.Error(err)
	}
	if _, err := w.engine.ContainerInspect(w.ctx, pauseName(task.AllocID), client.ContainerInspectOptions{}); !notFound(err) {
		t.Errorf("the container of the network is still there: %v", err)
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	options := script(untilStopped)
	options["ports"] = []any{"http"}
	task := w.task(options)
	task.Resources.Ports = []*drivers.PortMapping{{Label: "http", Value: 29123, To: 8080, HostIP: "127.0.0.1"}}
	_, override := w.start(task)
	if override == nil || override.IP == "" || override.AutoAdvertise || override.PortMap["http"] != 8080 {
		t.Errorf("override is %+v", override)
	}
	found, err := w.engine.ContainerInspect(w.ctx, containerName(task), client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(found.Container.HostConfig.PortBindings); !strings.Contains(got, "8080/tcp:[{127.0.0.1 29123}]") || !strings.Contains(got, "8080/udp") {
		t.Errorf("ports are %s", got)
	}
}

// TestOutOfMemory checks that the kernel's verdict is passed on. Engines lose it when they hear of the end first, as some
// do on a busy machine, so that not every container will do.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const tries = 5
	for range tries {
		// Engines learn nothing of what ran out of memory before they had told that it was started.
		task := w.task(script("until [ -e /local/go ]; do sleep 0.1; done; head -c 200000000 /dev/zero | yes \"$(head -c 90000000 /dev/zero | busybox tr '\\0' x)\" >/dev/null"))
		task.Resources.MemoryMB, task.Resources.MemoryMaxMB = 16, 0
		w.start(task)
		if err := os.WriteFile(filepath.Join(task.LocalDir(), "go"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		exit := w.wait(task)
		if exit.Successful() {
			t.Fatalf("exit is %+v", exit)
		}
		if exit.OOMKilled {
			return
		}
	}
	t.Errorf("none of %d containers is told to have run out of memory", tries)
}
