// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

// TestMetricsOnSignal: USR1 has an agent tell its metrics on standard error, and go on.
func TestMetricsOnSignal(t *testing.T) {
	a := newAgent(t, false, "telemetry {\n  in_memory_collection_interval = \"1s\"\n}\n").start()
	a.eventually("the metrics are told", func() error {
		if err := a.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(a.log.String(), "[G] 'nomad.runtime.num_goroutines") {
			return errors.New("no gauge in what the agent wrote")
		}
		return nil
	})
	a.want(0, "No running jobs", "job", "status")
}
