// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
)

const (
	// monitorLines is how many lines wait for a slow reader of the log; more are lost.
	monitorLines = 512
	// monitorFrame is the most bytes in one frame.
	monitorFrame = 64 << 10
	// eventLog marks frames of logs.
	eventLog = "log"
	// journalSince is how far back the journal is read unless the request says otherwise.
	journalSince = 72 * time.Hour
)

// lines takes the lines of a log without ever blocking whoever logs.
type lines struct {
	c    chan []byte
	lost atomic.Int64
}

// Write queues one line, or counts it as lost.
func (l *lines) Write(p []byte) (int, error) {
	select {
	case l.c <- bytes.Clone(p):
	default:
		l.lost.Add(1)
	}
	return len(p), nil
}

// monitor streams the log as it is written (http-api.md 6.2).
func (a *Agent) monitor(ctx context.Context, r *api.AgentMonitorRequest, s api.Stream) error {
	level := hclog.Info
	if r.LogLevel != "" {
		if level = hclog.LevelFromString(r.LogLevel); level == hclog.NoLevel || level == hclog.Off {
			return api.Errorf(api.ClassInvalid, "Unknown log level: %s", r.LogLevel)
		}
	}
	l := &lines{c: make(chan []byte, monitorLines)}
	opts := logOptions(&Config{LogLevel: level.String(), LogJSON: r.LogJSON, LogIncludeLocation: r.IncludeLocation}, l)
	sink := hclog.NewSinkAdapter(opts)
	a.log.RegisterSink(sink)
	defer a.log.DeregisterSink(sink)
	// An empty frame says that the request was good.
	if err := s.Send(&api.StreamFrame{}); err != nil {
		return nil
	}
	for {
		var batch []byte
		select {
		case line := <-l.c:
			batch = line
		case <-ctx.Done():
			return nil
		}
		for more := true; more && len(batch) < monitorFrame; {
			select {
			case line := <-l.c:
				batch = append(batch, line...)
			default:
				more = false
			}
		}
		if n := l.lost.Swap(0); n > 0 {
			var b bytes.Buffer
			said := *opts
			said.Output, said.IncludeLocation = &b, false
			hclog.New(&said).Warn("lines are missing here because the reader was slow", "count", n)
			batch = append(batch, b.Bytes()...)
		}
		if err := s.Send(&api.StreamFrame{Data: batch, FileEvent: eventLog}); err != nil {
			return nil // the reader has gone
		}
	}
}

// monitorExport reads the log of the past: the agent's log file, or the journal of the service it runs as.
func (a *Agent) monitorExport(ctx context.Context, r *api.AgentMonitorExportRequest, s api.Stream) error {
	switch {
	case r.OnDisk == (r.ServiceName != ""):
		return api.Errorf(api.ClassInvalid, "Exactly one of service_name and on_disk must be set")
	case r.OnDisk && r.Follow:
		return api.Errorf(api.ClassInvalid, "follow cannot be used with on_disk")
	case r.OnDisk:
		return a.exportFile(ctx, s)
	}
	return exportJournal(ctx, r, s)
}

func (a *Agent) exportFile(ctx context.Context, s api.Stream) error {
	if a.log.file == nil {
		return api.Errorf(api.ClassInvalid, "this agent writes no log file; set log_file in its configuration")
	}
	f, err := os.Open(a.log.file.path)
	if err != nil {
		return fmt.Errorf("read log_file: %w", err)
	}
	defer f.Close()
	return copyLog(ctx, f, s)
}

// copyLog sends what can be read.
func copyLog(ctx context.Context, from io.Reader, s api.Stream) error {
	if err := s.Send(&api.StreamFrame{}); err != nil {
		return nil //nolint:nilerr // the reader is gone
	}
	for ctx.Err() == nil {
		buf := make([]byte, monitorFrame)
		n, err := from.Read(buf)
		if n > 0 {
			if err := s.Send(&api.StreamFrame{Data: buf[:n], FileEvent: eventLog}); err != nil {
				return nil //nolint:nilerr // the reader is gone
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read log: %w", err)
		}
	}
	return nil
}

var serviceName = regexp.MustCompile(`^[a-zA-Z0-9:_.@\\][a-zA-Z0-9:_.@\\-]{0,255}$`)

func exportJournal(ctx context.Context, r *api.AgentMonitorExportRequest, s api.Stream) error {
	since := journalSince
	if r.LogsSince != "" {
		var err error
		if since, err = time.ParseDuration(r.LogsSince); err != nil || since <= 0 {
			return api.Errorf(api.ClassInvalid, "logs_since: %q is not a duration such as \"72h\"", r.LogsSince)
		}
	}
	switch {
	case !serviceName.MatchString(r.ServiceName) || !strings.Contains(r.ServiceName, "nomad"):
		// Whoever may read this agent may not read every service of the machine.
		return api.Errorf(api.ClassInvalid, "service_name: %q is not the name of a service with \"nomad\" in it", r.ServiceName)
	case runtime.GOOS != "linux":
		return api.Errorf(api.ClassUnsupported, "only Linux has a journal; use on_disk")
	}
	path, err := exec.LookPath("journalctl")
	if err != nil {
		return api.CodeErrorf(api.ClassUnsupported, 500, "this machine has no journal to read: %s", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	args := []string{"--unit", r.ServiceName, "--no-pager", "--quiet", "--since", "@" + fmt.Sprint(time.Now().Add(-since).Unix())}
	if r.Follow {
		args = append(args, "--follow")
	}
	cmd := exec.CommandContext(ctx, path, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	err = copyLog(ctx, out, s)
	if ctx.Err() != nil || err != nil {
		cancel()
		_ = cmd.Wait() // it was killed
		return err
	}
	if err := cmd.Wait(); err != nil && ctx.Err() == nil {
		return api.CodeErrorf(api.ClassInternal, 500, "read the journal: %s: %s", err, strings.TrimSpace(said.String()))
	}
	return nil
}
