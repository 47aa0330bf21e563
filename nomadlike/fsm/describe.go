// SPDX-License-Identifier: MPL-2.0

package fsm

import "github.com/nomadlike/nomadlike/api"

// Described is an entry of the raft log for people.
type Described struct {
	// Command is the name of the command.
	Command string
	// Payload points to what the command is about; nil for a batch.
	Payload any
	// Entries are what a batch consists of.
	Entries []*Described
}

// DescribedPlan is what the entry of a plan has.
type DescribedPlan struct {
	EvalID            string
	Place             []*api.Allocation
	Stop              []*api.Allocation
	Evict             []*api.Allocation
	Deployment        *api.Deployment
	DeploymentUpdates []*api.DeploymentStatusUpdate
}

// DescribedPlans is the payload of a PlanApply entry.
type DescribedPlans struct {
	Plans []*DescribedPlan
	Evals []*api.Evaluation
	Time  int64
}

// Describe reads an entry of the raft log without applying it.
func Describe(entry []byte) (*Described, error) {
	c, payload, err := open(entry)
	if err != nil {
		return nil, err
	}
	p, err := c.read(payload)
	if err != nil {
		return nil, err
	}
	d := &Described{Command: c.name, Payload: p}
	switch p := p.(type) {
	case *PlanApplyRequest:
		d.Payload = p.describe()
	case *BatchRequest:
		d.Payload = nil
		for _, e := range p.Entries {
			part, err := Describe(e)
			if err != nil {
				return nil, err
			}
			d.Entries = append(d.Entries, part)
		}
	}
	return d, nil
}

// describe shows the decoded form.
func (p *PlanApplyRequest) describe() *DescribedPlans {
	d := &DescribedPlans{Evals: p.Evals, Time: p.Time}
	for _, c := range p.Plans {
		d.Plans = append(d.Plans, &DescribedPlan{
			EvalID: c.EvalID, Place: c.place, Stop: c.stop, Evict: c.evict, Deployment: c.deployment, DeploymentUpdates: c.deploymentUpdates,
		})
	}
	return d
}
