// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"errors"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

// planUnpacker reads what a planPacker wrote.
type planUnpacker struct {
	unpacker
	jobs      []*api.Job
	resources []*api.AllocatedResources
	bases     []*api.AllocatedResources
	metrics   []*api.AllocMetric
}

func (p *PlanApplyRequest) decodePayload(b []byte) error {
	if len(b) == 0 || b[0] != planFormat {
		return errPlanFormat
	}
	u := &planUnpacker{unpacker: unpacker{b: b[1:]}}
	p.Time = u.int()
	for n := u.count(); n > 0 && u.err == nil; n-- {
		p.Plans = append(p.Plans, u.plan())
	}
	for n := u.count(); n > 0 && u.err == nil; n-- {
		e := &api.Evaluation{}
		u.blob(e)
		p.Evals = append(p.Evals, e)
	}
	if u.err == nil && len(u.b) > 0 {
		return errors.New("bytes after the plans")
	}
	return u.err
}

func (u *planUnpacker) plan() *PlanCommit {
	p := &PlanCommit{EvalID: u.text()}
	u.jobs = nil
	for n := u.count(); n > 0 && u.err == nil; n-- {
		u.jobs = append(u.jobs, &api.Job{Namespace: u.text(), ID: u.text(), Version: u.uint(), CreateIndex: u.uint()})
	}
	if u.bool() {
		p.deployment = &api.Deployment{}
		u.blob(p.deployment)
	}
	for n := u.count(); n > 0 && u.err == nil; n-- {
		p.deploymentUpdates = append(p.deploymentUpdates, &api.DeploymentStatusUpdate{
			DeploymentID: u.text(), Status: u.text(), StatusDescription: u.text(),
		})
	}
	for i, list := range [3]*[]*api.Allocation{&p.stop, &p.evict, &p.place} {
		parts := uint64(stopParts)
		if i == 2 {
			parts = ^uint64(0)
		}
		n := u.count()
		*list = make([]*api.Allocation, 0, n)
		before := &api.Allocation{EvalID: p.EvalID}
		for ; n > 0 && u.err == nil; n-- {
			a := u.alloc(before, parts)
			*list = append(*list, a)
			before = a
		}
	}
	return p
}

func (u *planUnpacker) alloc(b *api.Allocation, parts uint64) *api.Allocation {
	a := new(api.Allocation)
	*a = *b
	a.ID = u.once()
	m := u.uint()
	if m&hasNode != 0 {
		a.NodeID = u.text()
	}
	if m&hasResources != 0 {
		a.AllocatedResources = u.resource()
	}
	if m&hasPrevious != 0 {
		a.PreviousAllocation = u.once()
	}
	if m&hasMetrics != 0 {
		a.Metrics = u.metric()
	}
	if m&hasGroup != 0 {
		a.TaskGroup = u.text()
	}
	if m&hasJob != 0 {
		if n := u.uint(); n < uint64(len(u.jobs)) {
			a.Job = u.jobs[n]
		} else {
			u.fail(fmt.Errorf("job %d of %d", n, len(u.jobs)))
		}
	}
	if parts&hasName != 0 {
		switch {
		case a.Job == nil:
			u.fail(errors.New("placement without a job"))
		case m&hasName != 0:
			a.Name = u.once()
		default:
			a.Name = api.AllocName(a.Job.ID, a.TaskGroup, int(u.uint()&0x7fffffff))
		}
	}
	u.allocRest(a, m)
	return a
}

func (u *planUnpacker) allocRest(a *api.Allocation, m uint64) {
	if m&hasDesired != 0 {
		a.DesiredStatus, a.DesiredDescription = u.text(), u.text()
	}
	if m&hasClient != 0 {
		a.ClientStatus, a.ClientDescription = u.text(), u.text()
	}
	if m&hasEval != 0 {
		a.EvalID = u.text()
	}
	if m&hasDeployment != 0 {
		a.DeploymentID = u.text()
	}
	if m&hasHealth != 0 {
		a.DeploymentStatus = nil
		u.blob(&a.DeploymentStatus)
	}
	if m&hasFollowup != 0 {
		a.FollowupEvalID = u.text()
	}
	if m&hasPreempts != 0 {
		a.PreemptedAllocations = nil
		for n := u.count(); n > 0 && u.err == nil; n-- {
			a.PreemptedAllocations = append(a.PreemptedAllocations, u.once())
		}
	}
	if m&hasPreempted != 0 {
		a.PreemptedByAllocation = u.once()
	}
	if m&hasTracker != 0 {
		a.RescheduleTracker = nil
		u.blob(&a.RescheduleTracker)
	}
	if m&hasStates != 0 {
		a.AllocStates = nil
		u.blob(&a.AllocStates)
	}
	if m&hasSigningKey != 0 {
		a.SigningKeyID = u.text()
	}
}

func (u *planUnpacker) metric() *api.AllocMetric {
	switch n := u.uint(); {
	case n == 0:
		return nil
	case n == 1:
		m := &api.AllocMetric{}
		u.blob(m)
		u.metrics = append(u.metrics, m)
		return m
	case n-2 < uint64(len(u.metrics)):
		return u.metrics[n-2]
	default:
		u.fail(fmt.Errorf("metrics %d of %d", n-2, len(u.metrics)))
		return nil
	}
}

func (u *planUnpacker) resource() *api.AllocatedResources {
	switch n := u.uint(); {
	case n == 0:
		return nil
	case n == 1:
	case n-2 < uint64(len(u.resources)):
		return u.resources[n-2]
	default:
		u.fail(fmt.Errorf("resources %d of %d", n-2, len(u.resources)))
		return nil
	}
	r := &api.AllocatedResources{}
	switch n := u.uint(); {
	case n == 0:
		u.blob(&r.Tasks)
		u.blob(&r.TaskLifecycles)
		u.bases = append(u.bases, r)
	case n-1 < uint64(len(u.bases)):
		r.Tasks, r.TaskLifecycles = u.bases[n-1].Tasks, u.bases[n-1].TaskLifecycles
	default:
		u.fail(fmt.Errorf("resources of base %d of %d", n-1, len(u.bases)))
	}
	r.Shared.DiskMB = int(u.int())
	r.Shared.Networks = u.networks()
	r.Shared.Ports = u.mappings()
	u.resources = append(u.resources, r)
	return r
}

// list reads the length of a list that may be nil.
func (u *unpacker) list() (n int, isNil bool) {
	v := u.uint()
	if v == 0 {
		return 0, true
	}
	if v-1 > uint64(len(u.b)) {
		u.fail(errShort)
		return 0, true
	}
	return int(v - 1), false
}

func (u *unpacker) networks() []*api.NetworkResource {
	n, isNil := u.list()
	if isNil {
		return nil
	}
	list := make([]*api.NetworkResource, 0, n)
	for ; n > 0 && u.err == nil; n-- {
		r := &api.NetworkResource{Mode: u.text(), Device: u.text(), CIDR: u.text(), IP: u.text(), Hostname: u.text()}
		r.MBits = int(u.int())
		if u.bool() {
			u.blob(&r.DNS)
			u.blob(&r.CNI)
		}
		r.ReservedPorts, r.DynamicPorts = u.ports(), u.ports()
		list = append(list, r)
	}
	return list
}

func (u *unpacker) ports() []*api.Port {
	n, isNil := u.list()
	if isNil {
		return nil
	}
	list := make([]*api.Port, 0, n)
	for ; n > 0 && u.err == nil; n-- {
		list = append(list, &api.Port{
			Label: u.text(), Value: int(u.int()), To: int(u.int()), HostNetwork: u.text(), IgnoreCollision: u.bool(),
		})
	}
	return list
}

func (u *unpacker) mappings() []*api.AllocatedPortMapping {
	n, isNil := u.list()
	if isNil {
		return nil
	}
	list := make([]*api.AllocatedPortMapping, 0, n)
	for ; n > 0 && u.err == nil; n-- {
		list = append(list, &api.AllocatedPortMapping{
			Label: u.text(), Value: int(u.int()), To: int(u.int()), HostIP: u.text(), IgnoreCollision: u.bool(),
		})
	}
	return list
}
