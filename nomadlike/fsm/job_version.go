// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// JobStabilityRequest marks a version of a job as stable or not.
type JobStabilityRequest struct {
	Namespace string
	JobID     string
	Version   uint64
	Stable    bool
}

// JobStability answers nothing.
var JobStability = Define(3, "JobStability", jobStability)

func jobStability(w *state.WriteTx, p *JobStabilityRequest) (any, error) {
	v := state.JobVersions.Get(w, p.Namespace, p.JobID, p.Version)
	if v == nil {
		return nil, api.CodeErrorf(api.ClassNotFound, 500, "job %q version %d not found", p.JobID, p.Version)
	}
	setStable(w, v, p.Stable)
	return nil, nil
}

// JobVersionTagRequest names a version of a job, or takes the name away.
type JobVersionTagRequest struct {
	Namespace string
	JobID     string
	Name      string
	// Tag goes to Version, or to the current one when Latest is set; nil takes the name away.
	Tag     *api.JobVersionTag
	Version uint64
	Latest  bool
}

// JobVersionTag answers nothing. A version has one tag at most, a tag is on one version of its job at most.
var JobVersionTag = Define(6, "JobVersionTag", jobVersionTag)

func jobVersionTag(w *state.WriteTx, p *JobVersionTagRequest) (any, error) {
	var named *api.Job
	for v := range state.JobVersions.Of(w, p.Namespace, p.JobID) {
		if v.VersionTag != nil && v.VersionTag.Name == p.Name {
			named = v
		}
	}
	if p.Tag == nil {
		if named == nil {
			return nil, api.CodeErrorf(api.ClassNotFound, 500, "tag %q not found on job %q", p.Name, p.JobID)
		}
		c := *named
		c.VersionTag = nil
		putVersion(w, &c)
		return nil, nil
	}
	version := p.Version
	if j := state.Jobs.Get(w, p.Namespace, p.JobID); p.Latest && j != nil {
		version = j.Version
	}
	v := state.JobVersions.Get(w, p.Namespace, p.JobID, version)
	switch {
	case v == nil:
		return nil, api.CodeErrorf(api.ClassNotFound, 500, "job %q version %d not found", p.JobID, version)
	case named != nil && named.Version != version:
		return nil, api.CodeErrorf(api.ClassConflict, 500, "tag %q already exists on a different version of job %q", p.Name, p.JobID)
	}
	c := *v
	c.VersionTag = p.Tag
	putVersion(w, &c)
	return nil, nil
}

// setStable writes the flag of a version, in both tables when it is the current one.
func setStable(w *state.WriteTx, v *api.Job, stable bool) {
	if v.Stable == stable {
		return
	}
	c := *v
	c.Stable = stable
	putVersion(w, &c)
}

// putVersion stores a version of which not the specification changed, in both tables when it is the current
// one.
func putVersion(w *state.WriteTx, v *api.Job) {
	if j := state.Jobs.Get(w, v.Namespace, v.ID); j != nil && j.Version == v.Version {
		state.Jobs.Put(w, v)
		return
	}
	v.ModifyIndex = w.Index()
	state.JobVersions.Put(w, v)
}
