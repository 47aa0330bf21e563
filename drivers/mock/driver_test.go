// SPDX-License-Identifier: MPL-2.0

package mock_test

import (
	"testing"

	"github.com/nomadlike/nomadlike/drivers/mock"
	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

func TestMain(m *testing.M) {
	drivertest.Main(m, drivertest.Roles{
		"driver": func() { plugins.Serve(mock.New(plugins.Logger())) },
	})
}

// TestDriver runs the suite that every driver passes.
func TestDriver(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		Name: mock.Name,
		Exit: func(code int) drivertest.Config { return drivertest.Config{"exit_code": code} },
		Run:  func() drivertest.Config { return drivertest.Config{"run_for": "10m"} },
		Stubborn: func() drivertest.Config {
			return drivertest.Config{"run_for": "10m", "kill_after": "10m", "stdout_string": "ready"}
		},
		Print: func(stdout, stderr string) drivertest.Config {
			return drivertest.Config{"stdout_string": stdout, "stderr_string": stderr}
		},
		Invalid:        func() drivertest.Config { return drivertest.Config{"run_for": "soon"} },
		SurvivesPlugin: true,
		Stats:          true,
		Signals:        true,
		Exec:           &drivertest.Exec{Cat: nil},
	})
}
