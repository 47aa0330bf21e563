// SPDX-License-Identifier: MPL-2.0

package scheduler_test

import (
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// TestPortsOfReplacements reschedules an allocation that fails on the only node: each replacement gets a port that none
// before it had, since what has failed may have found its port taken.
func TestPortsOfReplacements(t *testing.T) {
	c := newCluster()
	c.putNode(newNode("n1"))
	c.register(&api.Job{
		ID: "web", Namespace: api.DefaultNamespace, NodePool: api.NodePoolDefault, Datacenters: []string{"*"}, Type: api.JobTypeService,
		TaskGroups: []*api.TaskGroup{{
			Name: "app", Count: new(1), EphemeralDisk: &api.EphemeralDisk{SizeMB: new(10)},
			ReschedulePolicy: &api.ReschedulePolicy{Unlimited: new(true), Delay: new(time.Duration(0)), DelayFunction: "constant"},
			Networks:         []*api.NetworkResource{{DynamicPorts: []*api.Port{{Label: "http"}}}},
			Tasks:            []*api.Task{{Name: "main", Driver: "mock_driver", Resources: &api.Resources{CPU: new(100), MemoryMB: new(100)}}},
		}},
	})
	c.commit()
	seen := map[int]bool{}
	for range 5 {
		c.apply(t, c.process(c.eval("web", api.TriggerAllocFailure)))
		allocs := c.sorted("web")
		newest := allocs[len(allocs)-1]
		seen[newest.AllocatedResources.Shared.Ports[0].Value] = true
		c.setClient(newest.ID, api.AllocClientFailed)
		c.commit()
	}
	if len(seen) != 5 {
		t.Errorf("five allocations had only %d ports: %v", len(seen), seen)
	}
}
