// SPDX-License-Identifier: MPL-2.0

//go:build unix

package agent

import (
	"bytes"
	"fmt"
	"log/syslog"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
)

var facilities = map[string]syslog.Priority{
	"KERN": syslog.LOG_KERN, "USER": syslog.LOG_USER, "MAIL": syslog.LOG_MAIL, "DAEMON": syslog.LOG_DAEMON, "AUTH": syslog.LOG_AUTH,
	"SYSLOG": syslog.LOG_SYSLOG, "LPR": syslog.LOG_LPR, "NEWS": syslog.LOG_NEWS, "UUCP": syslog.LOG_UUCP, "CRON": syslog.LOG_CRON,
	"AUTHPRIV": syslog.LOG_AUTHPRIV, "FTP": syslog.LOG_FTP, "LOCAL0": syslog.LOG_LOCAL0, "LOCAL1": syslog.LOG_LOCAL1,
	"LOCAL2": syslog.LOG_LOCAL2, "LOCAL3": syslog.LOG_LOCAL3, "LOCAL4": syslog.LOG_LOCAL4, "LOCAL5": syslog.LOG_LOCAL5,
	"LOCAL6": syslog.LOG_LOCAL6, "LOCAL7": syslog.LOG_LOCAL7,
}

// checkSyslog says what is wrong with the syslog settings.
func checkSyslog(cfg *Config) error {
	if _, ok := facilities[strings.ToUpper(cfg.SyslogFacility)]; !ok {
		return fmt.Errorf("syslog_facility: unknown facility %q", cfg.SyslogFacility)
	}
	return nil
}

// syslogSink sends the log to syslog with its levels.
type syslogSink struct {
	level          atomic.Int32
	out            *syslog.Writer
	json, location bool
}

func openSyslog(cfg *Config) (*syslogSink, error) {
	out, err := syslog.New(facilities[strings.ToUpper(cfg.SyslogFacility)]|syslog.LOG_INFO, "nomad")
	if err != nil {
		return nil, fmt.Errorf("enable_syslog: %w", err)
	}
	s := &syslogSink{out: out, json: cfg.LogJSON, location: cfg.LogIncludeLocation}
	s.level.Store(int32(logLevel(cfg.LogLevel)))
	return s, nil
}

func (s *syslogSink) close() { s.out.Close() }

// Accept takes one message of the log. What syslog does not take is lost.
func (s *syslogSink) Accept(name string, level hclog.Level, msg string, args ...any) {
	if at := hclog.Level(s.level.Load()); level < at || at == hclog.Off {
		return
	}
	var b bytes.Buffer
	hclog.NewSinkAdapter(&hclog.LoggerOptions{
		Level: hclog.Trace, Output: &b, JSONFormat: s.json, DisableTime: true, IncludeLocation: s.location, AdditionalLocationOffset: 1,
	}).Accept(name, level, msg, args...)
	text := strings.TrimSpace(b.String())
	//nolint:errcheck // there is nowhere to complain
	switch level {
	case hclog.Error:
		s.out.Err(text)
	case hclog.Warn:
		s.out.Warning(text)
	case hclog.Info:
		s.out.Info(text)
	default:
		s.out.Debug(text)
	}
}
