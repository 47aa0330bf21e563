// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/moby/moby/api/types/container"
)

// TestDanglingHolders: a container that was to hold a network and does not run is forgotten, one that runs is not.
func TestDanglingHolders(t *testing.T) {
	t.Parallel()
	d := New(hclog.NewNullLogger())
	d.holdPause("c")
	d.mu.tasks["t"] = &task{container: "t"}
	for state, want := range map[container.ContainerState]bool{
		container.StateRunning: false, container.StateRestarting: false, container.StatePaused: false,
		container.StateCreated: true, container.StateExited: true, container.StateDead: true,
	} {
		found := d.dangling([]container.Summary{
			{ID: "c", State: state, Labels: d.ownLabels("a")}, {ID: "t", State: state, Labels: d.ownLabels("a")},
		}, time.Now())
		if got := len(found) == 1 && found[0].ID == "c"; got != want || len(found) > 1 {
			t.Errorf("%s: %d forgotten", state, len(found))
		}
	}
}
