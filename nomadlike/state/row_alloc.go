// SPDX-License-Identifier: MPL-2.0

package state

import (
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

// allocRow is a row of Allocs in a snapshot. What allocations share is apart, as numbers of shared parts.
type allocRow struct {
	Alloc     *api.Allocation
	Job       uint32
	Resources uint32
	Metrics   uint32
}

func encodeAlloc(e *rowEncoder, a *api.Allocation) {
	r := allocRow{
		Job:       ref(e, &e.jobs, recordJob, a.Job),
		Resources: ref(e, &e.resources, recordResources, a.AllocatedResources),
		Metrics:   ref(e, &e.metrics, recordMetrics, a.Metrics),
	}
	c := *a
	c.Job, c.AllocatedResources, c.Metrics = nil, nil, nil
	r.Alloc = &c
	e.row(&r)
}

func decodeAlloc(d *rowDecoder) (*api.Allocation, error) {
	r := allocRow{Alloc: &api.Allocation{}}
	if err := d.row(&r); err != nil {
		return nil, err
	}
	a := r.Alloc
	if a == nil {
		return nil, fmt.Errorf("%w: row without an allocation", errDamaged)
	}
	var err error
	if a.Job, err = deref(&d.jobs, r.Job); err != nil {
		return nil, err
	}
	if a.AllocatedResources, err = deref(&d.resources, r.Resources); err != nil {
		return nil, err
	}
	if a.Metrics, err = deref(&d.metrics, r.Metrics); err != nil {
		return nil, err
	}
	for _, s := range [...]*string{
		&a.Namespace, &a.EvalID, &a.NodeID, &a.NodeName, &a.JobID, &a.TaskGroup, &a.DeploymentID, &a.SigningKeyID,
		&a.DesiredStatus, &a.DesiredDescription, &a.ClientStatus, &a.ClientDescription,
	} {
		*s = d.text(*s)
	}
	if j := a.Job; j != nil && j.ID == a.JobID {
		a.JobID, a.Namespace = j.ID, j.Namespace
	}
	ShareTaskTexts(a.TaskStates, d.text)
	return a, nil
}

// ShareTaskTexts replaces the texts that very many task states repeat by what share returns for them.
func ShareTaskTexts(states map[string]*api.TaskState, share func(string) string) {
	for _, s := range states {
		if s == nil {
			continue
		}
		s.State = share(s.State)
		for _, e := range s.Events {
			if e == nil {
				continue
			}
			e.Type, e.Message, e.DisplayMessage = share(e.Type), share(e.Message), share(e.DisplayMessage)
		}
	}
}

func init() { Allocs.encode, Allocs.decode = encodeAlloc, decodeAlloc }
