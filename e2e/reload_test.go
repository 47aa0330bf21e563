// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
)

// TestReloadKeepsWorkers changes the level of the log and the scheduler workers in the agent's file: each is followed, and
// the workers that were set through the API stay as long as the file says nothing else of them.
func TestReloadKeepsWorkers(t *testing.T) {
	a := newAgent(t, false, "").start()
	if _, err := a.client.Agent().SetSchedulerWorkerConfig(nomad.SchedulerWorkerPoolArgs{NumSchedulers: 1, EnabledSchedulers: []string{"batch"}}, nil); err != nil {
		t.Fatal(err)
	}
	reload := func(old, now string) {
		t.Helper()
		file := filepath.Join(a.dir, "agent.hcl")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, now, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := a.client.Agent().Reload(nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(num int, kinds string) {
		t.Helper()
		w, err := a.client.Agent().GetSchedulerWorkerConfig(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(w.EnabledSchedulers, ","); w.NumSchedulers != num || got != kinds {
			t.Errorf("%d workers for %s, want %d for %s", w.NumSchedulers, got, num, kinds)
		}
	}
	reload(`log_level = "DEBUG"`, `log_level = "TRACE"`)
	self, err := a.client.Agent().Self()
	if err != nil {
		t.Fatal(err)
	}
	if l := self.Config["LogLevel"]; l != "TRACE" {
		t.Errorf("log level %v", l)
	}
	expect(1, "batch,_core")
	reload("bootstrap_expect = 1", "bootstrap_expect = 1\n  num_schedulers = 0")
	expect(0, "service,batch,system,sysbatch,_core")
	reload("num_schedulers = 0", "num_schedulers = 1\n  enabled_schedulers = [\"system\"]")
	expect(1, "system,_core")
}
