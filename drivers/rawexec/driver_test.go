// SPDX-License-Identifier: MPL-2.0

//go:build unix

package rawexec_test

import (
	"context"
	"fmt"
	"path"
	"testing"

	"github.com/nomadlike/nomadlike/drivers/rawexec"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

func TestMain(m *testing.M) {
	drivertest.Main(m, drivertest.Roles{
		"driver":      func() { plugins.Serve(rawexec.New(plugins.Logger())) },
		shim.Argument: shim.Main,
	})
}

// script is a task that runs a shell script.
func script(format string, args ...any) drivertest.Config {
	return drivertest.Config{
		"command": "/bin/sh",
		"args":    []any{"-c", fmt.Sprintf(format, args...)},
	}
}

// untilKilled keeps a shell waiting in such a way that its traps run at once.
const untilKilled = `while :; do sleep 3600 & wait $!; done`

// TestDriver runs the suite that every driver passes.
func TestDriver(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		Name:         rawexec.Name,
		PluginConfig: drivertest.Config{"enabled": true},
		// Some tests leave their tasks to a plugin that they have killed.
		Setup: func(t testing.TB, config *drivers.TaskConfig) {
			place := shim.Place{Base: config.AllocDir, Names: []string{
				config.Name, "private", "shim-" + path.Base(config.ID),
			}}
			t.Cleanup(func() {
				if err := shim.Reclaim(context.Background(), place); err != nil {
					t.Error(err)
				}
			})
		},
		Exit: func(code int) drivertest.Config { return script("exit %d", code) },
		Run: func() drivertest.Config {
			return drivertest.Config{"command": "sleep", "args": []any{"3600"}}
		},
		Stubborn: func() drivertest.Config {
			return script("trap '' TERM; echo ready; while :; do sleep 1; done")
		},
		Print: func(stdout, stderr string) drivertest.Config {
			return script("printf %%s '%s'; printf %%s '%s' >&2", stdout, stderr)
		},
		Trap: func(signal, text string) drivertest.Config {
			return script("trap 'echo %s' %s; echo ready; %s", text, signal[len("SIG"):], untilKilled)
		},
		Await: func(file string, code int) drivertest.Config {
			return script("while [ ! -e '%s' ]; do sleep 0.01; done; rm '%s'; exit %d", file, file, code)
		},
		Invalid: func() drivertest.Config {
			return drivertest.Config{"command": "sleep", "work_dir": "not/absolute"}
		},
		SurvivesPlugin: true,
		Stats:          true,
		Signals:        true,
		Exec:           drivertest.ShellExec(),
	})
}
