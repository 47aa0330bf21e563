// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func newFSM() *FSM { return New(state.New(), hclog.NewNullLogger(), "test.db") }

func (f *FSM) apply(index uint64, entry []byte) any {
	return f.Apply(&raft.Log{Index: index, Term: 1, Type: raft.LogCommand, Data: entry})
}

// author writes logs of random commands that fit to the state they meet.
type author struct {
	rand *rand.Rand
	// f has applied everything written before.
	f     *FSM
	index uint64
	ids   int
}

func newAuthor(seed uint64) *author {
	return &author{rand: rand.New(rand.NewPCG(seed, 3)), f: newFSM(), index: 1}
}

// id returns a new ID in the usual form.
func (a *author) id() string {
	a.ids++
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", a.rand.Uint32(), a.ids)
}

func (a *author) now() int64 { return 1_800_000_000_000_000_000 + int64(a.index)*1e9 }

func (a *author) state() *state.Snapshot { return a.f.store.Snapshot() }

func pick[T any](a *author, list []T) (v T, ok bool) {
	if len(list) == 0 {
		return v, false
	}
	return list[a.rand.IntN(len(list))], true
}

func (a *author) job() *api.Job {
	j, ok := pick(a, slices.Collect(state.Jobs.All(a.state())))
	if !ok {
		return &api.Job{Namespace: "default", ID: "none", TaskGroups: []*api.TaskGroup{{Name: "none"}}}
	}
	return j
}

func (a *author) node() *api.Node {
	n, ok := pick(a, slices.Collect(state.Nodes.All(a.state())))
	if !ok {
		return &api.Node{ID: "none"}
	}
	return n
}

func (a *author) allocs(n int) []*api.Allocation {
	all := slices.Collect(state.Allocs.All(a.state()))
	a.rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

func (a *author) eval(j *api.Job) *api.Evaluation {
	return &api.Evaluation{
		ID: a.id(), Namespace: j.Namespace, JobID: j.ID, Type: j.Type, Priority: 50,
		TriggeredBy: "job-register", Status: api.EvalStatusPending, CreateTime: a.now(),
		QueuedAllocations: map[string]int{"web": a.rand.IntN(5), "db": 1},
	}
}

// scripts writes one entry of each command.
var scripts = map[string]func(a *author) []byte{
	"JobRegister": func(a *author) []byte {
		j := &api.Job{
			Namespace: "default", ID: fmt.Sprintf("job-%d", a.rand.IntN(6)), Type: api.JobTypeService, NodePool: "default", SubmitTime: a.now(),
			Meta:       map[string]string{"a": "1", "b": "2", "c": "3"},
			TaskGroups: []*api.TaskGroup{{Name: "web", Tasks: []*api.Task{{Name: "web", Env: map[string]string{"x": "1", "y": "2"}}}}, {Name: "db"}},
		}
		switch a.rand.IntN(6) {
		case 0:
			j.ParameterizedJob = &api.ParameterizedJob{}
		case 1:
			j.Periodic = &api.Periodic{Specs: []string{"* * * * *"}}
		}
		if a.rand.IntN(2) == 0 {
			j.TaskGroups[0].Scaling = &api.ScalingPolicy{
				ID: a.id(), Type: "horizontal", Max: new(a.rand.IntN(3)), Policy: map[string]any{"a": "b", "c": 1.5},
				Target: map[string]string{"Namespace": j.Namespace, "Job": j.ID, "Group": "web"},
			}
		}
		if a.rand.IntN(4) == 0 {
			j.ParentID, j.ID = "job-0", fmt.Sprintf("job-0/dispatch-%d", a.rand.IntN(3))
		}
		r := &JobRegisterRequest{Job: j, Eval: a.eval(j), Submission: &api.JobSubmission{Source: "job {}", VariableFlags: map[string]string{"p": "q", "r": "s"}}}
		r.EnforceIndex, r.JobModifyIndex = a.rand.IntN(5) == 0, a.index-1
		return JobRegister.Encode(r)
	},
	"JobDeregister": func(a *author) []byte {
		j := a.job()
		return JobDeregister.Encode(&JobDeregisterRequest{
			Namespace: j.Namespace, JobID: j.ID, Purge: a.rand.IntN(3) == 0, Eval: a.eval(j), SubmitTime: a.now(), NoShutdownDelay: a.rand.IntN(2) == 0,
		})
	},
	"JobStability": func(a *author) []byte {
		j := a.job()
		return JobStability.Encode(&JobStabilityRequest{Namespace: j.Namespace, JobID: j.ID, Version: j.Version - uint64(a.rand.IntN(2)), Stable: true})
	},
	"JobDispatch": func(a *author) []byte {
		j := *a.job()
		c := j.DispatchedChild("x", time.Unix(0, a.now()), a.id()[:8], map[string]string{"m": "1", "n": "2"}, []byte("payload"))
		if a.rand.IntN(2) == 0 {
			c.DispatchIdempotencyToken = "token"
		}
		return JobDispatch.Encode(&JobDispatchRequest{Job: c, Eval: a.eval(c)})
	},
	"PeriodicLaunch": func(a *author) []byte {
		j := a.job()
		r := &PeriodicLaunchRequest{Namespace: j.Namespace, ParentID: j.ID, Launch: a.now()}
		if a.rand.IntN(4) > 0 {
			r.Job = j.PeriodicChild(time.Unix(0, a.now()))
			r.Eval = a.eval(r.Job)
		}
		return PeriodicLaunch.Encode(r)
	},
	"ScalingEventNote": func(a *author) []byte {
		j := a.job()
		r := &ScalingEventRequest{
			Namespace: j.Namespace, JobID: j.ID,
			Note: &ScalingNote{Group: "web", Event: &api.ScalingEvent{Time: a.now(), PreviousCount: 1, Meta: map[string]any{"a": 1.5, "b": "x"}}},
		}
		if a.rand.IntN(2) == 0 {
			r.Eval = a.eval(j)
		}
		return ScalingEventNote.Encode(r)
	},
	"JobVersionTag": func(a *author) []byte {
		j := a.job()
		r := &JobVersionTagRequest{Namespace: j.Namespace, JobID: j.ID, Name: fmt.Sprintf("tag-%d", a.rand.IntN(2)), Latest: a.rand.IntN(2) == 0}
		if a.rand.IntN(4) > 0 {
			r.Tag = &api.JobVersionTag{Name: r.Name, TaggedTime: a.now()}
		}
		return JobVersionTag.Encode(r)
	},
	"JobsDelete": func(a *author) []byte {
		if j := a.job(); j.Status == api.JobStatusDead {
			return JobsDelete.Encode(&JobsDeleteRequest{Jobs: []JobRef{{j.Namespace, j.ID}}})
		}
		return JobsDelete.Encode(&JobsDeleteRequest{Jobs: []JobRef{{"default", "none"}}})
	},
	"SummariesReconcile": func(*author) []byte { return SummariesReconcile.Encode(&SummariesReconcileRequest{}) },
	"EvalsUpsert": func(a *author) []byte {
		e := a.eval(a.job())
		e.Status = api.EvalStatusComplete
		r := &EvalsUpsertRequest{Evals: []*api.Evaluation{e, a.eval(a.job())}}
		if old, ok := pick(a, slices.Collect(state.Evals.All(a.state()))); ok {
			c := *old
			c.Status = api.EvalStatusComplete
			r.Evals = append(r.Evals, &c)
		}
		return EvalsUpsert.Encode(r)
	},
	"EvalsDelete": func(a *author) []byte {
		r := &EvalsDeleteRequest{}
		for _, alloc := range a.allocs(3) {
			if alloc.TerminalStatus() {
				r.AllocIDs = append(r.AllocIDs, alloc.ID)
				r.EvalIDs = append(r.EvalIDs, alloc.EvalID)
			}
		}
		return EvalsDelete.Encode(r)
	},
	"AllocsClientUpdate": func(a *author) []byte {
		r := &AllocsClientUpdateRequest{Time: a.now(), Evals: []*api.Evaluation{a.eval(a.job())}}
		for _, alloc := range a.allocs(8) {
			status, _ := pick(a, []string{api.AllocClientRunning, api.AllocClientRunning, api.AllocClientComplete, api.AllocClientFailed})
			at := a.now()
			r.Allocs = append(r.Allocs, ClientUpdate(&api.Allocation{
				ID: alloc.ID, ClientStatus: status,
				TaskStates: map[string]*api.TaskState{
					"web": {State: "running", Events: []*api.TaskEvent{{Type: "Started", Time: at, Details: map[string]string{"a": "b", "c": "d"}}}}, "log": {State: "dead"},
				},
				DeploymentStatus: &api.AllocDeploymentStatus{Healthy: new(a.rand.IntN(4) > 0)},
				NetworkStatus:    &api.AllocNetworkStatus{Address: "10.0.0.1"},
			}))
		}
		return AllocsClientUpdate.Encode(r)
	},
	"AllocsDesiredTransition": func(a *author) []byte {
		r := &AllocsDesiredTransitionRequest{Transitions: map[string]api.DesiredTransition{}, Evals: []*api.Evaluation{a.eval(a.job())}, Time: a.now()}
		for _, alloc := range a.allocs(4) {
			r.Transitions[alloc.ID] = api.DesiredTransition{Migrate: new(true), NoShutdownDelay: new(false)}
		}
		return AllocsDesiredTransition.Encode(r)
	},
	"PlanApply": func(a *author) []byte {
		r := &PlanApplyRequest{Time: a.now()}
		for range 1 + a.rand.IntN(2) {
			r.Plans = append(r.Plans, a.plan())
		}
		return PlanApply.Encode(r)
	},
	"NodeRegister": func(a *author) []byte {
		n := a.rand.IntN(8)
		return NodeRegister.Encode(&NodeRegisterRequest{Time: a.now(), Node: &api.Node{
			ID: fmt.Sprintf("%08x-1111-4000-8000-000000000000", n*2654435761%(1<<32)), Name: fmt.Sprintf("node-%d", n), Datacenter: "dc1",
			NodePool: fmt.Sprintf("pool-%d", a.rand.IntN(3)), Status: api.NodeStatusReady, SecretID: "secret",
			Attributes: map[string]string{"cpu.arch": "amd64", "os.name": "linux", "kernel": "6"},
			NodeResources: &api.NodeResources{
				Cpu: api.NodeCpuResources{CpuShares: 4000}, Memory: api.NodeMemoryResources{MemoryMB: 8192}, Disk: api.NodeDiskResources{DiskMB: 1000},
			},
		}})
	},
	"NodeStatusUpdate": func(a *author) []byte {
		status, _ := pick(a, []string{api.NodeStatusReady, api.NodeStatusDown})
		return NodeStatusUpdate.Encode(&NodeStatusUpdateRequest{
			NodeID: a.node().ID, Status: status, UpdatedAt: a.now() / 1e9, Event: &api.NodeEvent{Message: "changed", Details: map[string]string{"a": "b"}},
			Evals: []*api.Evaluation{a.eval(a.job())}, MissedHeartbeat: status == api.NodeStatusDown,
		})
	},
	"NodeEligibility": func(a *author) []byte {
		eligibility, _ := pick(a, []string{api.NodeEligible, api.NodeIneligible})
		return NodeEligibility.Encode(&NodeEligibilityRequest{NodeID: a.node().ID, Eligibility: eligibility, UpdatedAt: a.now() / 1e9})
	},
	"NodeDrain": func(a *author) []byte {
		strategies := []*api.DrainStrategy{{Deadline: time.Hour}, {Deadline: -1, IgnoreSystemJobs: true}, nil}
		strategy := strategies[a.rand.IntN(len(strategies))]
		return NodeDrain.Encode(&NodeDrainRequest{
			NodeID: a.node().ID, Strategy: strategy, MarkEligible: strategy == nil && a.rand.IntN(2) == 0, Complete: strategy == nil && a.rand.IntN(2) == 0,
			AccessorID: "a", Meta: map[string]string{"k": "v"}, UpdatedAt: a.now() / 1e9, Event: &api.NodeEvent{Message: "drain"},
		})
	},
	"NodeDeregister": func(a *author) []byte {
		return NodeDeregister.Encode(&NodeDeregisterRequest{NodeIDs: []string{a.node().ID}})
	},
	"NodeEvents": func(a *author) []byte {
		return NodeEvents.Encode(&NodeEventsRequest{NodeID: a.node().ID, Events: []*api.NodeEvent{{Message: "hello"}, nil}})
	},
	"NodePoolUpsert": func(a *author) []byte {
		return NodePoolUpsert.Encode(&NodePoolUpsertRequest{Pools: []*api.NodePool{{Name: fmt.Sprintf("pool-%d", a.rand.IntN(4)), Meta: map[string]string{"a": "b", "c": "d"}}}})
	},
	"NodePoolDelete": func(a *author) []byte {
		return NodePoolDelete.Encode(&NodePoolDeleteRequest{Names: []string{fmt.Sprintf("pool-%d", a.rand.IntN(4))}})
	},
	"NamespaceUpsert": func(a *author) []byte {
		return NamespaceUpsert.Encode(&NamespaceUpsertRequest{Namespaces: []*api.Namespace{{Name: fmt.Sprintf("ns-%d", a.rand.IntN(3)), Description: "x"}}})
	},
	"NamespaceDelete": func(a *author) []byte {
		return NamespaceDelete.Encode(&NamespaceDeleteRequest{Names: []string{fmt.Sprintf("ns-%d", a.rand.IntN(3))}})
	},
	"DeploymentStatusUpdate": func(a *author) []byte {
		d, ok := pick(a, slices.Collect(state.Deployments.All(a.state())))
		if !ok {
			d = &api.Deployment{ID: "none"}
		}
		status, _ := pick(a, []string{api.DeploymentSuccessful, api.DeploymentFailed, api.DeploymentCancelled})
		return DeploymentStatus.Encode(&DeploymentStatusRequest{
			Update: &api.DeploymentStatusUpdate{DeploymentID: d.ID, Status: status, StatusDescription: "over"}, Time: a.now(), Eval: a.eval(a.job()), Revert: []string{"g", "web"},
		})
	},
	"DeploymentPromotion": func(a *author) []byte {
		d, ok := pick(a, slices.Collect(state.Deployments.All(a.state())))
		if !ok {
			d = &api.Deployment{ID: "none"}
		}
		return DeploymentPromotion.Encode(&DeploymentPromotionRequest{DeploymentID: d.ID, All: true, Time: a.now(), Eval: a.eval(a.job())})
	},
	"DeploymentAllocHealth": func(a *author) []byte {
		r := &DeploymentAllocHealthRequest{DeploymentID: "none", Status: DeploymentStatusRequest{Time: a.now(), Eval: a.eval(a.job())}}
		if d, ok := pick(a, slices.Collect(state.Deployments.All(a.state()))); ok {
			r.DeploymentID = d.ID
			for al := range state.Allocs.By(a.state(), state.ByDeployment, d.ID) {
				r.Healthy = append(r.Healthy, al.ID)
			}
			if a.rand.IntN(4) == 0 {
				r.Unhealthy, r.Healthy = r.Healthy, nil
				r.Status.Update = &api.DeploymentStatusUpdate{DeploymentID: d.ID, Status: api.DeploymentFailed, StatusDescription: "over"}
				r.Status.Revert = []string{"g", "web"}
			}
		}
		return DeploymentAllocHealth.Encode(r)
	},
	"DeploymentsDelete": func(a *author) []byte {
		r := &DeploymentsDeleteRequest{IDs: []string{"none"}}
		if d, ok := pick(a, slices.Collect(state.Deployments.All(a.state()))); ok && !state.Active(d) {
			r.IDs = append(r.IDs, d.ID)
		}
		return DeploymentsDelete.Encode(r)
	},
	"SchedulerConfigSet": func(a *author) []byte {
		algorithm, _ := pick(a, []string{api.AlgorithmBinpack, api.AlgorithmSpread})
		return SchedulerConfigSet.Encode(&SchedulerConfigSetRequest{
			Config: &api.SchedulerConfiguration{SchedulerAlgorithm: algorithm}, CAS: a.rand.IntN(3) == 0,
		})
	},
	"AutopilotConfigSet": func(a *author) []byte {
		return AutopilotConfigSet.Encode(&AutopilotConfigSetRequest{
			Config: &api.AutopilotConfiguration{MinQuorum: a.rand.IntN(5), LastContactThreshold: "1s"}, CAS: a.rand.IntN(3) == 0,
		})
	},
	"ClusterRestored": func(a *author) []byte {
		return ClusterRestored.Encode(&ClusterRestoredRequest{Time: a.now()})
	},
	"ClusterInit": func(a *author) []byte {
		return ClusterInit.Encode(&ClusterInitRequest{ClusterID: a.id(), CreateTime: a.now()})
	},
	"ServicesUpsert": func(a *author) []byte {
		r := &ServicesUpsertRequest{}
		for _, alloc := range a.allocs(3) {
			r.Services = append(r.Services, &api.ServiceRegistration{
				ID: "_reg_" + alloc.ID, ServiceName: "web", Namespace: alloc.Namespace, NodeID: alloc.NodeID, JobID: alloc.JobID, AllocID: alloc.ID, Address: "10.0.0.1", Port: 80,
			})
		}
		return ServicesUpsert.Encode(r)
	},
	"ServicesSync": func(a *author) []byte {
		r := &ServicesSyncRequest{Delete: []ServiceRef{{"default", "none"}}}
		if s, ok := pick(a, slices.Collect(state.Services.All(a.state()))); ok {
			r.Delete = append(r.Delete, ServiceRef{s.Namespace, s.ID})
		}
		for _, alloc := range a.allocs(3) {
			r.Upsert = append(r.Upsert, &api.ServiceRegistration{
				ID: "_sync_" + alloc.ID, ServiceName: "web", Namespace: alloc.Namespace, NodeID: alloc.NodeID, JobID: alloc.JobID, AllocID: alloc.ID,
			})
		}
		return ServicesSync.Encode(r)
	},
	"ServicesDelete": func(a *author) []byte {
		r := &ServicesDeleteRequest{Services: []ServiceRef{{"default", "none"}}}
		if s, ok := pick(a, slices.Collect(state.Services.All(a.state()))); ok {
			r.Services = append(r.Services, ServiceRef{s.Namespace, s.ID})
		}
		if a.rand.IntN(4) == 0 {
			r.NodeID = a.node().ID
		}
		return ServicesDelete.Encode(r)
	},
}

// plan places, updates and stops allocations of a job.
func (a *author) plan() *PlanCommit {
	j := a.job()
	p := &PlanCommit{EvalID: a.id(), Job: j, Result: &api.PlanResult{
		NodeAllocation: map[string][]*api.Allocation{}, NodeUpdate: map[string][]*api.Allocation{}, NodePreemptions: map[string][]*api.Allocation{},
	}}
	if e, ok := pick(a, slices.Collect(state.Evals.By(a.state(), state.ByJob, j.Namespace, j.ID))); ok {
		p.EvalID = e.ID
	}
	var deployment string
	if a.rand.IntN(2) == 0 {
		deployment = a.id()
		p.Result.Deployment = &api.Deployment{
			ID: deployment, Namespace: j.Namespace, JobID: j.ID, JobVersion: j.Version, JobCreateIndex: j.CreateIndex, Status: api.DeploymentRunning,
			TaskGroups: map[string]*api.DeploymentState{"web": {DesiredTotal: 3, ProgressDeadline: 600e9, AutoRevert: true, DesiredCanaries: a.rand.IntN(2)}, "db": {DesiredTotal: 1}},
		}
	}
	resources := &api.AllocatedResources{
		Tasks:  map[string]*api.AllocatedTaskResources{"web": {Cpu: api.AllocatedCpuResources{CpuShares: 100}}, "log": {Memory: api.AllocatedMemoryResources{MemoryMB: 64}}},
		Shared: api.AllocatedSharedResources{DiskMB: 10},
	}
	metrics := &api.AllocMetric{NodesEvaluated: 7, NodesAvailable: map[string]int{"dc1": 7, "dc2": 1}}
	for n := range a.rand.IntN(6) {
		node := a.node().ID
		alloc := &api.Allocation{
			ID: a.id(), Name: api.AllocName(j.ID, "web", n), TaskGroup: "web", NodeID: node, DesiredStatus: api.AllocDesiredRun,
			ClientStatus: api.AllocClientPending, AllocatedResources: resources, Metrics: metrics, DeploymentID: deployment,
		}
		if n == 0 {
			ported := *resources
			ported.Shared.Ports = []*api.AllocatedPortMapping{{Label: "http", Value: 20000 + a.rand.IntN(1000), HostIP: "10.0.0.1"}}
			alloc.AllocatedResources = &ported
			if prev := a.allocs(1); len(prev) > 0 {
				alloc.PreviousAllocation = prev[0].ID
			}
		}
		p.Result.NodeAllocation[node] = append(p.Result.NodeAllocation[node], alloc)
	}
	for n, old := range a.allocs(4) {
		c := *old
		switch n {
		case 0:
			c.DesiredStatus, c.DesiredDescription = api.AllocDesiredStop, api.AllocDescNotNeeded
			p.Result.NodeUpdate[c.NodeID] = append(p.Result.NodeUpdate[c.NodeID], &c)
		case 1:
			c.DesiredStatus, c.ClientStatus = api.AllocDesiredStop, api.AllocClientLost
			p.Result.NodeUpdate[c.NodeID] = append(p.Result.NodeUpdate[c.NodeID], &c)
		case 2:
			c.DesiredStatus, c.PreemptedByAllocation = api.AllocDesiredEvict, a.id()
			p.Result.NodePreemptions[c.NodeID] = append(p.Result.NodePreemptions[c.NodeID], &c)
		default:
			p.Result.NodeAllocation[c.NodeID] = append(p.Result.NodeAllocation[c.NodeID], &c)
		}
	}
	if d := state.LatestDeployment(a.state(), j.Namespace, j.ID); d != nil && a.rand.IntN(3) == 0 {
		p.Result.DeploymentUpdates = []*api.DeploymentStatusUpdate{{DeploymentID: d.ID, Status: api.DeploymentCancelled}}
	}
	return p
}

func init() {
	scripts["Batch"] = func(a *author) []byte {
		r := &BatchRequest{}
		for _, name := range []string{"NodeRegister", "EvalsUpsert", "NodeEligibility"} {
			r.Entries = append(r.Entries, scripts[name](a))
		}
		return Batch.Encode(r)
	}
}

// write returns the next n entries of the log.
func (a *author) write(t testing.TB, n int) [][]byte {
	t.Helper()
	names := Names()
	// Plans and updates are what most logs are made of.
	for range 10 {
		names = append(names, "PlanApply", "AllocsClientUpdate", "NodeRegister", "JobRegister")
	}
	var log [][]byte
	for i := range n {
		name := names[a.rand.IntN(len(names))]
		if i < len(Names()) {
			name = Names()[i] // each command at least once
		}
		script := scripts[name]
		if script == nil {
			t.Fatalf("no script writes command %s: add one, so that the tests of logs see it", name)
		}
		entry := script(a)
		a.index++
		a.f.apply(a.index, entry)
		if err := a.f.Err(); err != nil {
			t.Fatal(err)
		}
		log = append(log, entry)
	}
	return log
}
