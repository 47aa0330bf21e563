// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client"
)

func TestDrainWaitsForWhatHasToGo(t *testing.T) {
	for name, c := range map[string]struct {
		block    *client.DrainConfig
		deadline time.Duration
		system   string
	}{
		"everything":   {&client.DrainConfig{Deadline: new(time.Minute)}, time.Minute, api.AllocClientComplete},
		"by default":   {&client.DrainConfig{IgnoreSystemJobs: true}, time.Hour, api.AllocClientRunning},
		"forced":       {&client.DrainConfig{Force: true}, -1, api.AllocClientComplete},
		"not asked to": {nil, 0, api.AllocClientRunning},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				b.halt()
				b.cfg.DrainOnShutdown = c.block
				b.boot()
				b.servers.Place(allocation(1, api.JobTypeService), allocation(2, api.JobTypeSystem))
				pass(time.Second)
				if err := b.client.Drain(context.Background()); err != nil {
					t.Fatal(err)
				}
				drains := b.servers.Drains()
				if c.block == nil {
					b.wantStatus(1, api.AllocClientRunning)
					if len(drains) != 0 {
						t.Errorf("%d drains without the block", len(drains))
					}
					return
				}
				b.wantStatus(1, api.AllocClientComplete)
				b.wantStatus(2, c.system)
				if len(drains) != 1 || drains[0].DrainSpec.Deadline != c.deadline || drains[0].DrainSpec.IgnoreSystemJobs != c.block.IgnoreSystemJobs {
					t.Errorf("drains = %+v", drains)
				}
			})
		})
	}
}

func TestDrainEndsWithItsContext(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.halt()
		b.cfg.DrainOnShutdown = &client.DrainConfig{}
		b.boot()
		pass(time.Second)
		b.servers.SetDown(true)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := b.client.Drain(ctx); err == nil {
			t.Error("a drain that no server takes is no error")
		}
	})
}
