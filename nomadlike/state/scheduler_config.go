// SPDX-License-Identifier: MPL-2.0

package state

import "github.com/nomadlike/nomadlike/api"

// schedulerConfigs is the table of the scheduler configuration, which has one row.
type schedulerConfigs struct {
	*Table[api.SchedulerConfiguration]
}

// SchedulerConfig holds the cluster's scheduler configuration.
var SchedulerConfig = &schedulerConfigs{newTable(schema[api.SchedulerConfiguration]{
	name:     "scheduler_config",
	key:      func(*api.SchedulerConfiguration) Key { return Key{} },
	modified: func(c *api.SchedulerConfiguration) uint64 { return c.ModifyIndex },
	stamp: func(c, old *api.SchedulerConfiguration, index uint64) {
		c.CreateIndex, c.ModifyIndex = index, index
		if old != nil {
			c.CreateIndex = old.CreateIndex
		}
	},
})}

// DefaultSchedulerConfig returns the configuration of a cluster that stored none (scheduler.md 11).
func DefaultSchedulerConfig() *api.SchedulerConfiguration {
	return &api.SchedulerConfiguration{
		SchedulerAlgorithm: api.AlgorithmBinpack,
		PreemptionConfig:   api.PreemptionConfig{SystemSchedulerEnabled: true},
	}
}

// Get returns the stored configuration, nil before the first is stored.
func (t *schedulerConfigs) Get(r Reader) *api.SchedulerConfiguration { return t.getKey(r, Key{}) }

// Current returns the stored configuration or the default.
func (t *schedulerConfigs) Current(r Reader) *api.SchedulerConfiguration {
	if c := t.Get(r); c != nil {
		return c
	}
	return DefaultSchedulerConfig()
}

// ForPool returns the current configuration as it holds for the jobs of a node pool. A pool that does not
// exist changes nothing.
func (t *schedulerConfigs) ForPool(r Reader, pool string) *api.SchedulerConfiguration {
	c := t.Current(r)
	if p := NodePools.Get(r, pool); p != nil {
		return p.SchedulerConfiguration.Over(c)
	}
	return c
}
