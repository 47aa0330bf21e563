// SPDX-License-Identifier: MPL-2.0

// Package drivertest is the suite that every driver passes. It runs the driver
// as the plugin process that it will be in production, over the published
// protocol: the test binary starts itself again.
//
// A driver's test package looks like this:
//
//	func TestMain(m *testing.M) {
//		drivertest.Main(m, drivertest.Roles{
//			"driver": func() { plugins.Serve(rawexec.New(plugins.Logger())) },
//			"shim":   shim.Main, // whatever else the driver starts of its own binary
//		})
//	}
//
//	func TestDriver(t *testing.T) {
//		drivertest.Run(t, drivertest.Harness{Name: "raw_exec", ...})
//	}
//
// It is used by tests only.
package drivertest

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Roles are the entry points of a test binary besides running tests, keyed by
// the first argument.
type Roles map[string]func()

// childEnv marks the processes that the suite starts.
const childEnv = "NOMADLIKE_DRIVERTEST_CHILD"

// Main runs the role that the first argument names, or else the tests. It is
// the whole body of TestMain, and does not return.
//
// A process that was started for a role which is not there ends with an error:
// if it ran the tests, those would start it again without end.
func Main(m *testing.M, roles Roles) {
	if len(os.Args) > 1 {
		if role, ok := roles[os.Args[1]]; ok {
			role()
			os.Exit(0)
		}
		if !strings.HasPrefix(os.Args[1], "-") || os.Getenv(childEnv) != "" {
			fmt.Fprintf(os.Stderr, "this test binary has no role %q\n", os.Args[1])
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}

// Config is the config block of a task.
type Config = map[string]any

// Harness says how to have the driver under test do simple things. Fields that
// are nil stand for features that the driver does not have; the tests of such
// a feature are not run, except that the driver must answer that it lacks it
// where the contract has an answer for that.
type Harness struct {
	// Name is the driver's.
	Name string

	// Command starts the plugin; by default this binary with the argument
	// "driver".
	Command []string

	// Env is added to the environment of the plugin.
	Env []string

	// PluginConfig is the agent's config block for the plugin.
	PluginConfig Config

	// Setup makes last changes to a task, such as directories or a user. The
	// directories of the contract and the FIFOs exist already.
	Setup func(t testing.TB, config *drivers.TaskConfig)

	// Exit is a task that ends at once by itself with the code.
	Exit func(code int) Config

	// Run is a task that runs until it is stopped, and ends on the driver's
	// default stop signal.
	Run func() Config

	// Announces says that Run prints "ready" once it is able to end on that
	// signal: the first process of a namespace ignores those without a handler.
	Announces bool

	// Stubborn is a task that ignores the signal SIGTERM and says so by
	// printing "ready" first.
	Stubborn func() Config

	// Print is a task that prints both texts and ends with code 0.
	Print func(stdout, stderr string) Config

	// Trap is a task that prints "ready", then the text when it gets the
	// signal, and runs on.
	Trap func(signal, text string) Config

	// Await is a task that runs until the file exists on the host, removes it
	// and ends with the code.
	Await func(file string, code int) Config

	// Invalid is a config that passes the schema and fails in StartTask.
	Invalid func() Config

	// Explains says that an exit which is no success comes with an error that
	// says so in words.
	Explains bool

	// HidesSignals says that a signal which ends a task shows in the exit code
	// only.
	HidesSignals bool

	// SurvivesPlugin says that tasks run on while the plugin process is dead,
	// and are recovered.
	SurvivesPlugin bool

	// Stats says that the driver has statistics.
	Stats bool

	// Signals says that SignalTask works.
	Signals bool

	// Exec says how to run commands inside the task made by Run.
	Exec *Exec
}

// Exec are commands for a task made by Run. Nil ones are not tried.
type Exec struct {
	// Echo prints the text, without a line end, and ends with the code.
	Echo func(text string, code int) []string

	// EchoStderr prints the text to standard error and ends with code 0.
	EchoStderr func(text string) []string

	// Hang never ends by itself.
	Hang []string

	// Cat copies its input to its output until the input ends.
	Cat []string

	// Sized, on a terminal, waits until that has 40 rows and 120 columns,
	// then prints "sized". Without a terminal it fails.
	Sized []string
}

// ShellExec are the commands of tasks that have /bin/sh and the programs that go with it.
func ShellExec() *Exec {
	sh := func(format string, args ...any) []string {
		return []string{"/bin/sh", "-c", fmt.Sprintf(format, args...)}
	}
	return &Exec{
		Echo:       func(text string, code int) []string { return sh("printf %%s '%s'; exit %d", text, code) },
		EchoStderr: func(text string) []string { return sh("printf %%s '%s' >&2", text) },
		Hang:       []string{"sleep", "3600"},
		Cat:        []string{"cat"},
		Sized:      sh(`until [ "$(stty size)" = "40 120" ]; do [ -t 0 ] || exit 1; sleep 0.01; done; echo sized`),
	}
}
