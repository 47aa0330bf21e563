// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
)

// roleLog is a file with what one role of the agent says; the agent's log has it, too.
type roleLog struct {
	file  *logFile
	sink  hclog.SinkAdapter
	level atomic.Int32
	// says tells the role's lines by the names of their loggers.
	says func(logger string) bool
}

// openRoles opens the files of roles that run and have one. A name without a directory stands beside the agent's log file.
func (l *Log) openRoles(cfg *Config) error {
	for _, r := range []struct {
		key, path string
		runs      bool
		says      func(string) bool
	}{
		{"server.log_file", cfg.Server.LogFile, cfg.Server.Enabled, saidByServer},
		{"client.log_file", cfg.Client.LogFile, cfg.Client.Enabled, saidByClient},
	} {
		if !r.runs || r.path == "" {
			continue
		}
		path := r.path
		if l.file != nil && filepath.Base(path) == path {
			path = filepath.Join(filepath.Dir(l.file.path), path)
		}
		file, err := openLogFile(cfg, r.key, path)
		if err != nil {
			return err
		}
		role := &roleLog{file: file, says: r.says}
		role.level.Store(int32(logLevel(cfg.LogLevel)))
		options := logOptions(cfg, file)
		options.Level = hclog.Trace          // Accept looks at the level, which may change
		options.AdditionalLocationOffset = 1 // that of Accept
		role.sink = hclog.NewSinkAdapter(options)
		l.roles = append(l.roles, role)
		l.RegisterSink(role)
	}
	return nil
}

// Accept takes one message of the log.
func (r *roleLog) Accept(name string, level hclog.Level, msg string, args ...any) {
	if at := hclog.Level(r.level.Load()); level < at || at == hclog.Off || !r.says(name) {
		return
	}
	r.sink.Accept(name, level, msg, args...)
}

func saidByClient(logger string) bool {
	first, _, _ := strings.Cut(logger, ".")
	return first == "client"
}

// saidByServer is true for all parts of a server; what is left is the agent's own.
func saidByServer(logger string) bool {
	switch first, _, _ := strings.Cut(logger, "."); first {
	case "client", "agent", "http", "telemetry", "":
		return false
	}
	return true
}
