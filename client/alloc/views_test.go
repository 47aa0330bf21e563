// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// TestViews runs tasks of a driver that hides the host and wants a user for each of them.
func TestViews(t *testing.T) {
	testkit.Need(t, "linux", "root", "mounts")
	inBench(t, func(t *testing.T, b *bench) {
		b.machine.SetCapabilities(drivers.Capabilities{FSIsolation: drivers.FSIsolationUnveil, DynamicWorkloadUsers: true})
		named := tk("named")
		named.User = "nobody"
		r := b.run(allocation(job(api.JobTypeService, tk("t"), named)))
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
		config := b.machine.Config("t")
		view := filepath.Join(b.views, testID+"-t")
		if config.User != "nomad-80000" || b.machine.Config("named").User != "nobody" {
			t.Errorf("users are %q and %q", config.User, b.machine.Config("named").User)
		}
		for name, want := range map[string]string{"NOMAD_ALLOC_DIR": "alloc", "NOMAD_TASK_DIR": "local", "NOMAD_SECRETS_DIR": "secrets"} {
			if got := config.Env[name]; got != filepath.Join(view, want) {
				t.Errorf("%s is %q", name, got)
			}
		}
		if err := os.WriteFile(filepath.Join(view, "local", "f"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := b.file("t/local/f"); got != "x" {
			t.Errorf("the directory of the task has %q", got)
		}
		// An attempt later and an agent later the user is the same, and nobody else's.
		b.machine.Exit("t", 1)
		pass(time.Minute)
		r = b.restart()
		if err := r.Restart(t.Context(), "t", false); err != nil {
			t.Error(err)
		}
		pass(time.Minute)
		if got := b.machine.Config("t").User; got != "nomad-80000" {
			t.Errorf("the user is %q after restarts", got)
		}
		if id, err := b.deps.Tasks.Users.Lend(); err != nil || id != 80001 {
			t.Errorf("the next user is %d, %v", id, err)
		}
		r.Update(stopped(r))
		pass(time.Minute)
		if left, err := os.ReadDir(b.views); err != nil || len(left) > 0 {
			t.Errorf("views are left: %v, %v", left, err)
		}
		if got := b.file("t/local/f"); got != "x" {
			t.Errorf("the directory of the task has %q after its end", got)
		}
		for range 8 {
			if _, err := b.deps.Tasks.Users.Lend(); err != nil {
				t.Error(err)
			}
		}
		if id, err := b.deps.Tasks.Users.Lend(); err != nil || id != 80000 {
			t.Errorf("the user of the ended task is not lent again: %d, %v", id, err)
		}
	})
}
