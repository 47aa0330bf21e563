// SPDX-License-Identifier: MPL-2.0

package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/drivers/mock"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/config"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/host"
	"github.com/nomadlike/nomadlike/plugins/process"
)

// deadline bounds each test.
const deadline = 60 * time.Second

// memory is a host.Store.
type memory struct {
	mu      sync.Mutex
	records map[string][]byte
}

func newMemory() *memory { return &memory{records: map[string][]byte{}} }

func (m *memory) PutReattach(driver string, record []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records[driver] = record
	return nil
}

func (m *memory) GetReattach(driver string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[driver], nil
}

func (m *memory) DeleteReattach(driver string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, driver)
	return nil
}

// record is what the store holds for mock_driver.
func (m *memory) record(t *testing.T) process.Record {
	t.Helper()
	data, _ := m.GetReattach(mock.Name)
	var out process.Record
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatalf("stored record %q: %v", data, err)
	}
	return out
}

// fixture is a manager at work.
type fixture struct {
	*host.Manager
	ctx          context.Context
	store        *memory
	fingerprints chan *drivers.Fingerprint
	events       chan *drivers.TaskEvent
	cancel       context.CancelFunc
	ended        chan error
}

func self(t testing.TB, role string) []string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{binary, role}
}

// baseConfig has mock_driver as an internal driver.
func baseConfig(t testing.TB) host.Config {
	return host.Config{
		Logger:   hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
		Internal: []host.Internal{{Name: mock.Name, Command: self(t, "driver")}},
		Driver: &base.DriverHost{
			ClientMinPort: 14000, ClientMaxPort: 14512,
			Topology: &base.Topology{NodeIDs: []uint32{0}, Cores: []base.Core{{BaseSpeed: 1000}}},
		},
	}
}

// run starts a manager and ends it with the test.
func run(t *testing.T, config host.Config) *fixture {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(stop)
	f := &fixture{
		ctx:          ctx,
		fingerprints: make(chan *drivers.Fingerprint, 100),
		events:       make(chan *drivers.TaskEvent, 100),
		ended:        make(chan error, 1),
	}
	if config.Store == nil {
		config.Store = newMemory()
	}
	f.store = config.Store.(*memory)
	config.Fingerprint = func(_ string, fingerprint *drivers.Fingerprint) { f.fingerprints <- fingerprint }
	config.Event = func(_ string, event *drivers.TaskEvent) { f.events <- event }
	f.Manager = host.New(config)
	running, cancel := context.WithCancel(context.Background())
	f.cancel = cancel
	go func() { f.ended <- f.Run(running) }()
	t.Cleanup(func() { _ = f.end(t) }) // tests that care have ended it
	return f
}

// end ends the manager and returns what Run returned.
func (f *fixture) end(t *testing.T) error {
	t.Helper()
	f.cancel()
	select {
	case err := <-f.ended:
		f.ended <- err
		return err
	case <-time.After(deadline):
		t.Fatal("the manager did not end")
		return nil
	}
}

// wait waits for a channel.
func wait[T any](t *testing.T, f *fixture, what string, channel <-chan T) T {
	t.Helper()
	select {
	case value := <-channel:
		return value
	case <-f.ctx.Done():
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

func (f *fixture) driver(t *testing.T) drivers.Driver {
	t.Helper()
	driver, err := f.Get(f.ctx, mock.Name)
	if err != nil {
		t.Fatalf("get the driver: %v", err)
	}
	return driver
}

// startTask starts a task that runs for long.
func (f *fixture) startTask(t *testing.T, id string) *drivers.TaskHandle {
	t.Helper()
	driver := f.driver(t)
	spec, err := driver.TaskConfigSchema(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := config.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	data, err := schema.Encode(map[string]any{"run_for": "10m"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	handle, _, err := driver.StartTask(f.ctx, &drivers.TaskConfig{ID: id, Name: "t", DriverConfig: data})
	if err != nil {
		t.Fatalf("start the task: %v", err)
	}
	return handle
}

func (f *fixture) state(t *testing.T, id string) drivers.TaskState {
	t.Helper()
	status, err := f.driver(t).InspectTask(f.ctx, id)
	if err != nil {
		t.Fatalf("inspect the task: %v", err)
	}
	return status.State
}

func kill(t *testing.T, pid int) {
	t.Helper()
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatalf("kill process %d: %v", pid, err)
	}
}

func TestDriverIsServed(t *testing.T) {
	f := run(t, baseConfig(t))
	wait(t, f, "readiness", f.Ready())
	if got := f.Drivers(); len(got) != 1 || got[0] != mock.Name {
		t.Errorf("the drivers are %q", got)
	}
	first := wait(t, f, "fingerprint", f.fingerprints)
	if first.Err != nil || first.Health != drivers.HealthHealthy {
		t.Errorf("the first fingerprint is %+v, want a healthy one", first)
	}
	f.startTask(t, "a")
	if state := f.state(t, "a"); state != drivers.TaskStateRunning {
		t.Errorf("the task is %s", state)
	}
	if _, err := f.Get(f.ctx, "other"); !errors.Is(err, host.ErrUnknownDriver) {
		t.Errorf("an unknown driver: %v, want %v", err, host.ErrUnknownDriver)
	}
	info, err := f.driver(t).PluginInfo(f.ctx)
	if err != nil || info.Name != mock.Name {
		t.Errorf("the plugin is %+v, %v", info, err)
	}
}

func TestPluginDeath(t *testing.T) {
	f := run(t, baseConfig(t))
	handle := f.startTask(t, "a")
	wait(t, f, "first fingerprint", f.fingerprints)
	old := f.driver(t)
	pid := f.store.record(t).Pid

	kill(t, pid)
	if _, err := old.WaitTask(f.ctx, "a"); !errors.Is(err, drivers.ErrPluginShutdown) {
		t.Errorf("the pending wait returned %v, want %v", err, drivers.ErrPluginShutdown)
	}
	driver := f.driver(t) // waits for the new process
	if f.store.record(t).Pid == pid {
		t.Error("the record is still that of the dead process")
	}
	if _, err := driver.InspectTask(f.ctx, "a"); !errors.Is(err, drivers.ErrTaskNotFound) {
		t.Errorf("inspect in the new process: %v, want %v", err, drivers.ErrTaskNotFound)
	}
	if err := driver.RecoverTask(f.ctx, handle); err != nil {
		t.Fatalf("recover the task: %v", err)
	}
	if state := f.state(t, "a"); state != drivers.TaskStateRunning {
		t.Errorf("the recovered task is %s", state)
	}
	// A single death is not visible in the health of the driver.
	if next := wait(t, f, "second fingerprint", f.fingerprints); next.Health != drivers.HealthHealthy {
		t.Errorf("the fingerprint after the restart is %+v, want a healthy one", next)
	}
}

func TestShutdown(t *testing.T) {
	f := run(t, baseConfig(t))
	f.startTask(t, "a")
	driver := f.driver(t)
	record := f.store.record(t)
	waited := make(chan error, 1)
	go func() {
		_, err := driver.WaitTask(f.ctx, "a")
		waited <- err
	}()
	if err := f.end(t); err != nil {
		t.Errorf("the manager ended with %v", err)
	}
	if err := wait(t, f, "end of the wait", waited); !errors.Is(err, drivers.ErrPluginShutdown) {
		t.Errorf("the pending wait returned %v, want %v", err, drivers.ErrPluginShutdown)
	}
	if _, err := f.Get(f.ctx, mock.Name); !errors.Is(err, drivers.ErrPluginShutdown) {
		t.Errorf("get after the end: %v, want %v", err, drivers.ErrPluginShutdown)
	}
	if data, _ := f.store.GetReattach(mock.Name); data != nil {
		t.Errorf("the record %s was left behind", data)
	}
	if _, err := process.Attach(f.ctx, mock.Name, record, hclog.NewNullLogger()); err == nil {
		t.Error("the plugin process lives on")
	}
}

func TestReattach(t *testing.T) {
	config := baseConfig(t)
	config.Store = newMemory()
	first := run(t, config)
	first.startTask(t, "a")
	pid := first.store.record(t).Pid
	pending := make(chan error, 1)
	driver := first.driver(t)
	go func() {
		_, err := driver.WaitTask(first.ctx, "a")
		pending <- err
	}()
	first.Detach()
	if err := first.end(t); err != nil {
		t.Errorf("the manager ended with %v", err)
	}
	if err := wait(t, first, "end of the wait", pending); !errors.Is(err, drivers.ErrPluginShutdown) {
		t.Errorf("the wait pending at detach returned %v, want %v", err, drivers.ErrPluginShutdown)
	}

	second := run(t, config)
	if state := second.state(t, "a"); state != drivers.TaskStateRunning {
		t.Errorf("the task is %s after reattaching", state)
	}
	if got := second.store.record(t).Pid; got != pid {
		t.Errorf("the process is %d, want the old one, %d", got, pid)
	}
	if fp := wait(t, second, "fingerprint", second.fingerprints); fp.Health != drivers.HealthHealthy {
		t.Errorf("the fingerprint after reattaching is %+v", fp)
	}
	// The death of a process that is not a child is noticed as well.
	kill(t, pid)
	if _, err := second.driver(t).InspectTask(second.ctx, "a"); err == nil {
		t.Error("the killed process still answers")
	}
	second.startTask(t, "b")
}

func TestReattachChanged(t *testing.T) {
	config := baseConfig(t)
	config.Store = newMemory()
	first := run(t, config)
	first.startTask(t, "a")
	pid := first.store.record(t).Pid
	first.Detach()
	_ = first.end(t) // detached, it leaves its process

	config.Blocks = []host.Block{{Label: mock.Name, Config: map[string]any{"fs_isolation": "image"}}}
	second := run(t, config)
	capabilities, err := second.driver(t).Capabilities(second.ctx)
	if err != nil || capabilities.FSIsolation != drivers.FSIsolationImage {
		t.Errorf("the capabilities are %+v, %v; want the new configuration in them", capabilities, err)
	}
	if second.store.record(t).Pid == pid {
		t.Error("the process with the old configuration is still in use")
	}
}

func TestReattachStale(t *testing.T) {
	records := map[string]string{
		"damaged":      `{"Pid":`,
		"dead process": `{"Protocol":"grpc","Network":"unix","Addr":"/nowhere/plugin1","Pid":999999}`,
		"other kind":   `{"Protocol":"netrpc","Network":"unix","Addr":"/nowhere/plugin1","Pid":1}`,
	}
	for name, record := range records {
		t.Run(name, func(t *testing.T) {
			config := baseConfig(t)
			store := newMemory()
			store.records[mock.Name] = []byte(record)
			config.Store = store
			f := run(t, config)
			f.startTask(t, "a")
		})
	}
}

func TestConfigErrorEndsRun(t *testing.T) {
	config := baseConfig(t)
	config.Blocks = []host.Block{{Label: mock.Name, Config: map[string]any{"fs_isolaton": "image"}}}
	f := run(t, config)
	err := wait(t, f, "end of the manager", f.ended)
	f.ended <- err
	if err == nil || !strings.Contains(err.Error(), mock.Name) || !strings.Contains(err.Error(), "fs_isolaton: Invalid label") {
		t.Errorf("the manager ended with %v, want an error about the driver and the option", err)
	}
	wait(t, f, "readiness", f.Ready())
}

// TestRefusedConfigEndsRun checks that an agent does not start with what one of its own drivers refuses.
func TestRefusedConfigEndsRun(t *testing.T) {
	config := baseConfig(t)
	config.Blocks = []host.Block{{Label: mock.Name, Config: map[string]any{"fs_isolation": "imag"}}}
	f := run(t, config)
	err := wait(t, f, "end of the manager", f.ended)
	f.ended <- err
	if err == nil || !strings.Contains(err.Error(), `driver "mock_driver": configuration is not valid: SetConfig failed: fs_isolation: "imag" is not one of`) {
		t.Errorf("the manager ended with %v, want an error about the driver and the option", err)
	}
}

// TestConfigRefusedLater checks that an agent goes on when a driver refuses what it has taken before, or what no
// operator has written.
func TestConfigRefusedLater(t *testing.T) {
	for name, blocks := range map[string][]host.Block{
		"taken before": {{Label: mock.Name, Config: map[string]any{"fs_isolation": "image"}}},
		"no block":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			taken := filepath.Join(t.TempDir(), "taken")
			config := baseConfig(t)
			config.Blocks = blocks
			config.Internal[0].Command, config.Internal[0].Env = self(t, "fickle"), []string{"TEST_TAKEN_ONCE=" + taken}
			if blocks == nil {
				if err := os.WriteFile(taken, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f := run(t, config)
			if blocks != nil {
				if fp := wait(t, f, "fingerprint", f.fingerprints); fp.Err != nil {
					t.Fatalf("the driver does not take its configuration: %v", fp.Err)
				}
				kill(t, f.store.record(t).Pid)
			}
			if fp := wait(t, f, "fingerprint", f.fingerprints); fp.Err == nil || !strings.Contains(fp.HealthDescription, "not in the mood") {
				t.Errorf("the fingerprint is %+v, want the refusal", fp)
			}
			if err := f.end(t); err != nil {
				t.Errorf("the manager ended with %v", err)
			}
		})
	}
}

func TestBrokenPlugin(t *testing.T) {
	for _, role := range []string{"silent", "garbage", "impostor"} {
		t.Run(role, func(t *testing.T) {
			config := baseConfig(t)
			config.Internal[0].Command = self(t, role)
			f := run(t, config)
			wait(t, f, "readiness", f.Ready())
			if fp := wait(t, f, "fingerprint", f.fingerprints); fp.Err == nil || fp.Health != drivers.HealthUndetected || !strings.HasPrefix(fp.HealthDescription, "failed to fingerprint driver: ") {
				t.Errorf("the fingerprint is %+v, want an error and why", fp)
			}
			if _, err := f.Get(f.ctx, mock.Name); err == nil || !drivers.IsRecoverable(err) {
				t.Errorf("get returned %v, want an error that may pass", err)
			}
		})
	}
}

// TestCrashLoop runs a plugin that ends each time it is asked for its health.
func TestCrashLoop(t *testing.T) {
	config := baseConfig(t)
	config.Internal[0].Command = self(t, "fragile")
	f := run(t, config)
	fp := wait(t, f, "fingerprint", f.fingerprints)
	if fp.Health != drivers.HealthUndetected || !errors.Is(fp.Err, drivers.ErrPluginShutdown) {
		t.Errorf("the fingerprint is %+v, want that of a driver that is gone", fp)
	}
	wait(t, f, "readiness", f.Ready())
	// Between two starts the driver is reported as missing, not waited for.
	for {
		_, err := f.Get(f.ctx, mock.Name)
		if err == nil {
			continue // it is just up
		}
		if !drivers.IsRecoverable(err) || !errors.Is(err, drivers.ErrPluginShutdown) {
			t.Errorf("get returned %v, want an error that may pass", err)
		}
		return
	}
}

func TestStuckPlugin(t *testing.T) {
	f := run(t, baseConfig(t))
	f.startTask(t, "a")
	freeze(t, f.store.record(t).Pid)
	if err := f.end(t); err != nil {
		t.Errorf("the manager ended with %v", err)
	}
}

func TestTaskEvents(t *testing.T) {
	config := baseConfig(t)
	config.Internal[0].Command = self(t, "events")
	f := run(t, config)
	event := wait(t, f, "event", f.events)
	if event.Message != "hello" || event.TaskID != "a" || event.Annotations["k"] != "v" {
		t.Errorf("the event is %+v", event)
	}
}

// TestAgentKilled kills an agent the hard way and lets the next one find its
// plugin and task.
func TestAgentKilled(t *testing.T) {
	dir := t.TempDir()
	agent := startAgent(t, dir)
	records := readRecords(t, dir)
	agent.kill(t)
	sockets := filepath.Join(dir, "plugins")
	stale := filepath.Join(sockets, "plugin-dir1")
	if err := os.Mkdir(stale, 0o700); err != nil {
		t.Fatal(err)
	}

	config := baseConfig(t)
	config.Internal[0].Command = self(t, "chatty")
	config.Store = &memory{records: maps.Clone(records)}
	config.SocketDir = sockets
	lines := make(logLines, 100)
	config.Logger = hclog.New(&hclog.LoggerOptions{Output: lines, Level: hclog.Warn})
	f := run(t, config)
	if state := f.state(t, "from-the-first-agent"); state != drivers.TaskStateRunning {
		t.Errorf("the task is %s", state)
	}
	var saved process.Record
	if err := json.Unmarshal(records[mock.Name], &saved); err != nil {
		t.Fatal(err)
	}
	if got := f.store.record(t).Pid; got != saved.Pid {
		t.Errorf("the process is %d, want the old one, %d", got, saved.Pid)
	}
	// Its log has found the way to the second agent.
	if _, err := f.driver(t).Capabilities(f.ctx); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(wait(t, f, "log line", lines), "asked for capabilities") {
	}
	if err := f.end(t); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(sockets); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("sockets of plugins are left after the end: %v", err)
	}
}

// logLines takes log lines.
type logLines chan string

func (l logLines) Write(data []byte) (int, error) {
	select {
	case l <- string(data):
	default:
	}
	return len(data), nil
}

func readRecords(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, mock.Name))
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{mock.Name: data}
}
