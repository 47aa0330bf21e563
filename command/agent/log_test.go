// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
)

func TestLogLines(t *testing.T) {
	dir := t.TempDir()
	cfg := &Config{LogLevel: "WARN", LogFile: dir + "/"}
	var out bytes.Buffer
	log, err := OpenLog(cfg, &out)
	if err != nil {
		t.Fatal(err)
	}
	named := log.Named("server")
	named.Info("hidden")
	named.Warn("shown", "job_id", "a b")
	log.SetLevel(logLevel("info"))
	named.Info("shown now")
	log.SetLevel(logLevel("OFF"))
	named.Error("never")
	log.Close()
	line := regexp.MustCompile(`(?m)^    \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[WARN\]  server: shown: job_id="a b"\n    \S+ \[INFO\]  server: shown now\n$`)
	if !line.MatchString(out.String()) {
		t.Errorf("printed %q", out.String())
	}
	data, err := os.ReadFile(filepath.Join(dir, "nomad.log"))
	if err != nil || string(data) != strings.ReplaceAll(out.String(), "    20", "20") {
		t.Errorf("stored %q %v", data, err)
	}
}

// TestRoleLogs: what a role that runs says is in its own file, too, at the agent's level.
func TestRoleLogs(t *testing.T) {
	dir := t.TempDir()
	cfg := &Config{LogLevel: "WARN", LogFile: filepath.Join(dir, "agent.log")}
	cfg.Server.Enabled, cfg.Server.LogFile = true, "server.log"
	cfg.Client.Enabled, cfg.Client.LogFile = true, filepath.Join(dir, "elsewhere")+"/"
	log, err := OpenLog(cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"server.raft", "broker", "client", "client.task", "http", "clients"} {
		log.Named(name).Info("hidden")
		log.Named(name).Warn("shown", "n", 1)
	}
	log.SetLevel(logLevel("INFO"))
	log.Named("client").Info("shown now")
	log.Close()
	cfg.Server.Enabled = false // a role that does not run has no file
	cfg.Server.LogFile = filepath.Join(dir, "none.log")
	if log, err = OpenLog(cfg, io.Discard); err != nil {
		t.Fatal(err)
	}
	log.Close()
	for path, want := range map[string]string{
		"agent.log":           "server.raft broker client client.task http clients client",
		"server.log":          "server.raft broker clients",
		"elsewhere/nomad.log": "client client.task client",
	} {
		data, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for line := range strings.Lines(string(data)) {
			_, rest, _ := strings.Cut(line, "] ")
			name, _, _ := strings.Cut(strings.TrimSpace(rest), ":")
			names = append(names, name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s has lines of %q, want %q", path, got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "none.log")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a role that does not run has a log: %v", err)
	}
}

// TestRoleLogLocation: the file of a role tells where the line was logged.
func TestRoleLogLocation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "client.log")
	cfg := &Config{LogLevel: "INFO", LogIncludeLocation: true}
	cfg.Client.Enabled, cfg.Client.LogFile = true, file
	var out bytes.Buffer
	log, err := OpenLog(cfg, &out)
	if err != nil {
		t.Fatal(err)
	}
	log.Named("client").Info("said here")
	log.Close()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{out.String(), string(data)} {
		if !strings.Contains(line, "log_test.go:") {
			t.Errorf("the line names another place: %q", line)
		}
	}
}

func TestLogRotation(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		// step passes between two lines of ten bytes.
		step  time.Duration
		files int
	}{
		{"by size", Config{LogRotateBytes: 25}, time.Second, 4},
		{"by size, some kept", Config{LogRotateBytes: 25, LogRotateMaxFiles: 2}, time.Second, 2},
		{"by size, none kept", Config{LogRotateBytes: 25, LogRotateMaxFiles: -1}, time.Second, 0},
		{"by time", Config{LogRotateDuration: time.Hour}, 31 * time.Minute, 4},
		{"once a day", Config{}, 5 * time.Hour, 1},
		{"not yet", Config{}, time.Minute, 0},
	} {
		cfg := c.cfg
		cfg.LogFile = filepath.Join(t.TempDir(), "logs", "agent.log")
		l, err := openLogFile(&cfg, "log_file", cfg.LogFile)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(1795400000, 0)
		l.now = func() time.Time { return now }
		l.mu.since = now
		for range 10 {
			if _, err := io.WriteString(l, "123456789\n"); err != nil {
				t.Fatal(err)
			}
			now = now.Add(c.step)
		}
		files := l.rotated()
		if len(files) != c.files {
			t.Errorf("%s: %v", c.name, files)
		}
		l.Close()
		if cfg.LogRotateMaxFiles != 0 {
			continue
		}
		var all []byte
		for _, f := range append(files, cfg.LogFile) {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, data...)
		}
		if string(all) != strings.Repeat("123456789\n", 10) {
			t.Errorf("%s: all files together are %q", c.name, all)
		}
	}
}

// listening is an agent that has nothing but a log.
func listening(t *testing.T, cfg *Config) *Agent {
	t.Helper()
	log, err := OpenLog(cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return &Agent{cfg: cfg, log: log, logger: log.Named("agent")}
}

// open runs a streaming handler and returns the caller's end.
func open(ctx context.Context, run func(s api.Stream) error) api.Stream {
	caller, handler, finish := opset.Pipe(ctx)
	go func() { finish(run(handler)) }()
	return caller
}

func TestMonitor(t *testing.T) {
	a := listening(t, &Config{LogLevel: "ERROR"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := open(ctx, func(s api.Stream) error {
		return a.monitor(s.Context(), &api.AgentMonitorRequest{LogLevel: "debug"}, s)
	})
	var f api.StreamFrame
	if err := s.Recv(&f); err != nil || len(f.Data) != 0 {
		t.Fatalf("%+v %v", f, err)
	}
	a.logger.Debug("a line", "job_id", "x")
	a.logger.Trace("not this")
	if err := s.Recv(&f); err != nil || f.FileEvent != "log" || !strings.Contains(string(f.Data), "[DEBUG] agent: a line: job_id=x\n") {
		t.Fatalf("%+v %v", f, err)
	}
	// Nobody reads: whoever logs is not held up, and the reader is told afterwards.
	for range 5 * monitorLines {
		a.logger.Info("flood")
	}
	said := ""
	for !strings.Contains(said, "lines are missing here") {
		if err := s.Recv(&f); err != nil {
			t.Fatal(err)
		}
		said += string(f.Data)
	}
	cancel()
	for s.Recv(&f) == nil {
	}
	bad := open(t.Context(), func(s api.Stream) error {
		return a.monitor(s.Context(), &api.AgentMonitorRequest{LogLevel: "loud"}, s)
	})
	if err := bad.Recv(&f); api.AsError(err).HTTPCode() != 400 || err.Error() != "Unknown log level: loud" {
		t.Error(err)
	}
}

func TestMonitorExport(t *testing.T) {
	a := listening(t, &Config{LogLevel: "INFO", LogFile: filepath.Join(t.TempDir(), "agent.log")})
	a.logger.Info("stored")
	read := func(a *Agent, r *api.AgentMonitorExportRequest) (string, error) {
		s := open(t.Context(), func(s api.Stream) error { return a.monitorExport(s.Context(), r, s) })
		text := ""
		for {
			var f api.StreamFrame
			if err := s.Recv(&f); err != nil {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				return text, err
			}
			text += string(f.Data)
		}
	}
	if text, err := read(a, &api.AgentMonitorExportRequest{OnDisk: true}); err != nil || !strings.HasSuffix(text, "agent: stored\n") {
		t.Errorf("%q %v", text, err)
	}
	silent := listening(t, &Config{LogLevel: "INFO"})
	for name, c := range map[string]struct {
		r    api.AgentMonitorExportRequest
		want string
	}{
		"nothing":       {api.AgentMonitorExportRequest{}, "Exactly one of"},
		"both":          {api.AgentMonitorExportRequest{OnDisk: true, ServiceName: "nomad"}, "Exactly one of"},
		"follow a file": {api.AgentMonitorExportRequest{OnDisk: true, Follow: true}, "follow cannot be used with on_disk"},
		"no file":       {api.AgentMonitorExportRequest{OnDisk: true}, "writes no log file"},
		"other service": {api.AgentMonitorExportRequest{ServiceName: "sshd"}, "is not the name of a service"},
		"an option":     {api.AgentMonitorExportRequest{ServiceName: "--nomad"}, "is not the name of a service"},
		"bad time":      {api.AgentMonitorExportRequest{ServiceName: "nomad", LogsSince: "x"}, "is not a duration"},
	} {
		if _, err := read(silent, &c.r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestEnvironmentIsRedacted(t *testing.T) {
	got := environment([]string{"PATH=/bin", "NOMAD_TOKEN=x", "AWS_SECRET_ACCESS_KEY=x", "DB=postgres://u:p@h/", "EMPTY_TOKEN=", "my_password=x", "=C:=x"})
	for name, want := range map[string]string{
		"PATH": "/bin", "NOMAD_TOKEN": redacted, "AWS_SECRET_ACCESS_KEY": redacted, "DB": redacted, "EMPTY_TOKEN": "", "my_password": redacted,
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}
