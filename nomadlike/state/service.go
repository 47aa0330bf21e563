// SPDX-License-Identifier: MPL-2.0

package state

import "github.com/nomadlike/nomadlike/api"

// Services holds service registrations by namespace and ID, and by service name, job, node and allocation.
var Services = newTable(schema[api.ServiceRegistration]{
	name:     "services",
	key:      func(s *api.ServiceRegistration) Key { return StringKey(s.Namespace, s.ID) },
	modified: func(s *api.ServiceRegistration) uint64 { return s.ModifyIndex },
	stamp: func(s, old *api.ServiceRegistration, index uint64) {
		s.CreateIndex, s.ModifyIndex = index, index
		if old != nil {
			s.CreateIndex = old.CreateIndex
		}
	},
	indexes: []index[api.ServiceRegistration]{
		{name: ByName, key: func(s *api.ServiceRegistration) (Key, bool) { return StringKey(s.Namespace, s.ServiceName), true }},
		{name: ByJob, key: func(s *api.ServiceRegistration) (Key, bool) { return StringKey(s.Namespace, s.JobID), true }},
		{name: ByNode, key: func(s *api.ServiceRegistration) (Key, bool) { return StringKey(s.NodeID), true }},
		{name: ByAlloc, key: func(s *api.ServiceRegistration) (Key, bool) { return StringKey(s.AllocID), true }},
	},
})
