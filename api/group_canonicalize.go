// SPDX-License-Identifier: MPL-2.0

package api

import "github.com/nomadlike/nomadlike/internal/typeinfo"

func (g *TaskGroup) canonicalize(job *Job, at stage) {
	canonicalizePlacement(g.Constraints, g.Affinities, g.Spreads)
	g.canonicalizeCount()
	g.canonicalizePolicies(job)
	g.Disconnect.canonicalize()
	if g.EphemeralDisk == nil {
		g.EphemeralDisk = &EphemeralDisk{}
	}
	setDefaultPtr(&g.EphemeralDisk.SizeMB, DefaultDiskMB)
	for _, n := range g.Networks {
		n.canonicalize(at)
	}
	for name, v := range g.Volumes {
		setDefault(&v.Name, name)
	}
	g.Consul.canonicalize()
	g.Scaling.canonicalize(g, at)
	if at == serverStage && g.Scaling != nil {
		g.Scaling.Namespace = ""
		g.Scaling.Target = map[string]string{"Namespace": job.Namespace, "Job": job.ID, "Group": g.Name}
	}
	for _, s := range g.Services {
		s.canonicalize(job, g, nil, at)
	}
	for _, t := range g.Tasks {
		t.canonicalize(job, g, at)
	}
}

// canonicalizeCount sets an unset count, or one of 0, to the lower bound of the scaling block.
func (g *TaskGroup) canonicalizeCount() {
	if g.Scaling != nil && g.Scaling.Min != nil && isZeroPtr(g.Count) {
		g.Count = new(*g.Scaling.Min)
	}
	setDefaultPtr(&g.Count, 1)
}

// canonicalizePolicies merges the job level blocks and the defaults of the job type into the group.
// Blocks that the job type does not allow stay, for Validate to name them.
func (g *TaskGroup) canonicalizePolicies(job *Job) {
	g.Update = merged(g.Update, job.Update.base())
	if job.rollsUpdates() {
		g.Update = merged(g.Update, defaultUpdate())
	}
	g.RestartPolicy = merged(g.RestartPolicy, defaultRestart(job.Type))
	g.ReschedulePolicy = merged(g.ReschedulePolicy, job.Reschedule)
	g.ReschedulePolicy = merged(g.ReschedulePolicy, defaultReschedule(job.Type))
	g.Migrate = merged(g.Migrate, job.Migrate)
	if job.Type == JobTypeService {
		g.Migrate = merged(g.Migrate, defaultMigrate())
	}
}

// merged returns own with its unset keys taken from base; a copy of base when own is nil.
func merged[T any](own, base *T) *T {
	if base == nil {
		return own
	}
	if own == nil {
		return typeinfo.Copy(base)
	}
	typeinfo.Fill(own, base)
	return own
}

func (d *Disconnect) canonicalize() {
	if d == nil {
		return
	}
	setDefaultPtr(&d.Replace, true)
	setDefault(&d.Reconcile, "best_score")
}

func (n *NetworkResource) canonicalize(at stage) {
	if at == clientStage {
		return
	}
	for _, p := range n.ReservedPorts {
		setDefault(&p.HostNetwork, "default")
	}
	for _, p := range n.DynamicPorts {
		setDefault(&p.HostNetwork, "default")
	}
}

func (p *ScalingPolicy) canonicalize(g *TaskGroup, _ stage) {
	if p == nil {
		return
	}
	setDefault(&p.Type, "horizontal")
	setDefaultPtr(&p.Enabled, true)
	if g != nil {
		setDefaultPtr(&p.Min, g.CountOrDefault())
	}
}

func (c *Consul) canonicalize() {
	if c != nil {
		setDefault(&c.Cluster, DefaultCluster)
	}
}

// asked is what the block asks for, which is the same whether it is left out or empty: some clients send it with every
// group.
func (c *Consul) asked() Consul {
	var asked Consul
	if c != nil {
		asked = *c
	}
	asked.canonicalize()
	return asked
}
