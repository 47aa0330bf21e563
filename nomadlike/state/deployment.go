// SPDX-License-Identifier: MPL-2.0

package state

import (
	"maps"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// Deployments holds deployments by ID, in the order of creation and by job. Its neighbours are the
// status of the job and, the other way, the counters that allocations move.
var Deployments = newTable(schema[api.Deployment]{
	name:     "deployments",
	key:      func(d *api.Deployment) Key { return StringKey(d.ID) },
	created:  func(d *api.Deployment) Key { return Key{P: d.CreateIndex, A: d.ID} },
	modified: func(d *api.Deployment) uint64 { return d.ModifyIndex },
	stamp: func(d, old *api.Deployment, index uint64) {
		d.CreateIndex, d.ModifyIndex = index, index
		if old != nil {
			d.CreateIndex = old.CreateIndex
		}
	},
	indexes: []index[api.Deployment]{{
		name: ByJob,
		key:  func(d *api.Deployment) (Key, bool) { return StringKey(d.Namespace, d.JobID), true },
		live: Active,
	}},
})

func init() {
	Deployments.put = func(w *WriteTx, old, d *api.Deployment) {
		if old == nil || Active(old) != Active(d) {
			w.jobs.mark(d.Namespace, d.JobID)
		}
	}
	Deployments.del = func(w *WriteTx, old *api.Deployment) { w.jobs.mark(old.Namespace, old.JobID) }
}

// Active reports whether the deployment is not at its end.
func Active(d *api.Deployment) bool {
	switch d.Status {
	case api.DeploymentFailed, api.DeploymentSuccessful, api.DeploymentCancelled:
		return false
	}
	return true
}

// LatestDeployment returns the newest deployment of a job, nil when there is none.
func LatestDeployment(r Reader, namespace, jobID string) *api.Deployment {
	var latest *api.Deployment
	for d := range Deployments.By(r, ByJob, namespace, jobID) {
		if latest == nil || d.CreateIndex > latest.CreateIndex {
			latest = d
		}
	}
	return latest
}

// deploymentRules collects what a transaction's allocations mean for the counters of deployments.
type deploymentRules struct {
	byID  map[string]map[string]*deploymentDelta
	order []string
}

type deploymentDelta struct {
	placed, healthy, unhealthy int
	canaries                   []string
	// placedAt and healthyAt are the newest such times, in unix nanoseconds, 0 for none.
	placedAt, healthyAt int64
}

func (r *deploymentRules) delta(id, group string) *deploymentDelta {
	groups := r.byID[id]
	if groups == nil {
		groups = map[string]*deploymentDelta{}
		if r.byID == nil {
			r.byID = map[string]map[string]*deploymentDelta{}
		}
		r.byID[id] = groups
		r.order = append(r.order, id)
	}
	d := groups[group]
	if d == nil {
		d = &deploymentDelta{}
		groups[group] = d
	}
	return d
}

// alloc counts a new or changed allocation in its deployment.
func (r *deploymentRules) alloc(_ *WriteTx, old, a *api.Allocation) {
	if a.DeploymentID == "" {
		return
	}
	placed := old == nil || old.DeploymentID != a.DeploymentID
	var was *bool
	if !placed && old.DeploymentStatus != nil {
		was = old.DeploymentStatus.Healthy
	}
	var is *bool
	if a.DeploymentStatus != nil {
		is = a.DeploymentStatus.Healthy
	}
	if !placed && (was == is || was != nil && is != nil && *was == *is) {
		return
	}
	d := r.delta(a.DeploymentID, a.TaskGroup)
	if placed {
		d.placed++
		d.placedAt = max(d.placedAt, a.ModifyTime)
		if a.DeploymentStatus != nil && a.DeploymentStatus.Canary {
			d.canaries = append(d.canaries, a.ID)
		}
	}
	if was != nil {
		if *was {
			d.healthy--
		} else {
			d.unhealthy--
		}
	}
	if is == nil {
		return
	}
	if !*is {
		d.unhealthy++
		return
	}
	d.healthy++
	at := a.ModifyTime
	if a.DeploymentStatus.Timestamp != nil {
		at = a.DeploymentStatus.Timestamp.UnixNano()
	}
	d.healthyAt = max(d.healthyAt, at)
}

// flush writes the counters and progress deadlines that changed (scheduler.md 9.3).
func (r *deploymentRules) flush(w *WriteTx) {
	for _, id := range r.order {
		old := Deployments.Get(w, id)
		if old == nil {
			continue
		}
		c := *old
		c.TaskGroups = maps.Clone(old.TaskGroups)
		for name, delta := range r.byID[id] {
			g := c.TaskGroups[name]
			if g == nil {
				continue
			}
			s := *g
			delta.apply(&s)
			c.TaskGroups[name] = &s
		}
		c.ModifyTime = max(c.ModifyTime, newest(r.byID[id]))
		Deployments.Put(w, &c)
	}
	r.byID, r.order = nil, nil
}

func newest(groups map[string]*deploymentDelta) int64 {
	var at int64
	for _, d := range groups {
		at = max(at, d.placedAt, d.healthyAt)
	}
	return at
}

func (d *deploymentDelta) apply(s *api.DeploymentState) {
	s.PlacedAllocs += d.placed
	s.HealthyAllocs = max(0, s.HealthyAllocs+d.healthy)
	s.UnhealthyAllocs = max(0, s.UnhealthyAllocs+d.unhealthy)
	for _, id := range d.canaries {
		if !slices.Contains(s.PlacedCanaries, id) {
			s.PlacedCanaries = append(slices.Clip(s.PlacedCanaries), id)
		}
	}
	if s.ProgressDeadline <= 0 {
		return
	}
	if d.placedAt > 0 && s.RequireProgressBy == nil {
		s.RequireProgressBy = after(d.placedAt, s.ProgressDeadline)
	}
	if d.healthyAt > 0 {
		if by := after(d.healthyAt, s.ProgressDeadline); s.RequireProgressBy == nil || by.After(*s.RequireProgressBy) {
			s.RequireProgressBy = by
		}
	}
}

func after(unixNano int64, d time.Duration) *time.Time {
	t := time.Unix(0, unixNano).UTC().Add(d)
	return &t
}
