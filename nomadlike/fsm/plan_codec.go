// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// planFormat is the first byte of a packed plan payload.
const planFormat = 1

// Parts of an allocation that differ from the one before it in the payload, as bits of a varint; the
// frequent ones come first.
const (
	hasNode = 1 << iota
	hasResources
	hasPrevious
	hasMetrics
	hasGroup
	hasJob
	hasName
	hasDesired
	hasClient
	hasEval
	hasDeployment
	hasHealth
	hasFollowup
	hasPreempts
	hasPreempted
	hasTracker
	hasStates
	hasSigningKey
)

// stopParts are the parts that a stop or preemption has.
const stopParts = hasDesired | hasClient | hasFollowup | hasPreempted | hasTracker | hasStates

// planPacker packs the plans of an entry. Shared parts are known by their address.
type planPacker struct {
	packer
	jobs      []*api.Job
	resources map[*api.AllocatedResources]uint64
	bases     map[resourceBase]uint64
	metrics   map[*api.AllocMetric]uint64
}

// resourceBase is what the resources of the allocations of a group share; ports are apart.
type resourceBase struct{ tasks, lifecycles uintptr }

func (p *PlanApplyRequest) appendPayload(b []byte) ([]byte, error) {
	k := &planPacker{
		packer: packer{b: append(b, planFormat)}, resources: map[*api.AllocatedResources]uint64{},
		bases: map[resourceBase]uint64{}, metrics: map[*api.AllocMetric]uint64{},
	}
	k.int(p.Time)
	k.uint(uint64(len(p.Plans)))
	for _, plan := range p.Plans {
		if err := k.plan(plan); err != nil {
			return nil, err
		}
	}
	k.uint(uint64(len(p.Evals)))
	for _, e := range p.Evals {
		k.blob(e)
	}
	return k.b, k.err
}

func (k *planPacker) plan(p *PlanCommit) error {
	k.text(p.EvalID)
	r := p.Result
	if r == nil {
		r = &api.PlanResult{}
	}
	place, stop, evict := flatten(r.NodeAllocation), flatten(r.NodeUpdate), flatten(r.NodePreemptions)
	k.jobs = nil
	for _, a := range place {
		if a.Job == nil && p.Job == nil {
			return fmt.Errorf("placement %s of evaluation %s has no job", a.ID, p.EvalID)
		}
		k.job(jobOf(a, p.Job))
	}
	k.uint(uint64(len(k.jobs)))
	for _, j := range k.jobs {
		k.text(j.Namespace)
		k.text(j.ID)
		k.uint(j.Version)
		k.uint(j.CreateIndex)
	}
	k.bool(r.Deployment != nil)
	if r.Deployment != nil {
		k.blob(r.Deployment)
	}
	k.uint(uint64(len(r.DeploymentUpdates)))
	for _, u := range r.DeploymentUpdates {
		k.text(u.DeploymentID)
		k.text(u.Status)
		k.text(u.StatusDescription)
	}
	for i, list := range [3][]*api.Allocation{stop, evict, place} {
		parts := uint64(stopParts)
		if i == 2 {
			parts = ^uint64(0)
		}
		k.uint(uint64(len(list)))
		before := &api.Allocation{}
		for _, a := range list {
			k.alloc(p, before, a, parts)
			before = a
		}
	}
	return nil
}

func flatten(byNode map[string][]*api.Allocation) []*api.Allocation {
	n := 0
	for _, allocs := range byNode {
		n += len(allocs)
	}
	list := make([]*api.Allocation, 0, n)
	for _, node := range sortedKeys(byNode) {
		for _, a := range byNode[node] {
			if a != nil {
				list = append(list, a)
			}
		}
	}
	return list
}

func jobOf(a *api.Allocation, def *api.Job) *api.Job {
	if a.Job != nil {
		return a.Job
	}
	return def
}

// job returns the number of a job version among those of the plan.
func (k *planPacker) job(j *api.Job) int {
	for n, have := range k.jobs {
		if have == j || have.Version == j.Version && have.ID == j.ID && have.Namespace == j.Namespace && have.CreateIndex == j.CreateIndex {
			return n
		}
	}
	k.jobs = append(k.jobs, j)
	return len(k.jobs) - 1
}

// differing returns the parts in which an allocation differs from the one before it.
func differing(p *PlanCommit, b, a *api.Allocation) uint64 {
	var m uint64
	set := func(bit uint64, differs bool) {
		if differs {
			m |= bit
		}
	}
	set(hasNode, a.NodeID != b.NodeID)
	set(hasResources, a.AllocatedResources != b.AllocatedResources)
	set(hasPrevious, a.PreviousAllocation != b.PreviousAllocation)
	set(hasMetrics, a.Metrics != b.Metrics)
	set(hasGroup, a.TaskGroup != b.TaskGroup)
	set(hasJob, b.ID == "" || jobOf(a, p.Job) != jobOf(b, p.Job))
	set(hasDesired, a.DesiredStatus != b.DesiredStatus || a.DesiredDescription != b.DesiredDescription)
	set(hasClient, a.ClientStatus != b.ClientStatus || a.ClientDescription != b.ClientDescription)
	set(hasEval, evalOf(a, p) != evalOf(b, p))
	set(hasDeployment, a.DeploymentID != b.DeploymentID)
	set(hasHealth, a.DeploymentStatus != b.DeploymentStatus)
	set(hasFollowup, a.FollowupEvalID != b.FollowupEvalID)
	set(hasPreempts, !slices.Equal(a.PreemptedAllocations, b.PreemptedAllocations))
	set(hasPreempted, a.PreemptedByAllocation != b.PreemptedByAllocation)
	set(hasTracker, a.RescheduleTracker != b.RescheduleTracker)
	set(hasStates, !sameSlice(a.AllocStates, b.AllocStates))
	set(hasSigningKey, a.SigningKeyID != b.SigningKeyID)
	return m
}

func sameSlice[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 && (a == nil) == (b == nil) || len(a) > 0 && &a[0] == &b[0])
}

// evalOf is the evaluation that placed an allocation: an update keeps the one it has.
func evalOf(a *api.Allocation, p *PlanCommit) string {
	if a.EvalID == "" {
		return p.EvalID
	}
	return a.EvalID
}

func (k *planPacker) alloc(p *PlanCommit, b, a *api.Allocation, parts uint64) {
	k.once(a.ID)
	m := differing(p, b, a)
	index, derived := nameIndex(a, jobOf(a, p.Job))
	if !derived {
		m |= hasName
	}
	m &= parts
	k.uint(m)
	if m&hasNode != 0 {
		k.text(a.NodeID)
	}
	if m&hasResources != 0 {
		k.resource(a.AllocatedResources)
	}
	if m&hasPrevious != 0 {
		k.once(a.PreviousAllocation)
	}
	if m&hasMetrics != 0 {
		k.metric(a.Metrics)
	}
	if m&hasGroup != 0 {
		k.text(a.TaskGroup)
	}
	if m&hasJob != 0 {
		k.uint(uint64(k.job(jobOf(a, p.Job))))
	}
	if parts&hasName != 0 {
		if derived {
			k.uint(uint64(index))
		} else {
			k.once(a.Name)
		}
	}
	k.allocRest(p, a, m)
}

func (k *planPacker) allocRest(p *PlanCommit, a *api.Allocation, m uint64) {
	if m&hasDesired != 0 {
		k.text(a.DesiredStatus)
		k.text(a.DesiredDescription)
	}
	if m&hasClient != 0 {
		k.text(a.ClientStatus)
		k.text(a.ClientDescription)
	}
	if m&hasEval != 0 {
		k.text(evalOf(a, p))
	}
	if m&hasDeployment != 0 {
		k.text(a.DeploymentID)
	}
	if m&hasHealth != 0 {
		k.blob(a.DeploymentStatus)
	}
	if m&hasFollowup != 0 {
		k.text(a.FollowupEvalID)
	}
	if m&hasPreempts != 0 {
		k.uint(uint64(len(a.PreemptedAllocations)))
		for _, id := range a.PreemptedAllocations {
			k.once(id)
		}
	}
	if m&hasPreempted != 0 {
		k.once(a.PreemptedByAllocation)
	}
	if m&hasTracker != 0 {
		k.blob(a.RescheduleTracker)
	}
	if m&hasStates != 0 {
		k.blob(a.AllocStates)
	}
	if m&hasSigningKey != 0 {
		k.text(a.SigningKeyID)
	}
}

// nameIndex returns the number in a name that follows from job, group and number.
func nameIndex(a *api.Allocation, j *api.Job) (int, bool) {
	if j == nil {
		return 0, false
	}
	rest, ok := strings.CutPrefix(a.Name, j.ID)
	if !ok {
		return 0, false
	}
	if rest, ok = strings.CutPrefix(rest, "."); !ok {
		return 0, false
	}
	if rest, ok = strings.CutPrefix(rest, a.TaskGroup); !ok {
		return 0, false
	}
	if len(rest) < 3 || rest[0] != '[' || rest[len(rest)-1] != ']' {
		return 0, false
	}
	digits := rest[1 : len(rest)-1]
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == digits
}

// metric writes metrics: 0 for none, 1 for new ones, else 2 plus the number of those that came before.
func (k *planPacker) metric(m *api.AllocMetric) {
	if m == nil {
		k.uint(0)
		return
	}
	if n, ok := k.metrics[m]; ok {
		k.uint(2 + n)
		return
	}
	k.metrics[m] = uint64(len(k.metrics))
	k.uint(1)
	k.blob(m)
}

// resource writes resources in the way of metric.
func (k *planPacker) resource(r *api.AllocatedResources) {
	if r == nil {
		k.uint(0)
		return
	}
	if n, ok := k.resources[r]; ok {
		k.uint(2 + n)
		return
	}
	k.resources[r] = uint64(len(k.resources))
	k.uint(1)
	base := resourceBase{reflect.ValueOf(r.Tasks).Pointer(), reflect.ValueOf(r.TaskLifecycles).Pointer()}
	if n, ok := k.bases[base]; ok {
		k.uint(1 + n)
	} else {
		k.bases[base] = uint64(len(k.bases))
		k.uint(0)
		k.blob(r.Tasks)
		k.blob(r.TaskLifecycles)
	}
	k.int(int64(r.Shared.DiskMB))
	k.networks(r.Shared.Networks)
	k.mappings(r.Shared.Ports)
}

// networks writes a list that may be nil: its length plus one.
func (k *planPacker) networks(list []*api.NetworkResource) {
	if list == nil {
		k.uint(0)
		return
	}
	k.uint(1 + uint64(len(list)))
	for _, n := range list {
		if n == nil {
			n = &api.NetworkResource{}
		}
		for _, s := range [5]string{n.Mode, n.Device, n.CIDR, n.IP, n.Hostname} {
			k.text(s)
		}
		k.int(int64(n.MBits))
		k.bool(n.DNS != nil || n.CNI != nil)
		if n.DNS != nil || n.CNI != nil {
			k.blob(n.DNS)
			k.blob(n.CNI)
		}
		k.ports(n.ReservedPorts)
		k.ports(n.DynamicPorts)
	}
}

func (k *planPacker) ports(list []*api.Port) {
	if list == nil {
		k.uint(0)
		return
	}
	k.uint(1 + uint64(len(list)))
	for _, p := range list {
		if p == nil {
			p = &api.Port{}
		}
		k.text(p.Label)
		k.int(int64(p.Value))
		k.int(int64(p.To))
		k.text(p.HostNetwork)
		k.bool(p.IgnoreCollision)
	}
}

func (k *planPacker) mappings(list []*api.AllocatedPortMapping) {
	if list == nil {
		k.uint(0)
		return
	}
	k.uint(1 + uint64(len(list)))
	for _, p := range list {
		if p == nil {
			p = &api.AllocatedPortMapping{}
		}
		k.text(p.Label)
		k.int(int64(p.Value))
		k.int(int64(p.To))
		k.text(p.HostIP)
		k.bool(p.IgnoreCollision)
	}
}

var errPlanFormat = errors.New("plan has an unknown format")
