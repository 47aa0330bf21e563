// SPDX-License-Identifier: MPL-2.0

//go:build linux

package exec_test

import (
	"context"
	"fmt"
	"os"
	"path"
	"testing"

	"github.com/nomadlike/nomadlike/drivers/exec"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

func TestMain(m *testing.M) {
	drivertest.Main(m, drivertest.Roles{
		"driver":      func() { plugins.Serve(exec.New(plugins.Logger())) },
		shim.Argument: shim.Main,
	})
}

// script is a task that runs a shell script.
func script(format string, args ...any) drivertest.Config {
	return drivertest.Config{"command": "/bin/sh", "args": []any{"-c", fmt.Sprintf(format, args...)}}
}

// untilStopped keeps a shell waiting in such a way that its traps run at once.
const untilStopped = `while :; do sleep 3600 & wait $!; done`

// TestDriver runs the suite that every driver passes.
func TestDriver(t *testing.T) {
	testkit.Need(t, "linux", "root", "mounts", "cgroups") // without the last it is not healthy
	drivertest.Run(t, harness())
}

// TestDriverWithOwnUsers runs it with tasks in user namespaces, which have process namespaces too.
func TestDriverWithOwnUsers(t *testing.T) {
	testkit.Need(t, "linux", "root", "mounts", "cgroups") // without the last it is not healthy
	h := harness()
	h.PluginConfig = drivertest.Config{"default_userns_mode": "private"}
	h.Run = func() drivertest.Config { return script("trap 'exit 0' INT TERM; echo ready; %s", untilStopped) }
	h.Announces = true
	drivertest.Run(t, h)
}

func harness() drivertest.Harness {
	return drivertest.Harness{
		Name: exec.Name,
		Setup: func(t testing.TB, config *drivers.TaskConfig) {
			config.Env["NOMAD_ALLOC_DIR"], config.Env["NOMAD_TASK_DIR"], config.Env["NOMAD_SECRETS_DIR"] = "/alloc", "/local", "/secrets"
			config.User = "root" // files of the test are root's
			config.Mounts = []*drivers.Mount{{HostPath: os.TempDir(), TaskPath: os.TempDir()}}
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
		// The first process of a namespace ignores signals that it does not
		// handle yet.
		Run: func() drivertest.Config {
			return drivertest.Config{"command": "sleep", "args": []any{"3600"}, "pid_mode": "host"}
		},
		Stubborn: func() drivertest.Config {
			return script("trap '' TERM; echo ready; while :; do sleep 1; done")
		},
		Print: func(stdout, stderr string) drivertest.Config {
			return script("printf %%s '%s'; printf %%s '%s' >&2", stdout, stderr)
		},
		Trap: func(signal, text string) drivertest.Config {
			return script("trap 'echo %s' %s; echo ready; %s", text, signal[len("SIG"):], untilStopped)
		},
		Await: func(file string, code int) drivertest.Config {
			return script("while [ ! -e '%s' ]; do sleep 0.01; done; rm '%s'; exit %d", file, file, code)
		},
		Invalid:        func() drivertest.Config { return drivertest.Config{"command": "sleep", "work_dir": "not/absolute"} },
		SurvivesPlugin: true,
		Stats:          true,
		Signals:        true,
		Exec:           drivertest.ShellExec(),
	}
}
