// SPDX-License-Identifier: MPL-2.0

package api

import "github.com/nomadlike/nomadlike/internal/typeinfo"

// SpecEqual reports whether two canonical jobs ask for the same: registering the one over the other
// makes no new version (jobspec.md 9.7). What the servers write into a job does not count.
func SpecEqual(a, b *Job) bool {
	if a == nil || b == nil {
		return a == b
	}
	return typeinfo.Equal(a.spec(), b.spec())
}

// spec returns a copy without what the servers write; it shares everything else.
func (j *Job) spec() *Job {
	s := *j
	s.Status, s.StatusDescription, s.Stable, s.Version, s.SubmitTime = "", "", false, 0, 0
	s.CreateIndex, s.ModifyIndex, s.JobModifyIndex, s.VersionTag, s.NomadTokenID = 0, 0, 0, nil, ""
	s.TaskGroups = make([]*TaskGroup, len(j.TaskGroups))
	for i, g := range j.TaskGroups {
		s.TaskGroups[i] = g
		if g == nil || g.Scaling == nil {
			continue
		}
		group, scaling := *g, *g.Scaling
		scaling.ID, scaling.CreateIndex, scaling.ModifyIndex = "", 0, 0
		group.Scaling = &scaling
		s.TaskGroups[i] = &group
	}
	return &s
}
