// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Log is the agent's log: standard output, and a file and syslog where they are configured. What the server or the client
// says may go to a file of its own, too. Others can listen to it at a level of their own.
type Log struct {
	hclog.InterceptLogger
	file  *logFile
	sys   *syslogSink
	roles []*roleLog
}

// OpenLog opens the log of a finished configuration.
func OpenLog(cfg *Config, out io.Writer) (*Log, error) {
	l := &Log{}
	if !cfg.LogJSON {
		out = indented{out}
	}
	if cfg.LogFile != "" {
		var err error
		if l.file, err = openLogFile(cfg, "log_file", cfg.LogFile); err != nil {
			return nil, err
		}
		out = io.MultiWriter(out, l.file)
	}
	l.InterceptLogger = hclog.NewInterceptLogger(logOptions(cfg, out))
	if cfg.EnableSyslog {
		var err error
		if l.sys, err = openSyslog(cfg); err != nil {
			l.Close()
			return nil, err
		}
		l.RegisterSink(l.sys)
	}
	if err := l.openRoles(cfg); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Close closes the log's files.
func (l *Log) Close() {
	if l.file != nil {
		l.file.Close()
	}
	for _, r := range l.roles {
		r.file.Close()
	}
	if l.sys != nil {
		l.sys.close()
	}
}

// SetLevel changes what is logged from now on.
func (l *Log) SetLevel(level hclog.Level) {
	l.InterceptLogger.SetLevel(level)
	if l.sys != nil {
		l.sys.level.Store(int32(level))
	}
	for _, r := range l.roles {
		r.level.Store(int32(level))
	}
}

func logOptions(cfg *Config, out io.Writer) *hclog.LoggerOptions {
	return &hclog.LoggerOptions{
		Level: logLevel(cfg.LogLevel), Output: out, JSONFormat: cfg.LogJSON, IncludeLocation: cfg.LogIncludeLocation,
		TimeFormat: logTime, TimeFn: func() time.Time { return time.Now().UTC() },
	}
}

// logTime is how the log writes times.
const logTime = "2006-01-02T15:04:05.000Z07:00"

// logLevel returns the level of a valid name.
func logLevel(name string) hclog.Level {
	if strings.EqualFold(name, "OFF") {
		return hclog.Off
	}
	return hclog.LevelFromString(name)
}

// indented sets log lines off from what else is printed.
type indented struct{ out io.Writer }

// Write writes one line of the log.
func (w indented) Write(p []byte) (int, error) {
	line := append([]byte("    "), p...)
	if _, err := w.out.Write(line); err != nil {
		return 0, fmt.Errorf("write log: %w", err)
	}
	return len(p), nil
}
