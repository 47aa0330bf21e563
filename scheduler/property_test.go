// SPDX-License-Identifier: MPL-2.0

package scheduler_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// story is a random history of a cluster.
type story struct {
	t      *testing.T
	random *rand.Rand
	*cluster
	step  int
	known int
	// counters prove that the history contains what the properties are about.
	placed, failed, stopped, inPlace, replaced, delayed, devices, evicted int
}

// TestRandomClusters runs random histories and checks after every evaluation that no node is over its
// capacity, no port or core is taken twice, no name has two live allocations, the plan applier accepts
// every plan, the columns equal the rows, a second pass changes nothing and equal seeds give equal plans.
func TestRandomClusters(t *testing.T) {
	total := story{}
	for seed := range uint64(40) {
		s := &story{t: t, random: rand.New(rand.NewPCG(seed, 9)), cluster: newCluster()}
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			s.t = t
			s.play()
		})
		total.placed += s.placed
		total.failed += s.failed
		total.stopped += s.stopped
		total.inPlace += s.inPlace
		total.replaced += s.replaced
		total.delayed += s.delayed
		total.devices += s.devices
		total.evicted += s.evicted
	}
	t.Logf("%d placed, %d groups failed, %d stopped, %d in place, %d replaced, %d delayed",
		total.placed, total.failed, total.stopped, total.inPlace, total.replaced, total.delayed)
	for name, n := range map[string]int{
		"placements": total.placed, "failures": total.failed, "stops": total.stopped, "updates in place": total.inPlace,
		"devices in use": total.devices, "evictions": total.evicted, "replacements": total.replaced, "delayed reschedules": total.delayed,
	} {
		if n < 40 {
			t.Errorf("only %d %s: the histories prove little", n, name)
		}
	}
}

func (s *story) play() {
	switch s.random.IntN(3) {
	case 0:
		s.config = &api.SchedulerConfiguration{}
		s.pools[api.NodePoolDefault] = &api.NodePoolSchedulerConfiguration{SchedulerAlgorithm: api.AlgorithmSpread, MemoryOversubscriptionEnabled: new(true)}
	case 1:
		s.config = &api.SchedulerConfiguration{PreemptionConfig: api.PreemptionConfig{
			SystemSchedulerEnabled: true, SysBatchSchedulerEnabled: true, BatchSchedulerEnabled: true, ServiceSchedulerEnabled: true,
		}}
	}
	for range 3 + s.random.IntN(12) {
		s.addNode()
	}
	for s.step = range 120 {
		s.happen()
		s.commit()
		for _, id := range slices.Sorted(maps.Keys(s.jobs)) {
			if s.random.IntN(3) == 0 {
				s.evaluate(s.eval(id, api.TriggerJobRegister))
			}
		}
		s.runDue()
	}
}

func (s *story) runDue() {
	waiting := s.evals
	s.evals = nil
	for _, e := range waiting {
		if e.WaitUntil.After(s.now) {
			s.evals = append(s.evals, e)
			continue
		}
		s.evaluate(e)
	}
}

func (s *story) addNode() {
	s.known++
	n := newNode(fmt.Sprintf("n%d", s.known))
	n.Datacenter = fmt.Sprintf("dc%d", s.random.IntN(3))
	n.NodeResources.Cpu.CpuShares = int64(1000 + 500*s.random.IntN(8))
	n.NodeResources.Memory.MemoryMB = int64(1000 + 500*s.random.IntN(8))
	n.NodeResources.MinDynamicPort, n.NodeResources.MaxDynamicPort = 20000, 20000+s.random.IntN(10)
	for d := range s.random.IntN(3) {
		group := &api.NodeDeviceResource{Vendor: "v", Type: "gpu", Name: fmt.Sprintf("m%d", d), Attributes: map[string]*api.DeviceAttribute{"memory": {Int: new(int64(4 + 4*d)), Unit: "GiB"}}}
		for i := range 1 + s.random.IntN(3) {
			group.Instances = append(group.Instances, &api.NodeDevice{ID: fmt.Sprint(i), Healthy: s.random.IntN(5) > 0})
		}
		n.NodeResources.Devices = append(n.NodeResources.Devices, group)
	}
	if s.random.IntN(2) == 0 {
		topology := &api.NodeProcessorTopology{Nodes: []int{0, 1}}
		for id := range 4 {
			topology.Cores = append(topology.Cores, api.NodeProcessorCore{ID: uint16(id), NodeID: uint8(id / 2), BaseSpeed: uint64(n.NodeResources.Cpu.CpuShares) / 4})
		}
		n.NodeResources.Processors.Topology = topology
	}
	n.Meta["rack"] = fmt.Sprintf("r%d", s.random.IntN(3))
	if s.random.IntN(4) == 0 {
		n.NodeMaxAllocs = 1 + s.random.IntN(5)
	}
	s.putNode(n)
}

// happen changes the cluster at random.
func (s *story) happen() {
	switch s.random.IntN(12) {
	case 0, 1, 2:
		s.planAndRegister(s.randomJob())
	case 3:
		if id := s.pick(slices.Sorted(maps.Keys(s.jobs))); id != "" {
			j := *s.jobs[id]
			j.Stop = !j.Stop
			s.register(&j)
		}
	case 4:
		s.addNode()
	case 5:
		if id := s.pick(slices.Sorted(maps.Keys(s.nodes))); id != "" {
			n := *s.nodes[id]
			n.Status = s.pick([]string{api.NodeStatusReady, api.NodeStatusReady, api.NodeStatusDown, api.NodeStatusDisconnected})
			n.SchedulingEligibility = s.pick([]string{api.NodeEligible, api.NodeEligible, api.NodeIneligible})
			s.putNode(&n)
		}
	case 6:
		if id := s.pick(slices.Sorted(maps.Keys(s.nodes))); id != "" && s.random.IntN(3) == 0 {
			delete(s.nodes, id)
			s.table.DeleteNode(id)
		}
	case 8:
		s.operate(s.pick(slices.Sorted(maps.Keys(s.jobs))))
	case 7:
		s.now = s.now.Add(time.Duration(s.random.IntN(120)) * time.Second)
	default:
		s.clients()
	}
}

// planAndRegister checks that what is planned before a registration is what happens after it.
func (s *story) planAndRegister(j *api.Job) {
	s.t.Helper()
	planned := *j
	if old := s.jobs[j.ID]; old != nil {
		planned.Version, planned.CreateIndex = old.Version+1, old.CreateIndex
	} else {
		planned.CreateIndex = s.index + 1
	}
	plan := scheduler.Process(scheduler.WithJob(s, &planned), s.eval(j.ID, api.TriggerJobRegister), scheduler.Config{Now: s.now, Seed: 1})
	s.register(j)
	run := scheduler.Process(s, s.eval(j.ID, api.TriggerJobRegister), scheduler.Config{Now: s.now, Seed: 1, NewID: api.NewID, Cache: s.cache})
	want, got := s.gist(plan), s.gist(run)
	if want != got {
		s.t.Fatalf("step %d: planned\n%s\nand ran\n%s", s.step, want, got)
	}
}

// gist tells what an outcome does, without IDs.
func (s *story) gist(out *scheduler.Outcome) string {
	var lines []string
	for _, rows := range []map[string][]*api.Allocation{out.Plan.NodeUpdate, out.Plan.NodeAllocation, out.Plan.NodePreemptions} {
		for _, a := range flatten(rows) {
			ports := ""
			if a.PreemptedByAllocation != "" {
				a.DesiredDescription = strings.TrimSuffix(a.DesiredDescription, a.PreemptedByAllocation)
			}
			for _, p := range a.AllocatedResources.Shared.Ports {
				ports += fmt.Sprintf(" %s=%d", p.Label, p.Value)
			}
			lines = append(lines, fmt.Sprintf("%s on %s v%d %s %s %q%s", a.Name, a.NodeID, a.Job.Version, a.DesiredStatus, a.ClientStatus, a.DesiredDescription, ports))
		}
	}
	slices.Sort(lines)
	for _, g := range slices.Sorted(maps.Keys(out.Plan.Annotations.DesiredTGUpdates)) {
		lines = append(lines, fmt.Sprintf("%s: %+v, %d queued, failed %v", g, *out.Plan.Annotations.DesiredTGUpdates[g], out.Eval.QueuedAllocations[g], out.Eval.FailedTGAllocs[g] != nil))
	}
	lines = append(lines, fmt.Sprintf("%d follow-ups, blocked %v, deployment %v", len(out.FollowUps), out.Blocked != nil, out.Plan.Deployment != nil))
	return strings.Join(lines, "\n")
}

func (s *story) pick(from []string) string {
	if len(from) == 0 {
		return ""
	}
	return from[s.random.IntN(len(from))]
}

// clients report progress as clients would.
func (s *story) clients() {
	for _, id := range slices.Sorted(maps.Keys(s.allocs)) {
		a := s.allocs[id]
		if a.ClientTerminalStatus() || s.random.IntN(3) > 0 {
			continue
		}
		if node := s.nodes[a.NodeID]; node == nil || node.Status != api.NodeStatusReady {
			continue
		}
		switch {
		case a.ServerTerminalStatus():
			s.setClient(id, api.AllocClientComplete)
		case a.ClientStatus == api.AllocClientUnknown:
			s.setClient(id, s.pick([]string{api.AllocClientRunning, api.AllocClientRunning, api.AllocClientFailed}))
		case a.DeploymentID != "" && a.ClientStatus == api.AllocClientRunning && s.random.IntN(2) == 0 &&
			(a.DeploymentStatus == nil || a.DeploymentStatus.Healthy == nil):
			s.change(id, func(a *api.Allocation) {
				a.DeploymentStatus = &api.AllocDeploymentStatus{Healthy: new(s.random.IntN(8) > 0), Canary: canary(a)}
			})
		case s.random.IntN(12) == 0:
			s.change(id, func(a *api.Allocation) { a.DesiredTransition.Migrate = new(true) })
		case a.ClientStatus == api.AllocClientPending:
			s.setClient(id, api.AllocClientRunning)
		case s.random.IntN(4) == 0:
			s.setClient(id, api.AllocClientFailed)
		case s.random.IntN(4) == 0: //nolint:gocritic // another throw of the dice
			s.setClient(id, api.AllocClientComplete)
		}
	}
}

func canary(a *api.Allocation) bool { return a.DeploymentStatus != nil && a.DeploymentStatus.Canary }

// operate does to the deployment of a job what a user or the deployment watcher might.
func (s *story) operate(jobID string) {
	d := s.deployments[jobID]
	if d == nil || d.Status != api.DeploymentRunning && d.Status != api.DeploymentPaused {
		return
	}
	switch s.random.IntN(6) {
	case 0:
		d.Status = api.DeploymentPaused
	case 1:
		d.Status = api.DeploymentFailed
	case 2:
		s.promote(jobID)
	case 3:
		for _, a := range s.AllocsByJob("", jobID) {
			if a.ClientStatus == api.AllocClientFailed && a.DeploymentID == d.ID {
				s.change(a.ID, func(a *api.Allocation) { a.DesiredTransition.Reschedule = new(true) })
			}
		}
	default:
		d.Status = api.DeploymentRunning
	}
}

func (s *story) randomJob() *api.Job {
	j := &api.Job{
		ID: fmt.Sprintf("j%d", s.random.IntN(4)), Namespace: api.DefaultNamespace, NodePool: api.NodePoolDefault,
		Datacenters: []string{"*"}, Priority: new(20 + 5*s.random.IntN(10)), Type: s.pick([]string{api.JobTypeService, api.JobTypeService, api.JobTypeBatch, api.JobTypeSystem, api.JobTypeSysBatch}),
	}
	if old := s.jobs[j.ID]; old != nil {
		j.Type = old.Type
		if s.random.IntN(4) > 0 {
			j.Priority = old.Priority
		}
	}
	if s.random.IntN(4) == 0 {
		j.Datacenters = []string{"dc0", "dc1"}
	}
	if s.random.IntN(8) == 0 {
		j.Constraints = []*api.Constraint{{Operand: api.OpDistinctHosts}}
	}
	if j.Type == api.JobTypeSystem && len(j.Constraints) > 0 {
		j.Constraints = nil
	}
	for g := range 1 + s.random.IntN(2) {
		j.TaskGroups = append(j.TaskGroups, s.randomGroup(fmt.Sprintf("g%d", g), j.Type))
	}
	return j
}

func (s *story) randomGroup(name, jobType string) *api.TaskGroup {
	r := s.random
	tg := &api.TaskGroup{
		Name: name, Count: new(r.IntN(9)), EphemeralDisk: &api.EphemeralDisk{SizeMB: new(300), Sticky: r.IntN(4) == 0},
		ReschedulePolicy: &api.ReschedulePolicy{
			Unlimited: new(true), Delay: new(time.Duration(r.IntN(40)) * time.Second),
			DelayFunction: s.pick([]string{"constant", "exponential", "fibonacci"}), MaxDelay: new(time.Minute),
		},
		Tasks: []*api.Task{{
			Name: "main", Driver: "mock_driver", Env: map[string]string{"E": fmt.Sprint(r.IntN(3))},
			Resources: &api.Resources{CPU: new(100 + 100*r.IntN(6)), MemoryMB: new(100 + 100*r.IntN(6))},
		}},
	}
	if r.IntN(3) == 0 {
		tg.Tasks = append(tg.Tasks, &api.Task{
			Name: "init", Driver: "mock_driver", Lifecycle: &api.Lifecycle{Hook: api.HookPrestart, Sidecar: r.IntN(2) == 0},
			Resources: &api.Resources{CPU: new(200), MemoryMB: new(200)},
		})
	}
	if r.IntN(3) == 0 {
		tg.Networks = []*api.NetworkResource{{DynamicPorts: []*api.Port{{Label: "a"}, {Label: "b", To: -1}}}}
		if r.IntN(2) == 0 {
			tg.Networks[0].ReservedPorts = []*api.Port{{Label: "s", Value: 8000 + r.IntN(2)}}
		}
	}
	if r.IntN(5) == 0 {
		tg.Tasks[0].Resources.CPU, tg.Tasks[0].Resources.Cores = nil, 1+r.IntN(2)
		tg.Tasks[0].Resources.NUMA = &api.NUMA{Affinity: s.pick([]string{"none", "prefer", "require"})}
	}
	if r.IntN(6) == 0 {
		d := &api.RequestedDevice{Name: s.pick([]string{"gpu", "v/gpu/m0"}), Count: new(1 + r.IntN(2))}
		if r.IntN(3) == 0 {
			d.Affinities = []*api.Affinity{{LTarget: "${device.attr.memory}", Operand: ">", RTarget: "5000 MiB", Weight: new(50)}}
		}
		tg.Tasks[0].Resources.Devices = []*api.RequestedDevice{d}
	}
	if (jobType == api.JobTypeService || jobType == api.JobTypeSystem) && r.IntN(2) == 0 {
		tg.Update = &api.UpdateStrategy{MaxParallel: new(r.IntN(3))}
		if r.IntN(3) == 0 {
			tg.Update.Canary = new(1 + r.IntN(2))
			if jobType == api.JobTypeSystem {
				tg.Update.Canary = new(10 * r.IntN(11))
			}
		}
	}
	switch r.IntN(4) {
	case 0:
		tg.Disconnect = &api.Disconnect{
			LostAfter: time.Duration(30+r.IntN(300)) * time.Second, Replace: new(r.IntN(2) == 0),
			Reconcile: s.pick([]string{"best_score", "keep_original", "keep_replacement", "longest_running"}),
		}
	case 1:
		if jobType == api.JobTypeService || jobType == api.JobTypeBatch {
			tg.Disconnect = &api.Disconnect{StopOnClientAfter: new(time.Duration(r.IntN(60)) * time.Second), Replace: new(true)}
		}
	}
	if jobType == api.JobTypeSystem || jobType == api.JobTypeSysBatch {
		tg.Count, tg.ReschedulePolicy = new(min(1, r.IntN(6))), nil
		return tg
	}
	switch r.IntN(6) {
	case 0:
		tg.Spreads = []*api.Spread{{Attribute: "${node.datacenter}", Weight: new(50)}}
	case 1:
		tg.Constraints = []*api.Constraint{{Operand: api.OpDistinctProperty, LTarget: "${meta.rack}", RTarget: "2"}}
	case 2:
		tg.Affinities = []*api.Affinity{{LTarget: "${meta.rack}", Operand: "=", RTarget: "r1", Weight: new(50)}}
	}
	return tg
}

// evaluate processes one evaluation, checks the properties around it and commits it.
func (s *story) evaluate(e *api.Evaluation) {
	s.t.Helper()
	out := s.process(e)
	if again := s.process(e); !reflect.DeepEqual(out, again) {
		s.t.Fatalf("step %d: equal seeds give different outcomes", s.step)
	}
	if out.Eval.Status != api.EvalStatusComplete {
		s.t.Fatalf("step %d: evaluation %s: %s", s.step, out.Eval.Status, out.Eval.StatusDescription)
	}
	s.tally(out)
	s.checkEvictions(out)
	s.apply(s.t, out)
	s.checkNodes()
	s.checkNames(e.JobID)
	s.checkColumns()

	second := s.process(s.eval(e.JobID, api.TriggerJobRegister))
	second.Plan.DeploymentUpdates = nil // a deployment is complete only once the plan before is committed
	if !second.Plan.IsNoOp() {
		s.t.Fatalf("step %d: after %s a second pass over %s changes something:\n%s", s.step, e.TriggeredBy, e.JobID, s.dump(out, second))
	}
	if !paced(s.jobs[e.JobID]) && (out.Blocked != nil) != (second.Blocked != nil) {
		s.t.Fatalf("step %d: the second pass disagrees about what is blocked:\n%s", s.step, s.dump(out, second))
	}
	if j := s.jobs[e.JobID]; j != nil && !j.Stop {
		s.checkCounts(j, out)
	}
}

// checkEvictions: only live allocations of other jobs with a priority at least ten lower are evicted, where the
// configuration allows it, once each, each for a placement on the same node, and none that need not go when it is the only one.
func (s *story) checkEvictions(out *scheduler.Outcome) {
	s.t.Helper()
	placed := map[string]*api.Allocation{}
	for _, a := range flatten(out.Plan.NodeAllocation) {
		placed[a.ID] = a
	}
	for _, a := range placed {
		s.checkNuma(a)
	}
	seen := map[string]bool{}
	for _, v := range flatten(out.Plan.NodePreemptions) {
		s.evicted++
		old, by := s.allocs[v.ID], placed[v.PreemptedByAllocation]
		switch {
		case by == nil || by.NodeID != v.NodeID || !slices.Contains(by.PreemptedAllocations, v.ID):
			s.t.Fatalf("step %d: %s is evicted for nothing placed on %s", s.step, v.Name, v.NodeID)
		case seen[v.ID] || old.TerminalStatus():
			s.t.Fatalf("step %d: %s is evicted twice or after its end", s.step, v.Name)
		case old.JobID == by.JobID || old.Job.PriorityOrDefault()+10 > by.Job.PriorityOrDefault():
			s.t.Fatalf("step %d: %s of priority %d is evicted for %s of priority %d", s.step, v.Name, old.Job.PriorityOrDefault(), by.Name, by.Job.PriorityOrDefault())
		case s.config == nil && by.Job.Type != api.JobTypeSystem, s.config != nil && !s.config.PreemptionConfig.SystemSchedulerEnabled:
			s.t.Fatalf("step %d: a %s job evicts although it must not", s.step, by.Job.Type)
		}
		seen[v.ID] = true
		if len(out.Plan.NodeAllocation[v.NodeID]) == 1 && len(out.Plan.NodeUpdate[v.NodeID]) == 0 && s.alsoFits(out, v) {
			s.t.Fatalf("step %d: %s need not be evicted for %s", s.step, v.Name, by.Name)
		}
	}
}

// checkNuma: cores that have to be of one NUMA node are.
func (s *story) checkNuma(a *api.Allocation) {
	s.t.Helper()
	numa := a.Job.LookupTaskGroup(a.TaskGroup).Tasks[0].Resources.NUMA
	topology := s.nodes[a.NodeID].NodeResources.Processors.Topology
	if s.allocs[a.ID] != nil || numa == nil || numa.Affinity != "require" || topology == nil {
		return
	}
	nodes := map[uint8]bool{}
	for _, core := range a.AllocatedResources.Tasks["main"].Cpu.ReservedCores {
		nodes[topology.Cores[core].NodeID] = true
	}
	if len(nodes) != 1 {
		s.t.Fatalf("step %d: the cores of %s are of %d NUMA nodes", s.step, a.Name, len(nodes))
	}
}

// alsoFits reports whether the plan fits on the node of the victim without its eviction.
func (s *story) alsoFits(out *scheduler.Outcome, victim *api.Allocation) bool {
	others := slices.DeleteFunc(slices.Clone(out.Plan.NodePreemptions[victim.NodeID]), func(a *api.Allocation) bool { return a.ID == victim.ID })
	part := usage.Part{
		NodeID: victim.NodeID, Place: out.Plan.NodeAllocation[victim.NodeID], Stop: slices.Concat(out.Plan.NodeUpdate[victim.NodeID], others),
	}
	_, ok := usage.Fits(usage.NewOverlay(s.snapshot), part, func(id string) *api.Allocation { return s.allocs[id] })
	return ok
}

// paced reports whether max_parallel decides what is tried, which depends on what was placed before.
func paced(j *api.Job) bool { return j != nil && j.HasUpdateStrategy() }

// dump shows two passes in a row and the allocations they saw.
func (s *story) dump(first, second *scheduler.Outcome) string {
	text := ""
	for i, out := range []*scheduler.Outcome{first, second} {
		text += fmt.Sprintf("pass %d, queued %v, blocked %v\n", i+1, out.Eval.QueuedAllocations, out.Blocked != nil || out.Reblock)
		for _, a := range slices.Concat(flatten(out.Plan.NodeUpdate), flatten(out.Plan.NodePreemptions), flatten(out.Plan.NodeAllocation)) {
			text += fmt.Sprintf("  %s %s %s %s %q after %q tracker %+v followup %q\n",
				a.ID[:8], a.Name, a.NodeID, a.DesiredStatus, a.DesiredDescription, a.PreviousAllocation, a.RescheduleTracker, a.FollowupEvalID)
		}
		for g, m := range out.Eval.FailedTGAllocs {
			text += fmt.Sprintf("  failed %s: %+v\n", g, m)
		}
	}
	for _, a := range s.sorted(first.Eval.JobID) {
		if live(a) || a.ClientStatus == api.AllocClientFailed && !a.ServerTerminalStatus() {
			text += fmt.Sprintf("    %s %s %s v%d %s %s states %d reconnects %v next %q followup %q\n", a.ID[:8], a.Name, a.NodeID, a.Job.Version, a.DesiredStatus, a.ClientStatus, len(a.AllocStates), reconnects(a), a.NextAllocation, a.FollowupEvalID)
		}
	}
	return text
}

func (s *story) tally(out *scheduler.Outcome) {
	for _, a := range flatten(out.Plan.NodeAllocation) {
		switch {
		case s.allocs[a.ID] != nil:
			s.inPlace++
		case a.PreviousAllocation != "":
			s.replaced++
		default:
			s.placed++
		}
	}
	s.stopped += len(flatten(out.Plan.NodeUpdate))
	s.failed += len(out.Eval.FailedTGAllocs)
	s.delayed += len(out.FollowUps)
}

func live(a *api.Allocation) bool { return !a.TerminalStatus() }

func (s *story) checkNodes() {
	used := map[string]*struct {
		cpu, memory, disk int64
		n                 int
		ports             map[string]string
		cores             map[uint16]string
		devices           map[usage.Device]string
	}{}
	for _, a := range s.allocs {
		if !live(a) || s.nodes[a.NodeID] == nil {
			continue
		}
		u := used[a.NodeID]
		if u == nil {
			u = &struct {
				cpu, memory, disk int64
				n                 int
				ports             map[string]string
				cores             map[uint16]string
				devices           map[usage.Device]string
			}{ports: map[string]string{}, cores: map[uint16]string{}, devices: map[usage.Device]string{}}
			used[a.NodeID] = u
		}
		c := usage.ClaimOf(a)
		u.cpu, u.memory, u.disk, u.n = u.cpu+c.CPU, u.memory+c.MemoryMB, u.disk+c.DiskMB, u.n+1
		for p := range c.Ports() {
			key := fmt.Sprintf("%s:%d", p.IP, p.Value)
			if other := u.ports[key]; other != "" {
				s.t.Fatalf("step %d: %s and %s share port %s on %s", s.step, a.Name, other, key, a.NodeID)
			}
			u.ports[key] = a.Name
		}
		for core := range c.Cores() {
			if other := u.cores[core]; other != "" {
				s.t.Fatalf("step %d: %s and %s share core %d on %s", s.step, a.Name, other, core, a.NodeID)
			}
			u.cores[core] = a.Name
		}
		for d := range c.Devices() {
			if other := u.devices[d]; other != "" {
				s.t.Fatalf("step %d: %s and %s share device %v on %s", s.step, a.Name, other, d, a.NodeID)
			}
			u.devices[d] = a.Name
			s.devices++
		}
	}
	for id, u := range used {
		n := s.nodes[id]
		if u.cpu > n.NodeResources.Cpu.CpuShares || u.memory > n.NodeResources.Memory.MemoryMB || u.disk > n.NodeResources.Disk.DiskMB ||
			n.NodeMaxAllocs > 0 && u.n > n.NodeMaxAllocs {
			s.t.Fatalf("step %d: node %s is over its capacity: %+v max %d %+v", s.step, id, u, n.NodeMaxAllocs, n.NodeResources)
		}
	}
}

// checkNames: at most one live allocation a name, or a name and node for jobs that run on each. A canary
// shares its name with what it is to replace, and a replacement with what is out of contact.
func (s *story) checkNames(jobID string) {
	names := map[string]string{}
	for _, a := range s.AllocsByJob("", jobID) {
		if !live(a) || a.ClientStatus == api.AllocClientUnknown || reconnects(a) {
			continue
		}
		key := fmt.Sprintf("%s canary %v", a.Name, canary(a))
		if a.Job.Type == api.JobTypeSystem || a.Job.Type == api.JobTypeSysBatch {
			key = a.Name + " on " + a.NodeID
		}
		if other := names[key]; other != "" {
			s.t.Fatalf("step %d: %s and %s are both live as %s", s.step, other, a.ID, key)
		}
		names[key] = a.ID
	}
}

// reconnects reports whether the allocation is back and the choice between it and its replacement is open.
func reconnects(a *api.Allocation) bool {
	n := len(a.AllocStates)
	return n > 0 && a.AllocStates[n-1].Value == api.AllocClientUnknown && a.ClientStatus != api.AllocClientUnknown
}

// checkCounts checks that a group never has more than count and that what is missing is accounted for.
func (s *story) checkCounts(j *api.Job, out *scheduler.Outcome) {
	for _, tg := range j.TaskGroups {
		n := 0
		for _, a := range s.AllocsByJob("", j.ID) {
			if a.TaskGroup == tg.Name && live(a) && !canary(a) && a.ClientStatus != api.AllocClientUnknown {
				n++
			}
		}
		want, perNode := tg.CountOrDefault(), j.Type == api.JobTypeSystem || j.Type == api.JobTypeSysBatch
		if perNode {
			want *= len(s.nodes)
		}
		if n > want {
			s.t.Fatalf("step %d: group %s.%s has %d live allocations of %d", s.step, j.ID, tg.Name, n, tg.CountOrDefault())
		}
		queued := out.Eval.QueuedAllocations[tg.Name]
		m := out.Eval.FailedTGAllocs[tg.Name]
		if perNode && queued == 0 && m != nil && m.NodesFiltered == m.NodesEvaluated && (out.Blocked == nil || out.Blocked.FailedTGAllocs[tg.Name] == nil) {
			continue // no node suits it, so that nothing waits
		}
		if (queued > 0) != (m != nil) {
			s.t.Fatalf("step %d: %d queued, failure %v", s.step, queued, m)
		}
	}
}

func (s *story) checkColumns() {
	fresh := usage.NewTable()
	for _, n := range s.nodes {
		fresh.UpsertNode(n)
	}
	for _, a := range s.allocs {
		fresh.UpsertAlloc(nil, a)
	}
	want := fresh.Snapshot()
	for id := range s.nodes {
		got, _ := s.snapshot.Ordinal(id)
		other, _ := want.Ordinal(id)
		gc, gm, gd, gn := s.snapshot.Used(got)
		wc, wm, wd, wn := want.Used(other)
		if gc != wc || gm != wm || gd != wd || gn != wn {
			s.t.Fatalf("step %d: node %s: columns %d %d %d of %d, rows %d %d %d of %d", s.step, id, gc, gm, gd, gn, wc, wm, wd, wn)
		}
	}
}

// TestRolloutPace runs rolling updates with clients of random speed: never are more than max_parallel
// allocations not healthy, and every rollout ends with a successful deployment.
func TestRolloutPace(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 11))
		s := &story{t: t, random: random, cluster: newCluster()}
		for range 6 {
			s.addNode()
		}
		for _, n := range s.nodes {
			n.NodeResources.Cpu.CpuShares, n.NodeMaxAllocs = 20000, 0
			n.NodeResources.Memory.MemoryMB = 40000
			s.putNode(n)
		}
		s.commit()
		count, parallel := 1+random.IntN(8), 1+random.IntN(3)
		jobType := s.pick([]string{api.JobTypeService, api.JobTypeSystem})
		version := func(env string, canaries int) *api.Job {
			tg := s.randomGroup("app", api.JobTypeBatch)
			tg.Count, tg.Networks, tg.Constraints = &count, nil, nil
			tg.Tasks = tg.Tasks[:1]
			tg.Tasks[0].Resources = &api.Resources{CPU: new(100), MemoryMB: new(100)}
			tg.Tasks[0].Env = map[string]string{"E": env}
			tg.Update = &api.UpdateStrategy{MaxParallel: &parallel, Canary: &canaries}
			tg.Disconnect = nil
			return &api.Job{
				ID: "web", Namespace: api.DefaultNamespace, NodePool: api.NodePoolDefault, Datacenters: []string{"*"},
				Type: jobType, TaskGroups: []*api.TaskGroup{tg},
			}
		}
		s.register(version("a", 0))
		s.evaluate(s.eval("web", api.TriggerJobRegister))
		if jobType == api.JobTypeSystem {
			count = len(s.nodes)
		}
		s.rollOut(func() {})
		s.register(version("b", random.IntN(2)*50))
		if jobType == api.JobTypeService {
			*s.jobs["web"].TaskGroups[0].Update.Canary = min(1, *s.jobs["web"].TaskGroups[0].Update.Canary)
		}
		s.evaluate(s.eval("web", api.TriggerJobRegister))
		s.rollOut(func() { s.checkHealthy(count - parallel) })
		for _, a := range s.AllocsByJob("", "web") {
			if live(a) && a.Job.Version != 1 {
				t.Fatalf("seed %d: %s still runs version %d", seed, a.Name, a.Job.Version)
			}
		}
	}
}

// rollOut lets clients report at random, promotes canaries once they are healthy and evaluates in the way of
// the deployment watcher until the deployment is successful.
func (s *story) rollOut(check func()) {
	for s.step = range 2000 {
		check()
		for _, id := range slices.Sorted(maps.Keys(s.allocs)) {
			switch a := s.allocs[id]; {
			case a.ClientTerminalStatus() || s.random.IntN(3) > 0:
			case a.ServerTerminalStatus():
				s.setClient(id, api.AllocClientComplete)
			case a.ClientStatus == api.AllocClientPending:
				s.setClient(id, api.AllocClientRunning)
			case a.DeploymentStatus == nil || a.DeploymentStatus.Healthy == nil:
				s.change(id, func(a *api.Allocation) {
					a.DeploymentStatus = &api.AllocDeploymentStatus{Healthy: new(true), Canary: canary(a)}
				})
			}
		}
		s.commit()
		if g := s.LatestDeployment("", "web").TaskGroups["app"]; g.DesiredCanaries > 0 && !g.Promoted && g.HealthyAllocs >= g.DesiredCanaries {
			s.promote("web")
		}
		s.evaluate(s.eval("web", s.pick([]string{api.TriggerDeploymentWatcher, api.TriggerNodeUpdate})))
		if s.deployments["web"].Status == api.DeploymentSuccessful {
			return
		}
	}
	s.t.Fatalf("the rollout does not end: %s", describeDeployment(s.LatestDeployment("", "web")))
}

// checkHealthy counts what runs and is healthy, of whatever version.
func (s *story) checkHealthy(atLeast int) {
	n := 0
	for _, a := range s.AllocsByJob("", "web") {
		if live(a) && a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && *a.DeploymentStatus.Healthy {
			n++
		}
	}
	if n < atLeast {
		s.t.Fatalf("step %d: %d healthy allocations, promised %d", s.step, n, atLeast)
	}
}
