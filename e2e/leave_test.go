// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLeaveThatFails: an agent that cannot drain its node before it ends says why, and its status tells that it did not
// leave in order.
func TestLeaveThatFails(t *testing.T) {
	a := &agent{t: t, dir: t.TempDir(), log: &syncBuffer{}}
	p := freePorts(t, 2)
	a.args = []string{"agent", "-client", "-config", a.write("agent.hcl", fmt.Sprintf(`
data_dir           = %q
bind_addr          = "127.0.0.1"
leave_on_interrupt = true
ports {
  http = %d
}
client {
  servers = ["127.0.0.1:%d"]
  drain_on_shutdown {
    deadline = "1s"
  }
}
`, filepath.Join(a.dir, "data"), p[0], p[1]))}
	a.launch()
	t.Cleanup(func() { _ = a.cmd.Process.Kill() }) // it has ended unless the test failed
	const begun = "==> nomadlike agent started!"
	for !strings.Contains(a.log.String(), begun) {
		select {
		case <-a.exited:
			t.Fatalf("the agent ended:\n%s", a.log)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := a.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-a.exited
	if code := a.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("the status is %d, want 1", code)
	}
	if why := "could not leave in order: drain this node (client.drain_on_shutdown): "; !strings.Contains(a.log.String(), why) {
		t.Errorf("no %q in\n%s", why, a.log)
	}
}
