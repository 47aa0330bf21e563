// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package agent

import (
	"errors"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
)

var errNoSyslog = errors.New("enable_syslog: this system has no syslog")

func checkSyslog(*Config) error { return errNoSyslog }

type syslogSink struct{ level atomic.Int32 }

func openSyslog(*Config) (*syslogSink, error) { return nil, errNoSyslog }

func (*syslogSink) close() {}

// Accept is never called: the sink cannot be opened.
func (*syslogSink) Accept(string, hclog.Level, string, ...any) {}
