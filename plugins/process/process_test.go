// SPDX-License-Identifier: MPL-2.0

package process_test

import (
	"bytes"
	"context"
	"encoding/json"
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
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
	"github.com/nomadlike/nomadlike/plugins/process"
)

const deadline = 60 * time.Second

func TestMain(m *testing.M) {
	drivertest.Main(m, drivertest.Roles{
		"driver": func() { plugins.Serve(mock.New(plugins.Logger())) },
		"sleep":  func() { <-time.After(deadline) },
		"chatty": func() { plugins.Serve(chatty{mock.New(plugins.Logger())}) },
		"flood":  func() { plugins.Serve(flood{mock.New(plugins.Logger())}) },
		"tls": func() {
			fmt.Printf("1|2|tcp|127.0.0.1:1|grpc|%s\n", strings.Repeat("MIIB", 100))
			<-time.After(deadline)
		},
		"parent": func() { plugins.Serve(parent{mock.New(plugins.Logger())}) },
	})
}

// chatty prints what nobody asked for, in one line.
type chatty struct{ *mock.Driver }

func (c chatty) Init(context.Context) error {
	_, err := os.NewFile(1, "stdout").Write(bytes.Repeat([]byte("x"), 1<<20))
	return err
}

// flood prints more lines into its log than anyone reads.
type flood struct{ *mock.Driver }

const floodLines = 1 << 20

func (f flood) Init(context.Context) error {
	_, err := os.NewFile(2, "stderr").Write(bytes.Repeat([]byte("xyz\n"), floodLines))
	return err
}

// parent leaves a process behind that has its output.
type parent struct{ *mock.Driver }

func (p parent) Init(context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "sleep")
	cmd.Stdout, cmd.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
	if err := cmd.Start(); err != nil {
		return err
	}
	return errors.New(fmt.Sprint(cmd.Process.Pid))
}

func spec(t *testing.T, role string) process.Spec {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return process.Spec{Name: "test", Command: []string{self, role}, Logger: hclog.NewNullLogger()}
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}

func exited(t *testing.T, ctx context.Context, p *process.Process) {
	t.Helper()
	select {
	case <-p.Exited():
	case <-ctx.Done():
		t.Fatal("the end of the process was not noticed")
	}
}

func TestLaunchAndStop(t *testing.T) {
	ctx := bounded(t)
	p, err := process.Launch(ctx, spec(t, "driver"))
	if err != nil {
		t.Fatal(err)
	}
	record := p.Record()
	if _, err := p.Driver().Capabilities(ctx); err != nil {
		t.Errorf("the plugin does not answer: %v", err)
	}
	p.Stop()
	exited(t, ctx, p)
	p.Stop() // once more does nothing
	if record.Network == "unix" {
		if _, err := os.Stat(filepath.Dir(record.Addr)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the directory of the socket was left behind: %v", err)
		}
	}
}

// TestLongLines checks that a plugin which prints something after its handshake, as a library in it may, does not wait
// for its host.
func TestLongLines(t *testing.T) {
	ctx := bounded(t)
	p, err := process.Launch(ctx, spec(t, "chatty"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	if err := p.Driver().Init(ctx); err != nil {
		t.Errorf("the plugin does not answer: %v", err)
	}
}

// lineCounter counts the lines of a log.
type lineCounter struct{ lines atomic.Int64 }

func (c *lineCounter) Write(data []byte) (int, error) {
	c.lines.Add(int64(bytes.Count(data, []byte("\n"))))
	return len(data), nil
}

// TestFlood: a plugin that prints without end neither stops nor fills the log.
func TestFlood(t *testing.T) {
	ctx := bounded(t)
	s, log := spec(t, "flood"), new(lineCounter)
	s.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: log})
	p, err := process.Launch(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	if err := p.Driver().Init(ctx); err != nil {
		t.Errorf("the plugin does not answer: %v", err)
	}
	// Nearly all has been read by now. A slow machine takes several periods for it.
	if got := log.lines.Load(); got < 1000 || got > floodLines/2 {
		t.Errorf("%d of %d lines are in the log", got, floodLines)
	}
}

func TestAttach(t *testing.T) {
	ctx := bounded(t)
	first, err := process.Launch(ctx, spec(t, "driver"))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Kill()
	first.Detach()
	if _, err := first.Driver().Capabilities(ctx); !errors.Is(err, drivers.ErrPluginShutdown) {
		t.Errorf("a call after detaching returned %v, want %v", err, drivers.ErrPluginShutdown)
	}
	second, err := process.Attach(ctx, "test", first.Record(), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	if second.Record() != first.Record() {
		t.Errorf("the record became %+v", second.Record())
	}
	if _, err := second.Driver().Capabilities(ctx); err != nil {
		t.Errorf("the plugin does not answer: %v", err)
	}
	second.Stop()
	exited(t, ctx, first)
	exited(t, ctx, second)
	if _, err := process.Attach(ctx, "test", first.Record(), hclog.NewNullLogger()); err == nil {
		t.Error("a process that has ended was found")
	}
}

func TestRecordForm(t *testing.T) {
	data, err := json.Marshal(process.Record{Protocol: "grpc", Network: "unix", Addr: "/tmp/plugin1", Pid: 7})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"Protocol":"grpc","Network":"unix","Addr":"/tmp/plugin1","Pid":7}`; string(data) != want {
		t.Errorf("the record is %s, want %s", data, want)
	}
	for name, record := range map[string]process.Record{
		"no process":      {Protocol: "grpc", Network: "unix", Addr: "/tmp/x"},
		"other protocol":  {Protocol: "netrpc", Network: "unix", Addr: "/tmp/x", Pid: 1},
		"unknown network": {Protocol: "grpc", Network: "pigeon", Addr: "x", Pid: 1},
		"bad address":     {Protocol: "grpc", Network: "tcp", Addr: "x", Pid: 1},
	} {
		if _, err := process.Attach(bounded(t), "test", record, hclog.NewNullLogger()); err == nil {
			t.Errorf("a record with %s was accepted", name)
		}
	}
}

// TestLaunchIsCancelled gives up on a plugin that never says anything.
func TestLaunchIsCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := process.Launch(ctx, spec(t, "sleep")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the launch ended with %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestLaunchErrors(t *testing.T) {
	missing := spec(t, "driver")
	missing.Command[0] = filepath.Join(t.TempDir(), "missing")
	none := spec(t, "driver")
	none.Command = nil
	for name, test := range map[string]struct {
		broken process.Spec
		want   string
	}{
		"missing file": {missing, "no such file"}, "no command": {none, "needs a command"}, "unasked TLS": {spec(t, "tls"), "wants TLS"},
	} {
		if _, err := process.Launch(bounded(t), test.broken); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, test.want)
		}
	}
}

// TestExitWithChildren ends a plugin whose child holds its output open.
func TestExitWithChildren(t *testing.T) {
	ctx := bounded(t)
	p, err := process.Launch(ctx, spec(t, "parent"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	var child int
	if _, err := fmt.Sscan(p.Driver().Init(ctx).Error(), &child); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if left, err := os.FindProcess(child); err == nil {
			_ = left.Kill()
		}
	}()
	p.Kill()
	exited(t, ctx, p)
	if _, err := p.Driver().Capabilities(ctx); !errors.Is(err, drivers.ErrPluginShutdown) {
		t.Errorf("a call returned %v, want %v", err, drivers.ErrPluginShutdown)
	}
}

// TestLogs reads what a plugin logs in the log of its host, at its own level.
func TestLogs(t *testing.T) {
	ctx := bounded(t)
	lines := make(logLines, 100)
	loud := spec(t, "driver")
	loud.Logger = hclog.New(&hclog.LoggerOptions{Output: lines})
	p, err := process.Launch(ctx, loud)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	// The task makes the plugin crash, which it says before.
	_, _, err = p.Driver().StartTask(ctx, &drivers.TaskConfig{
		ID: "a", Name: "loud", DriverConfig: []byte("\x82\xb1plugin_exit_after\xa21s\xa7run_for\xa21h"),
	})
	if err != nil && !errors.Is(err, drivers.ErrPluginShutdown) {
		t.Fatal(err)
	}
	exited(t, ctx, p)
	for {
		select {
		case line := <-lines:
			if !strings.Contains(line, "plugin crashes because a task asks for it") {
				continue
			}
			if !strings.Contains(line, "[WARN]") || !strings.Contains(line, "task=loud") {
				t.Errorf("the line is %q", line)
			}
			return
		case <-ctx.Done():
			t.Fatal("the log line did not come")
		}
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
