// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/broker"
	"github.com/nomadlike/nomadlike/nomadlike/broker/brokertest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// rollouts is a scheduler with a deployment watcher, in a bubble.
type rollouts struct {
	t *testing.T
	*brokertest.Raft
}

func withRollouts(t *testing.T, fn func(r *rollouts)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rollouts{t: t, Raft: brokertest.NewRaft()}
		r.AddNodes(t, 4, 4000, 8000)
		evals := broker.New(broker.ServiceConfig{Store: r.Store, Raft: r, Workers: 1})
		r.Store.Subscribe(evals.Observe)
		d := NewDeployments(r.Store, r, 0, hclog.NewNullLogger())
		r.Store.Subscribe(d.Observe)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		go func() { done <- evals.Run(ctx) }()
		go func() { done <- d.Run(ctx) }()
		fn(r)
		cancel()
		for range 2 {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Run() = %v", err)
			}
		}
	})
}

// register stores a version of the job with three allocations.
func (r *rollouts) register(env string, update *api.UpdateStrategy) {
	r.t.Helper()
	j := brokertest.Job("web", 3, 100, 100)
	g := j.TaskGroups[0]
	g.Update, g.Tasks[0].Env = update, map[string]string{"E": env}
	g.ReschedulePolicy = nil
	r.Register(r.t, j)
	after(time.Second)
}

// report has the clients report every allocation that is pending as the verdict says.
func (r *rollouts) report(healthy bool) {
	r.t.Helper()
	now := time.Now()
	req := &fsm.AllocsClientUpdateRequest{Time: now.UnixNano()}
	for a := range state.Allocs.All(r.Store.Snapshot()) {
		if a.TerminalStatus() || a.ClientStatus != api.AllocClientPending {
			continue
		}
		u := &fsm.AllocUpdate{ID: a.ID, ClientStatus: api.AllocClientRunning}
		u.DeploymentStatus = &api.AllocDeploymentStatus{Healthy: &healthy, Timestamp: &now}
		if !healthy {
			u.ClientStatus = api.AllocClientFailed
		}
		req.Allocs = append(req.Allocs, u)
	}
	r.Must(r.t, fsm.AllocsClientUpdate.Encode(req))
	after(time.Second)
}

func (r *rollouts) latest() *api.Deployment {
	return state.LatestDeployment(r.Store.Snapshot(), "default", "web")
}

func (r *rollouts) job() *api.Job { return state.Jobs.Get(r.Store.Snapshot(), "default", "web") }

// expect checks the newest deployment and how many allocations run the version that it rolls out.
func (r *rollouts) expect(version uint64, status, description string, placed int) {
	r.t.Helper()
	d := r.latest()
	n := 0
	for a := range state.Allocs.All(r.Store.Snapshot()) {
		if !a.TerminalStatus() && a.Job.Version == version {
			n++
		}
	}
	if d.JobVersion != version || d.Status != status || !strings.HasPrefix(d.StatusDescription, description) || n != placed {
		r.t.Fatalf("deployment of version %d is %s, %q with %d allocations, want version %d, %s, %q, %d",
			d.JobVersion, d.Status, d.StatusDescription, n, version, status, description, placed)
	}
}

func rolling(maxParallel int) *api.UpdateStrategy {
	return &api.UpdateStrategy{MaxParallel: &maxParallel, ProgressDeadline: new(10 * time.Minute)}
}

func TestRollout(t *testing.T) {
	withRollouts(t, func(r *rollouts) {
		r.register("a", rolling(1))
		r.expect(0, api.DeploymentRunning, "Deployment is running", 3)
		r.report(true)
		r.expect(0, api.DeploymentSuccessful, "Deployment completed successfully", 3)
		if !r.job().Stable {
			t.Error("the version is not stable after its deployment")
		}
		r.register("b", rolling(1))
		for placed := 1; placed <= 3; placed++ {
			r.expect(1, api.DeploymentRunning, "Deployment is running", placed)
			after(time.Minute) // nothing goes on without health
			r.expect(1, api.DeploymentRunning, "Deployment is running", placed)
			r.report(true)
		}
		r.expect(1, api.DeploymentSuccessful, "Deployment completed successfully", 3)
		for e := range state.Evals.All(r.Store.Snapshot()) {
			if watched := e.TriggeredBy == api.TriggerDeploymentWatcher; watched != (e.JobModifyIndex == 0) {
				t.Errorf("evaluation for %s has the job index %d", e.TriggeredBy, e.JobModifyIndex)
			}
		}
	})
}

func TestRolloutFailsAndReverts(t *testing.T) {
	withRollouts(t, func(r *rollouts) {
		update := rolling(1)
		update.AutoRevert = new(true)
		r.register("a", update)
		r.report(true)
		r.register("b", update)
		failed := r.latest().ID
		r.report(false)
		if d := state.Deployments.Get(r.Store.Snapshot(), failed); d.Status != api.DeploymentFailed ||
			d.StatusDescription != "Failed due to unhealthy allocations - rolling back to job version 0" {
			t.Fatalf("deployment is %s, %q", d.Status, d.StatusDescription)
		}
		if j := r.job(); j.Version != 2 || j.TaskGroups[0].Tasks[0].Env["E"] != "a" {
			t.Fatalf("job is version %d with %v", j.Version, j.TaskGroups[0].Tasks[0].Env)
		}
		r.report(true)
		for range 3 { // what ran version 0 changes in place and is judged anew
			r.judge()
		}
		r.expect(2, api.DeploymentSuccessful, "Deployment completed successfully", 3)
	})
}

// judge has the clients find what they run healthy in its new deployment.
func (r *rollouts) judge() {
	now := time.Now()
	req := &fsm.AllocsClientUpdateRequest{Time: now.UnixNano()}
	for a := range state.Allocs.All(r.Store.Snapshot()) {
		if !a.TerminalStatus() && a.DeploymentID == r.latest().ID && !a.DeploymentStatus.IsHealthy() {
			req.Allocs = append(req.Allocs, &fsm.AllocUpdate{
				ID: a.ID, ClientStatus: api.AllocClientRunning,
				DeploymentStatus: &api.AllocDeploymentStatus{Healthy: new(true), Timestamp: &now},
			})
		}
	}
	r.Must(r.t, fsm.AllocsClientUpdate.Encode(req))
	after(time.Second)
}

func TestRolloutProgressDeadline(t *testing.T) {
	withRollouts(t, func(r *rollouts) {
		r.register("a", rolling(1))
		r.report(true)
		r.register("b", rolling(1))
		after(9 * time.Minute)
		r.expect(1, api.DeploymentRunning, "Deployment is running", 1)
		after(2 * time.Minute)
		r.expect(1, api.DeploymentFailed, "Failed due to progress deadline", 1)
	})
}

// TestUnhealthyButRunning: where nothing is rescheduled, an allocation that runs and is unhealthy fails the deployment at once.
func TestUnhealthyButRunning(t *testing.T) {
	for name, test := range map[string]struct {
		policy *api.ReschedulePolicy
		want   string
	}{
		"no attempts": {&api.ReschedulePolicy{Attempts: new(0), Unlimited: new(false)}, api.DeploymentFailed},
		"unlimited":   {&api.ReschedulePolicy{Unlimited: new(true), Delay: new(30 * time.Second)}, api.DeploymentRunning},
	} {
		t.Run(name, func(t *testing.T) {
			withRollouts(t, func(r *rollouts) {
				j := brokertest.Job("web", 3, 100, 100)
				j.TaskGroups[0].Update, j.TaskGroups[0].ReschedulePolicy = rolling(1), test.policy
				r.Register(t, j)
				after(time.Second)
				now := time.Now()
				req := &fsm.AllocsClientUpdateRequest{Time: now.UnixNano()}
				for a := range state.Allocs.All(r.Store.Snapshot()) {
					req.Allocs = append(req.Allocs, &fsm.AllocUpdate{
						ID: a.ID, ClientStatus: api.AllocClientRunning, DeploymentStatus: &api.AllocDeploymentStatus{Healthy: new(false), Timestamp: &now},
					})
				}
				r.Must(t, fsm.AllocsClientUpdate.Encode(req))
				after(time.Second)
				if d := r.latest(); d.Status != test.want {
					t.Errorf("deployment is %s, %q, want %s", d.Status, d.StatusDescription, test.want)
				}
			})
		})
	}
}

func TestAutomaticPromotion(t *testing.T) {
	withRollouts(t, func(r *rollouts) {
		r.register("a", rolling(3))
		r.report(true)
		update := rolling(3)
		update.Canary, update.AutoPromote = new(1), new(true)
		r.register("b", update)
		r.expect(1, api.DeploymentRunning, "Deployment is running pending automatic promotion", 1)
		r.report(true)
		r.expect(1, api.DeploymentRunning, "Deployment is running", 3)
		r.report(true)
		r.expect(1, api.DeploymentSuccessful, "Deployment completed successfully", 3)
	})
}

// TestPromotionGivesTime: the time that canaries waited for someone to promote them is not taken from the rest.
func TestPromotionGivesTime(t *testing.T) {
	withRollouts(t, func(r *rollouts) {
		r.register("a", rolling(3))
		r.report(true)
		update := rolling(3)
		update.Canary = new(1)
		r.register("b", update)
		r.report(true)
		after(time.Hour)
		r.expect(1, api.DeploymentRunning, "Deployment is running but requires manual promotion", 1)
		r.Must(r.t, fsm.DeploymentPromotion.Encode(&fsm.DeploymentPromotionRequest{
			DeploymentID: r.latest().ID, All: true, Time: time.Now().UnixNano(),
		}))
		after(9 * time.Minute)
		r.expect(1, api.DeploymentRunning, "Deployment is running", 3)
		after(2 * time.Minute)
		r.expect(1, api.DeploymentFailed, "Failed due to progress deadline", 3)
	})
}

// TestResumptionGivesTime: the time of a pause is not taken from the deployment.
func TestResumptionGivesTime(t *testing.T) {
	withRollouts(t, func(r *rollouts) {
		r.register("a", rolling(1))
		r.report(true)
		r.register("b", rolling(1))
		turn := func(status, why string) {
			r.Must(r.t, fsm.DeploymentStatus.Encode(&fsm.DeploymentStatusRequest{
				Update: &api.DeploymentStatusUpdate{DeploymentID: r.latest().ID, Status: status, StatusDescription: why},
				Time:   time.Now().UnixNano(),
			}))
		}
		turn(api.DeploymentPaused, "Deployment is paused")
		after(time.Hour)
		turn(api.DeploymentRunning, "Deployment is running")
		after(9 * time.Minute)
		r.expect(1, api.DeploymentRunning, "Deployment is running", 1)
		after(2 * time.Minute)
		r.expect(1, api.DeploymentFailed, "Failed due to progress deadline", 1)
	})
}

// TestDisconnected: a node whose allocations tolerate it is disconnected first and down when their time is over.
func TestDisconnected(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, r *brokertest.Raft, h *Heartbeats) {
		j := brokertest.Job("web", 1, 100, 100)
		j.TaskGroups[0].Disconnect = &api.Disconnect{LostAfter: 10 * time.Minute}
		r.Register(t, j)
		stored := state.Jobs.Get(r.Store.Snapshot(), "default", "web")
		a := &api.Allocation{
			ID: api.NewID(), Name: "web.g[0]", NodeID: nodeID(0), TaskGroup: "g", Job: stored,
			DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientRunning,
		}
		r.Must(t, fsm.PlanApply.Encode(&fsm.PlanApplyRequest{Plans: []*fsm.PlanCommit{{
			Job: stored, Result: &api.PlanResult{NodeAllocation: map[string][]*api.Allocation{a.NodeID: {a}}},
		}}}))
		h.Reset(nodeID(0))
		h.Reset(nodeID(1))
		after(time.Minute)
		if got := [2]string{status(r, 0), status(r, 1)}; got != [2]string{"disconnected", "down"} {
			t.Fatalf("statuses %v, want disconnected, down", got)
		}
		after(11 * time.Minute)
		if status(r, 0) != "down" {
			t.Fatal("the node is not down after its allocation's time")
		}
	})
}
