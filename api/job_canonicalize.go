// SPDX-License-Identifier: MPL-2.0

package api

import (
	"time"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// stage says how far a job is canonicalised.
type stage bool

const (
	// clientStage is what a client library fills in before it sends a job (jobspec.md 1, step 5).
	clientStage stage = false
	// serverStage is the form that is stored.
	serverStage stage = true
)

// CanonicalizeInput fills the defaults that a client fills in: job level update, reschedule and migrate
// are merged into the groups and the group's restart into the tasks. It is what the parse endpoint and
// "job run -output" answer; everything else uses Canonicalize.
func (j *Job) CanonicalizeInput() { j.canonicalize(clientStage) }

// Canonicalize brings the job into the form that is stored: CanonicalizeInput and everything that the
// servers add (default identity, service names, scaling targets, host networks). Every pointer that has a
// default is set, lists hold no nil elements, empty lists and maps are nil. It changes nothing when called
// again.
func (j *Job) Canonicalize() { j.canonicalize(serverStage) }

func (j *Job) canonicalize(at stage) {
	typeinfo.Tidy(j)
	setDefault(&j.Name, j.ID)
	setDefault(&j.Region, DefaultRegion)
	setDefault(&j.Namespace, DefaultNamespace)
	setDefault(&j.Type, JobTypeService)
	setDefaultPtr(&j.Priority, JobDefaultPriority)
	if len(j.Datacenters) == 0 {
		j.Datacenters = []string{"*"}
	}
	if at == serverStage {
		setDefault(&j.NodePool, NodePoolDefault)
	}
	canonicalizePlacement(j.Constraints, j.Affinities, j.Spreads)
	j.Periodic.canonicalize()
	j.ParameterizedJob.canonicalize()
	j.Multiregion.canonicalize()

	if j.rollsUpdates() {
		if j.Update == nil {
			j.Update = &UpdateStrategy{}
		}
		if !j.Update.isJobLevelForm() {
			typeinfo.Fill(j.Update, defaultUpdate())
		}
	}
	for _, g := range j.TaskGroups {
		g.canonicalize(j, at)
	}
	if at == serverStage {
		j.Update = j.jobLevelUpdate()
		j.Reschedule, j.Migrate = nil, nil // merged into the groups
	}
}

// rollsUpdates reports whether jobs of the type have update blocks.
func (j *Job) rollsUpdates() bool { return j.Type == JobTypeService || j.Type == JobTypeSystem }

// jobLevelUpdate returns what stays of the job level update block once it was merged into the groups:
// stagger and max_parallel, everything else zero.
func (j *Job) jobLevelUpdate() *UpdateStrategy {
	u := &UpdateStrategy{
		Stagger: new(time.Duration), MaxParallel: new(int), MinHealthyTime: new(time.Duration),
		HealthyDeadline: new(time.Duration), ProgressDeadline: new(time.Duration),
		AutoRevert: new(bool), AutoPromote: new(bool), Canary: new(int),
	}
	if j.Update != nil {
		*u.Stagger, *u.MaxParallel = Val(j.Update.Stagger), Val(j.Update.MaxParallel)
	}
	return u
}

// isJobLevelForm reports whether u is what jobLevelUpdate returns: a job that was read back.
func (u *UpdateStrategy) isJobLevelForm() bool {
	return u != nil && u.HealthCheck == "" &&
		isSetToZero(u.MinHealthyTime) && isSetToZero(u.HealthyDeadline) && isSetToZero(u.ProgressDeadline) &&
		isSetToZero(u.AutoRevert) && isSetToZero(u.AutoPromote) && isSetToZero(u.Canary)
}

// base returns what the groups inherit of a job level update block.
func (u *UpdateStrategy) base() *UpdateStrategy {
	if !u.isJobLevelForm() {
		return u
	}
	if isZeroPtr(u.Stagger) && isZeroPtr(u.MaxParallel) {
		return nil
	}
	return &UpdateStrategy{Stagger: u.Stagger, MaxParallel: u.MaxParallel}
}

func (p *Periodic) canonicalize() {
	if p == nil {
		return
	}
	setDefaultPtr(&p.Enabled, true)
	setDefault(&p.SpecType, "cron")
	setDefault(&p.TimeZone, "UTC")
	if p.Specs == nil {
		p.Specs = []string{} // never null, as recorded
	}
}

func (p *ParameterizedJob) canonicalize() {
	if p != nil {
		setDefault(&p.Payload, "optional")
	}
}

func (m *Multiregion) canonicalize() {
	if m == nil {
		return
	}
	if m.Strategy == nil {
		m.Strategy = &MultiregionStrategy{}
	}
	for _, r := range m.Regions {
		if r.Count == 0 {
			r.Count = 1
		}
	}
}

func canonicalizePlacement(constraints []*Constraint, affinities []*Affinity, spreads []*Spread) {
	for _, c := range constraints {
		setDefault(&c.Operand, "=")
	}
	for _, a := range affinities {
		setDefault(&a.Operand, "=")
		setDefaultPtr(&a.Weight, DefaultWeight)
	}
	for _, s := range spreads {
		setDefaultPtr(&s.Weight, DefaultWeight)
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func setDefaultPtr[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

func isZeroPtr[T comparable](p *T) bool {
	var zero T
	return p == nil || *p == zero
}

func isSetToZero[T comparable](p *T) bool { return p != nil && isZeroPtr(p) }
