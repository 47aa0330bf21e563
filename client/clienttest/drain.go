// SPDX-License-Identifier: MPL-2.0

package clienttest

import "github.com/nomadlike/nomadlike/api"

// Drains are the drains that were asked for.
func (s *Servers) Drains() []*api.NodeDrainRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*api.NodeDrainRequest(nil), s.mu.drains...)
}

// drain wants everything stopped that the drain does not leave, and is over at once.
func (s *Servers) drain(r *api.NodeDrainRequest, resp **api.NodeEligibilityResponse) (*api.Meta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.mu.nodes[r.NodeID]
	if n == nil {
		return nil, api.CodeErrorf(api.ClassNotFound, 500, "node not found")
	}
	s.mu.drains = append(s.mu.drains, r)
	for id, a := range s.mu.allocs {
		if a.Job.Type == api.JobTypeSystem && r.DrainSpec.IgnoreSystemJobs {
			continue
		}
		dup := *a
		dup.DesiredStatus, dup.AllocModifyIndex = api.AllocDesiredStop, s.mu.index+1
		s.mu.allocs[id] = &dup
	}
	dup := *n
	dup.SchedulingEligibility, dup.ModifyIndex = api.NodeIneligible, s.mu.index+1
	s.mu.nodes[n.ID] = &dup
	s.bumpLocked()
	*resp = &api.NodeEligibilityResponse{NodeModifyIndex: s.mu.index}
	return &api.Meta{Index: s.mu.index}, nil
}

func (s *Servers) node(r *api.NodeRequest, resp **api.Node) (*api.Meta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*resp = s.mu.nodes[r.NodeID]
	return &api.Meta{Index: s.mu.index}, nil
}
