// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/broker/brokertest"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// ago is a time in unix nanoseconds.
func ago(d time.Duration) int64 { return time.Now().Add(-d).UnixNano() }

// put writes rows without commands.
func put(r *brokertest.Raft, fn func(w *state.WriteTx)) {
	w := r.Store.Begin(r.Store.Index()+1, "test")
	fn(w)
	w.Commit()
	r.CatchUp()
}

func TestCollectAlloc(t *testing.T) {
	limited := &api.ReschedulePolicy{Attempts: new(2), Interval: new(time.Hour)}
	unlimited := &api.ReschedulePolicy{Unlimited: new(true)}
	rescheduled := func(d time.Duration) *api.RescheduleTracker {
		return &api.RescheduleTracker{Events: []*api.RescheduleEvent{{RescheduleTime: ago(d)}}}
	}
	for _, c := range []struct {
		name   string
		alloc  api.Allocation
		policy *api.ReschedulePolicy
		job    func(*api.Job) *api.Job
		want   bool
	}{
		{name: "running", alloc: api.Allocation{ClientStatus: "running"}},
		{name: "stopping, still running", alloc: api.Allocation{ClientStatus: "running", DesiredStatus: "stop"}},
		{name: "stopped", alloc: api.Allocation{ClientStatus: "complete", DesiredStatus: "stop"}, want: true},
		{name: "never started", alloc: api.Allocation{ClientStatus: "pending", DesiredStatus: "stop"}, want: true},
		{name: "complete", alloc: api.Allocation{ClientStatus: "complete"}, want: true},
		{name: "lost", alloc: api.Allocation{ClientStatus: "lost"}, want: true},
		{name: "recent", alloc: api.Allocation{ClientStatus: "complete", ModifyTime: ago(time.Minute)}},
		{name: "failed without a policy", alloc: api.Allocation{ClientStatus: "failed"}, want: true},
		{name: "failed, to be replaced for ever", alloc: api.Allocation{ClientStatus: "failed"}, policy: unlimited},
		{name: "failed and replaced", alloc: api.Allocation{ClientStatus: "failed", NextAllocation: "n"}, policy: unlimited, want: true},
		{name: "failed, not yet rescheduled", alloc: api.Allocation{ClientStatus: "failed"}, policy: limited},
		{name: "failed, rescheduled within the interval", alloc: api.Allocation{ClientStatus: "failed", RescheduleTracker: rescheduled(time.Minute)}, policy: limited},
		{name: "failed, rescheduled long ago", alloc: api.Allocation{ClientStatus: "failed", RescheduleTracker: rescheduled(2 * time.Hour)}, policy: limited, want: true},
		{
			name: "failed, job stopped", alloc: api.Allocation{ClientStatus: "failed"}, policy: unlimited, want: true,
			job: func(j *api.Job) *api.Job { j.Stop = true; return j },
		},
		{
			name: "failed, job dead", alloc: api.Allocation{ClientStatus: "failed"}, policy: unlimited, want: true,
			job: func(j *api.Job) *api.Job { j.Status = "dead"; return j },
		},
		{
			name: "failed, job gone", alloc: api.Allocation{ClientStatus: "failed"}, policy: unlimited, want: true,
			job: func(*api.Job) *api.Job { return nil },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			job := brokertest.Job("j", 1, 1, 1)
			job.TaskGroups[0].ReschedulePolicy = c.policy
			a := c.alloc
			a.Job, a.TaskGroup = job, "g"
			if a.ModifyTime == 0 {
				a.ModifyTime = ago(2 * time.Hour)
			}
			if a.DesiredStatus == "" {
				a.DesiredStatus = "run"
			}
			current := brokertest.Job("j", 1, 1, 1)
			current.Status = "running"
			if c.job != nil {
				current = c.job(current)
			}
			if got := collectAlloc(&a, current, ago(time.Hour), time.Now().UnixNano()); got != c.want {
				t.Fatalf("collectAlloc() = %v, want %v", got, c.want)
			}
		})
	}
}

// cluster is what the tests of whole passes start with.
type cluster struct {
	*brokertest.Raft
	t  *testing.T
	gc *GC
}

func newCluster(t *testing.T) *cluster {
	r := brokertest.NewRaft()
	return &cluster{Raft: r, t: t, gc: NewGC(DefaultGC(), r.Store, r, hclog.NewNullLogger())}
}

func (c *cluster) job(id, kind string, edit func(*api.Job)) {
	j := brokertest.Job(id, 1, 1, 1)
	j.Type, j.Version = kind, 1
	j.SubmitTime = ago(5 * time.Hour)
	if edit != nil {
		edit(j)
	}
	put(c.Raft, func(w *state.WriteTx) { state.Jobs.Put(w, j) })
}

func (c *cluster) eval(id, jobID, kind, status string, age time.Duration) {
	put(c.Raft, func(w *state.WriteTx) {
		state.Evals.Put(w, &api.Evaluation{
			ID: id, Namespace: "default", JobID: jobID, Type: kind, Status: status, ModifyTime: ago(age),
		})
	})
}

func (c *cluster) alloc(id, evalID, jobID, client string, age time.Duration, edit func(*api.Allocation)) {
	job := state.Jobs.Get(c.Store.Snapshot(), "default", jobID)
	if job == nil {
		job = brokertest.Job(jobID, 1, 1, 1)
	}
	a := &api.Allocation{
		ID: id, EvalID: evalID, Namespace: "default", JobID: jobID, Job: job, TaskGroup: "g",
		ClientStatus: client, DesiredStatus: "run", ModifyTime: ago(age),
	}
	if edit != nil {
		edit(a)
	}
	putAlloc(c.Raft, a)
}

// left names the rows that are left, by table.
func (c *cluster) left() string {
	snap := c.Store.Snapshot()
	var evals, allocs, jobs, nodes, deployments []string
	for e := range state.Evals.All(snap) {
		evals = append(evals, e.ID)
	}
	for a := range state.Allocs.All(snap) {
		allocs = append(allocs, a.ID)
	}
	for j := range state.Jobs.All(snap) {
		jobs = append(jobs, j.ID)
	}
	for n := range state.Nodes.All(snap) {
		nodes = append(nodes, n.Name)
	}
	for d := range state.Deployments.All(snap) {
		deployments = append(deployments, d.ID)
	}
	return strings.Join([]string{
		strings.Join(sorted(evals), " "), strings.Join(sorted(allocs), " "), strings.Join(sorted(jobs), " "),
		strings.Join(sorted(nodes), " "), strings.Join(sorted(deployments), " "),
	}, "|")
}

func (c *cluster) expect(want string) {
	c.t.Helper()
	if got := c.left(); got != want {
		c.t.Fatalf("left %s\nwant %s", got, want)
	}
}

func running(j *api.Job) { j.Status = "running" }

func TestCollectEvals(t *testing.T) {
	c := newCluster(t)
	c.job("svc", "service", running)
	c.job("bat", "batch", running)
	c.eval("live", "svc", "service", "pending", 2*time.Hour)
	c.eval("blocked", "svc", "service", "blocked", 2*time.Hour)
	c.eval("new", "svc", "service", "complete", time.Minute)
	c.eval("old", "svc", "service", "complete", 2*time.Hour)
	c.alloc("old-1", "old", "svc", "complete", 2*time.Hour, nil)
	c.eval("held", "svc", "service", "complete", 2*time.Hour)
	c.alloc("held-1", "held", "svc", "running", 2*time.Hour, nil)
	c.alloc("held-2", "held", "svc", "complete", 2*time.Hour, nil)
	c.eval("batch-young", "gone", "batch", "complete", 2*time.Hour)
	c.eval("batch-old", "gone", "batch", "complete", 25*time.Hour)
	c.alloc("batch-old-1", "batch-old", "gone", "complete", 25*time.Hour, nil)
	c.eval("batch-kept", "bat", "batch", "complete", 25*time.Hour)
	c.alloc("batch-kept-1", "batch-kept", "bat", "complete", 25*time.Hour, nil)
	c.alloc("batch-older-1", "batch-kept", "bat", "complete", 25*time.Hour, func(a *api.Allocation) {
		job := *a.Job
		job.Version = 0
		a.Job = &job
	})
	if err := c.gc.evals(t.Context(), c.gc.cutoffs(time.Now())); err != nil {
		t.Fatal(err)
	}
	c.expect("batch-kept batch-young blocked held live new|batch-kept-1 held-1|bat svc||")
}

func TestCollectJobs(t *testing.T) {
	c := newCluster(t)
	dead := func(j *api.Job) { j.Status, j.Stop = "dead", true }
	c.job("stopped", "service", dead)
	c.eval("stopped-e", "stopped", "service", "complete", 5*time.Hour)
	c.alloc("stopped-a", "stopped-e", "stopped", "complete", 5*time.Hour, func(a *api.Allocation) { a.DesiredStatus = "stop" })
	c.job("running", "service", running)
	c.alloc("running-a", "x", "running", "running", 5*time.Hour, nil)
	c.job("dead-service", "service", func(j *api.Job) { j.Status = "dead" })
	c.eval("dead-service-e", "dead-service", "service", "complete", 5*time.Hour)
	c.job("batch", "batch", func(j *api.Job) { j.Status = "dead" })
	c.eval("batch-e", "batch", "batch", "complete", 5*time.Hour)
	c.alloc("batch-a", "batch-e", "batch", "complete", 5*time.Hour, nil)
	c.job("young", "batch", func(j *api.Job) { j.Status, j.SubmitTime = "dead", ago(time.Hour) })
	c.eval("young-e", "young", "batch", "complete", time.Hour)
	c.job("periodic", "batch", func(j *api.Job) { j.Status, j.Periodic = "dead", &api.Periodic{} })
	c.job("periodic-stopped", "batch", func(j *api.Job) { j.Status, j.Stop, j.Periodic = "dead", true, &api.Periodic{} })
	c.job("tagged", "service", func(j *api.Job) { dead(j); j.VersionTag = &api.JobVersionTag{Name: "keep"} })
	c.job("evaluated", "service", dead)
	c.eval("evaluated-e", "evaluated", "service", "complete", time.Hour)
	c.job("leaving", "service", dead)
	c.alloc("leaving-a", "x", "leaving", "running", 5*time.Hour, func(a *api.Allocation) { a.DesiredStatus = "stop" })
	if err := c.gc.jobs(t.Context(), c.gc.cutoffs(time.Now())); err != nil {
		t.Fatal(err)
	}
	c.expect("dead-service-e evaluated-e young-e|leaving-a running-a|" +
		"dead-service evaluated leaving periodic running tagged young||")
}

func TestCollectNodesAndDeployments(t *testing.T) {
	c := newCluster(t)
	for i, n := range []struct {
		status string
		age    time.Duration
		alloc  string
	}{
		{"ready", 48 * time.Hour, ""},
		{"down", time.Hour, ""},
		{"down", 25 * time.Hour, ""},
		{"down", 25 * time.Hour, "running"},
		{"down", 25 * time.Hour, "lost"},
		{"disconnected", 25 * time.Hour, ""},
	} {
		node := brokertest.Node(i, 1, 1)
		node.Status, node.StatusUpdatedAt = n.status, time.Now().Add(-n.age).Unix()
		put(c.Raft, func(w *state.WriteTx) { state.Nodes.Put(w, node) })
		if n.alloc != "" {
			c.alloc(fmt.Sprint("a", i), "e", "j", n.alloc, time.Hour, func(a *api.Allocation) { a.NodeID = node.ID })
		}
	}
	for id, d := range map[string]*api.Deployment{
		"running":  {Status: "running", ModifyTime: ago(2 * time.Hour)},
		"young":    {Status: "successful", ModifyTime: ago(time.Minute)},
		"old":      {Status: "successful", ModifyTime: ago(2 * time.Hour)},
		"in-use":   {Status: "failed", ModifyTime: ago(2 * time.Hour)},
		"finished": {Status: "cancelled", ModifyTime: ago(2 * time.Hour)},
	} {
		d.ID, d.Namespace, d.JobID = id, "default", "j"
		put(c.Raft, func(w *state.WriteTx) { state.Deployments.Put(w, d) })
	}
	c.alloc("d1", "e", "j", "running", 2*time.Hour, func(a *api.Allocation) { a.DeploymentID = "in-use" })
	c.alloc("d2", "e", "j", "complete", 2*time.Hour, func(a *api.Allocation) { a.DeploymentID = "finished" })
	cut := c.gc.cutoffs(time.Now())
	if err := errors.Join(c.gc.nodes(t.Context(), cut), c.gc.deployments(t.Context(), cut)); err != nil {
		t.Fatal(err)
	}
	c.expect("|a3 a4 d1 d2||node-0 node-1 node-3 node-5|in-use running young")
}

// TestThresholdOfZero collects what has ended just now, and takes no age of 0 for one that is not set.
func TestThresholdOfZero(t *testing.T) {
	c := newCluster(t)
	c.gc = NewGC(GCConfig{Interval: time.Minute, JobInterval: time.Minute}, c.Store, c.Raft, hclog.NewNullLogger())
	c.job("over", "batch", func(j *api.Job) { j.Status, j.SubmitTime = "dead", ago(time.Second) })
	c.eval("over-e", "over", "batch", "complete", time.Second)
	c.eval("ended", "gone", "service", "complete", time.Second)
	down := brokertest.Node(1, 1, 1)
	down.Status, down.StatusUpdatedAt = "down", time.Now().Add(-5*time.Second).Unix()
	put(c.Raft, func(w *state.WriteTx) { state.Nodes.Put(w, down) })
	for _, collect := range []func(context.Context, cutoffs) error{c.gc.jobs, c.gc.evals, c.gc.nodes} {
		if err := collect(t.Context(), c.gc.cutoffs(time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	c.expect("||||")
}

func TestForceCollectsWhateverTheAge(t *testing.T) {
	c := newCluster(t)
	c.job("svc", "service", running)
	c.eval("live", "svc", "service", "pending", 0)
	c.alloc("a", "live", "svc", "running", 0, nil)
	c.job("done", "batch", func(j *api.Job) { j.Status, j.SubmitTime = "dead", ago(0) })
	c.eval("done-e", "done", "batch", "complete", 0)
	c.alloc("done-a", "done-e", "done", "complete", 0, nil)
	c.eval("old", "svc", "service", "complete", 0)
	node := brokertest.Node(0, 1, 1)
	node.Status, node.StatusUpdatedAt = "down", time.Now().Unix()
	put(c.Raft, func(w *state.WriteTx) { state.Nodes.Put(w, node) })
	if err := c.gc.Force(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.expect("live|a|svc||")
}

// TestCollectInBatches checks that no raft entry deletes more than it should.
func TestCollectInBatches(t *testing.T) {
	c := newCluster(t)
	put(c.Raft, func(w *state.WriteTx) {
		state.Evals.Put(w, &api.Evaluation{ID: "e", Namespace: "default", JobID: "j", Type: "service", Status: "complete"})
		for i := range 3*gcBatch + 10 {
			state.Allocs.Put(w, &api.Allocation{
				ID: fmt.Sprint("a", i), EvalID: "e", Namespace: "default", JobID: "j", ClientStatus: "complete", DesiredStatus: "run",
			})
		}
	})
	before := c.Entries()
	if err := c.gc.evals(t.Context(), c.gc.cutoffs(time.Now())); err != nil {
		t.Fatal(err)
	}
	c.expect("||||")
	if n := c.Entries() - before; n != 4 {
		t.Fatalf("%d entries, want 4", n)
	}
}

func TestCollectionRunsByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.gc.Run(ctx) }()
		c.job("done", "batch", func(j *api.Job) { j.Status, j.SubmitTime = "dead", ago(0) })
		c.eval("e", "gone", "service", "complete", 0)
		after(59 * time.Minute)
		c.expect("e||done||")
		after(6 * time.Minute)
		c.expect("||done||")
		after(3 * time.Hour)
		c.expect("||||")
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// TestJobRegisteredDuringCollectionStays registers a job again between the look at it and its deletion.
func TestJobRegisteredDuringCollectionStays(t *testing.T) {
	c := newCluster(t)
	for _, id := range []string{"again", "done"} {
		c.job(id, "batch", func(j *api.Job) { j.Status = "dead" })
		c.eval(id+"-e", id, "batch", "complete", 5*time.Hour)
	}
	first := true
	c.Intercept(func([]byte) error {
		if first {
			first = false
			c.Register(t, brokertest.Job("again", 1, 1, 1))
		}
		return nil
	})
	if err := c.gc.jobs(t.Context(), c.gc.cutoffs(time.Now())); err != nil {
		t.Fatal(err)
	}
	if state.Jobs.Get(c.Store.Snapshot(), "default", "again") == nil || state.Jobs.Get(c.Store.Snapshot(), "default", "done") != nil {
		t.Fatalf("left %s", c.left())
	}
}
