// SPDX-License-Identifier: MPL-2.0

package host_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/drivers/mock"
	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
	"github.com/nomadlike/nomadlike/plugins/host"
)

// TestMain makes the test binary serve as every kind of plugin.
func TestMain(m *testing.M) {
	drivertest.Main(m, drivertest.Roles{
		"driver":   func() { plugins.Serve(mock.New(plugins.Logger())) },
		"silent":   func() {},
		"garbage":  func() { fmt.Println("this is no handshake") },
		"impostor": func() { plugins.Serve(named("impostor")) },
		"external": func() { plugins.Serve(named(os.Getenv("TEST_DRIVER_NAME"))) },
		"newer":    func() { plugins.Serve(variant{Driver: mock.New(plugins.Logger()), version: "2.0.0"}) },
		"older":    func() { plugins.Serve(variant{Driver: mock.New(plugins.Logger()), version: "0.0.1"}) },
		"future":   func() { plugins.Serve(variant{Driver: mock.New(plugins.Logger()), api: "v9.0.0"}) },
		"ageless":  func() { plugins.Serve(variant{Driver: mock.New(plugins.Logger()), version: "new"}) },
		"plain":    func() { plugins.Serve(plain{variant{Driver: mock.New(plugins.Logger()), name: "plain"}}) },
		"events":   func() { plugins.Serve(eventful{mock.New(plugins.Logger())}) },
		"chatty":   func() { plugins.Serve(chatty{mock.New(plugins.Logger())}) },
		"fragile":  func() { plugins.Serve(fragile{mock.New(plugins.Logger())}) },
		"fickle":   func() { plugins.Serve(fickle{mock.New(plugins.Logger())}) },
		"growing":  func() { plugins.Serve(&growing{Driver: mock.New(plugins.Logger())}) },
		"card":     func() { plugins.ServeDevice(&card{}) },
		"flood":    flood,
		"agent":    agent,
	})
}

// flood is mock_driver in a process that logs without end.
func flood() {
	go func() {
		line := []byte(strings.Repeat("nothing of interest ", 50) + "\n")
		for {
			if _, err := os.Stderr.Write(line); err != nil {
				return
			}
		}
	}()
	plugins.Serve(mock.New(plugins.Logger()))
}

// variant is mock_driver with another identity.
type variant struct {
	*mock.Driver
	name, version, api string
}

func named(name string) variant { return variant{Driver: mock.New(plugins.Logger()), name: name} }

func (v variant) PluginInfo(ctx context.Context) (*base.Info, error) {
	info, err := v.Driver.PluginInfo(ctx)
	if v.name != "" {
		info.Name = v.name
	}
	if v.version != "" {
		info.Version = v.version
	}
	if v.api != "" {
		info.APIVersions = []string{v.api}
	}
	return info, err
}

// plain takes no configuration.
type plain struct{ variant }

func (plain) ConfigSchema(context.Context) (*hclspec.Spec, error) { return nil, nil }

// eventful sends one event.
type eventful struct{ *mock.Driver }

func (eventful) TaskEvents(ctx context.Context) (<-chan *drivers.TaskEvent, error) {
	out := make(chan *drivers.TaskEvent)
	go func() {
		defer close(out)
		select {
		case out <- &drivers.TaskEvent{
			TaskID: "a", Timestamp: time.Now(), Message: "hello", Annotations: map[string]string{"k": "v"},
		}:
		case <-ctx.Done():
		}
		<-ctx.Done()
	}()
	return out, nil
}

// chatty says when it is asked for its capabilities.
type chatty struct{ *mock.Driver }

func (c chatty) Capabilities(ctx context.Context) (*drivers.Capabilities, error) {
	plugins.Logger().Warn("asked for capabilities")
	return c.Driver.Capabilities(ctx)
}

// fickle takes its configuration once for each file that TEST_TAKEN_ONCE names.
type fickle struct{ *mock.Driver }

func (d fickle) SetConfig(ctx context.Context, config *base.Config) error {
	file, err := os.OpenFile(os.Getenv("TEST_TAKEN_ONCE"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.New("not in the mood")
	}
	_ = file.Close() // empty
	return d.Driver.SetConfig(ctx, config)
}

// growing can do more each time that it is asked.
type growing struct {
	*mock.Driver
	asked atomic.Int32
}

func (g *growing) Capabilities(context.Context) (*drivers.Capabilities, error) {
	modes := make([]drivers.NetworkIsolationMode, g.asked.Add(1))
	for i := range modes {
		modes[i] = drivers.NetworkIsolationGroup
	}
	return &drivers.Capabilities{NetworkIsolationModes: modes}, nil
}

// fragile ends when it is asked for its health.
type fragile struct{ *mock.Driver }

func (fragile) Fingerprint(context.Context) (<-chan *drivers.Fingerprint, error) {
	os.Exit(3)
	return nil, nil
}

// directory is a host.Store of files.
type directory string

func (d directory) PutReattach(driver string, record []byte) error {
	return os.WriteFile(filepath.Join(string(d), driver), record, 0o600)
}

func (d directory) GetReattach(driver string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(string(d), driver))
	if os.IsNotExist(err) {
		return nil, nil
	}
	return data, err
}

func (d directory) DeleteReattach(driver string) error {
	return os.RemoveAll(filepath.Join(string(d), driver))
}

// agent is a process that starts a task and then waits to be killed.
func agent() {
	self, err := os.Executable()
	check(err)
	m := host.New(host.Config{
		Logger:   hclog.NewNullLogger(),
		Internal: []host.Internal{{Name: mock.Name, Command: []string{self, "chatty"}}},
		Driver: &base.DriverHost{
			ClientMinPort: 14000, ClientMaxPort: 14512, Topology: &base.Topology{},
		},
		Store: directory(os.Args[2]), SocketDir: filepath.Join(os.Args[2], "plugins"),
	})
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	go func() { check(m.Run(ctx)) }()
	driver, err := m.Get(ctx, mock.Name)
	check(err)
	data, err := hclspec.Encode(map[string]any{"run_for": "10m"})
	check(err)
	_, _, err = driver.StartTask(ctx, &drivers.TaskConfig{
		ID: "from-the-first-agent", Name: "t", DriverConfig: data,
	})
	check(err)
	fmt.Println("ready")
	<-ctx.Done()
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// agentProcess is a running agent.
type agentProcess struct{ cmd *exec.Cmd }

func startAgent(t *testing.T, dir string) agentProcess {
	t.Helper()
	command := self(t, "agent")
	cmd := exec.Command(command[0], command[1], dir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("the agent said %q, %v", line, err)
	}
	return agentProcess{cmd}
}

func (a agentProcess) kill(t *testing.T) {
	t.Helper()
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = a.cmd.Wait() // it was killed
}
