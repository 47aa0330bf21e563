// SPDX-License-Identifier: MPL-2.0

package state

import "github.com/nomadlike/nomadlike/api"

// autopilotConfigs is the table of the autopilot configuration, which has one row.
type autopilotConfigs struct {
	*Table[api.AutopilotConfiguration]
}

// AutopilotConfig holds how the leader looks after the servers.
var AutopilotConfig = &autopilotConfigs{newTable(schema[api.AutopilotConfiguration]{
	name:     "autopilot_config",
	key:      func(*api.AutopilotConfiguration) Key { return Key{} },
	modified: func(c *api.AutopilotConfiguration) uint64 { return c.ModifyIndex },
	stamp: func(c, old *api.AutopilotConfiguration, index uint64) {
		c.CreateIndex, c.ModifyIndex = index, index
		if old != nil {
			c.CreateIndex = old.CreateIndex
		}
	},
})}

// Get returns the stored configuration, nil before the first is stored.
func (t *autopilotConfigs) Get(r Reader) *api.AutopilotConfiguration { return t.getKey(r, Key{}) }

// Current returns the stored configuration or the default.
func (t *autopilotConfigs) Current(r Reader) *api.AutopilotConfiguration {
	if c := t.Get(r); c != nil {
		return c
	}
	return api.DefaultAutopilotConfiguration()
}
