// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// fleet is three servers, one of which is killed now and then, and two clients.
type fleet struct {
	t       *testing.T
	servers []*agent
	clients []*agent
	// dead is the server that was killed last, nil while all run.
	dead *agent
}

// TestLeaderChanges kills the leader of three servers in the middle of what takes time: each goes on under the next
// leader, nothing of it is lost and nothing is done twice.
func TestLeaderChanges(t *testing.T) {
	f := &fleet{t: t, servers: newServers(t, 3)}
	for _, s := range f.servers {
		s.launch()
	}
	f.settle()
	// A server that comes back quickly would be removed as dead when gossip misses it at last, and vote again only when it
	// has been stable for a while: the next leader could not be missed meanwhile.
	if _, err := f.alive().client.Operator().AutopilotSetConfiguration(&nomad.AutopilotConfiguration{
		CleanupDeadServers: false, LastContactThreshold: 200 * time.Millisecond, MaxTrailingLogs: 250, ServerStabilizationTime: 10 * time.Second,
	}, nil); err != nil {
		t.Fatal(err)
	}
	ports := make([]int, len(f.servers))
	for i, s := range f.servers {
		self, err := s.client.Agent().Self()
		if err != nil {
			t.Fatal(err)
		}
		if ports[i], err = strconv.Atoi(self.Member.Tags["port"]); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"c1", "c2"} {
		c := newClient(t, name, ports...)
		c.launch()
		f.clients = append(f.clients, c)
	}
	defer func() { f.alive().stopJobs() }() // before the clients end, or their tasks would go on
	f.eventually("both nodes are ready", func() error {
		nodes, err := f.nodes()
		if err == nil && len(nodes) != 2 {
			err = fmt.Errorf("%d nodes are ready", len(nodes))
		}
		return err
	})
	for _, scene := range []func(){f.drain, f.deploy, f.launches, f.reschedule, f.writes} {
		scene()
		f.revive()
	}
}

// settle waits until one server can be missed.
func (f *fleet) settle() {
	f.t.Helper()
	for _, s := range f.servers {
		s.eventually("one server can be missed", func() error {
			health, _, err := s.client.Operator().AutopilotServerHealth(nil)
			if err != nil {
				return err
			}
			if len(health.Servers) != len(f.servers) || health.FailureTolerance != 1 {
				return fmt.Errorf("health is %+v", health)
			}
			return nil
		})
	}
}

// alive returns a server that runs.
func (f *fleet) alive() *agent {
	for _, s := range f.servers {
		if s != f.dead {
			return s
		}
	}
	return nil
}

func (f *fleet) eventually(what string, check func() error) {
	f.t.Helper()
	f.alive().eventually(what, check)
}

// leader returns the server that leads.
func (f *fleet) leader() *agent {
	f.t.Helper()
	leader, err := f.alive().client.Status().Leader()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, s := range f.servers {
		self, err := s.client.Agent().Self()
		if err != nil {
			f.t.Fatal(err)
		}
		if self.Member.Tags["rpc_addr"]+":"+self.Member.Tags["port"] == leader {
			return s
		}
	}
	f.t.Fatalf("no server has the leader's address %s", leader)
	return nil
}

// killLeader ends the leader with SIGKILL.
func (f *fleet) killLeader() {
	f.t.Helper()
	f.dead = f.leader()
	f.dead.kill()
}

// revive starts the killed server again.
func (f *fleet) revive() {
	f.t.Helper()
	f.dead.launch()
	f.dead = nil
	f.settle()
}

// nodes returns the ready nodes by name.
func (f *fleet) nodes() (map[string]*nomad.NodeListStub, error) {
	list, _, err := f.alive().client.Nodes().List(nil)
	ready := map[string]*nomad.NodeListStub{}
	for _, n := range list {
		if n.Status == "ready" {
			ready[n.Name] = n
		}
	}
	return ready, err
}

// live returns the allocations of a job that are to run and do not have an end, and fails when two of one version have
// one name. Canaries share theirs with what they stand beside, until that stops after the promotion.
func (f *fleet) live(job string) ([]*nomad.AllocationListStub, error) {
	f.t.Helper()
	all, _, err := f.alive().client.Jobs().Allocations(job, false, nil)
	if err != nil {
		return nil, err
	}
	seen := map[string]string{}
	var live []*nomad.AllocationListStub
	for _, a := range all {
		if a.DesiredStatus != "run" || a.ClientStatus != "running" && a.ClientStatus != "pending" {
			continue
		}
		live = append(live, a)
		key := fmt.Sprintf("%s of version %d", a.Name, a.JobVersion)
		if other := seen[key]; other != "" {
			f.t.Fatalf("%s is live as %s and as %s", key, other, a.ID)
		}
		seen[key] = a.ID
	}
	return live, nil
}

// wholly returns an error unless count allocations of the version run, and nothing else.
func (f *fleet) wholly(job string, count int, version uint64) ([]*nomad.AllocationListStub, error) {
	f.t.Helper()
	live, err := f.live(job)
	if err != nil {
		return nil, err
	}
	for _, a := range live {
		if a.ClientStatus != "running" || a.JobVersion != version {
			return nil, fmt.Errorf("%s is %s at version %d", a.Name, a.ClientStatus, a.JobVersion)
		}
	}
	if len(live) != count {
		return nil, fmt.Errorf("%d allocations are live", len(live))
	}
	return live, nil
}

func (f *fleet) register(job *nomad.Job) {
	f.t.Helper()
	f.alive().register(job)
}

// paced makes a service that moves and rolls one at a time, each two seconds after it runs.
func paced(id string, count int, canary bool, script string) *nomad.Job {
	job := shellJob(id, "service", count, script)
	g := job.TaskGroups[0]
	g.Migrate = &nomad.MigrateStrategy{MaxParallel: new(1), MinHealthyTime: new(2 * time.Second), HealthyDeadline: new(time.Minute), HealthCheck: new("task_states")}
	g.Update = &nomad.UpdateStrategy{MaxParallel: new(1), MinHealthyTime: new(2 * time.Second), HealthyDeadline: new(time.Minute), ProgressDeadline: new(2 * time.Minute)}
	if canary {
		g.Update.Canary, g.Update.AutoPromote = new(1), new(true)
	}
	return job
}

// drain empties a node; the leader is killed when some of what runs there has moved and some has not.
func (f *fleet) drain() {
	const count = 6
	f.register(paced("moving", count, false, "exec sleep 1000"))
	f.eventually("all run", func() error {
		_, err := f.wholly("moving", count, 0)
		return err
	})
	nodes, err := f.nodes()
	if err != nil {
		f.t.Fatal(err)
	}
	on := func(live []*nomad.AllocationListStub, name string) (n int) {
		for _, a := range live {
			if a.NodeID == nodes[name].ID {
				n++
			}
		}
		return n
	}
	live, err := f.wholly("moving", count, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	from := "c1"
	if on(live, "c2") > on(live, "c1") {
		from = "c2"
	}
	before := on(live, from)
	if before < 2 {
		f.t.Fatalf("%d allocations are on %s", before, from)
	}
	if _, err := f.alive().client.Nodes().UpdateDrain(nodes[from].ID, &nomad.DrainSpec{Deadline: time.Hour}, false, nil); err != nil {
		f.t.Fatal(err)
	}
	f.eventually("the drain is under way", func() error {
		live, err := f.live("moving")
		if err == nil && on(live, from) == before {
			err = errors.New("nothing has moved")
		}
		return err
	})
	if live, err = f.live("moving"); err != nil || on(live, from) == 0 {
		f.t.Fatalf("the drain is over already: %v", err)
	}
	f.killLeader()
	f.eventually("the node is empty and everything runs elsewhere", func() error {
		live, err := f.wholly("moving", count, 0)
		if err == nil && on(live, from) > 0 {
			err = fmt.Errorf("%d are on the node", on(live, from))
		}
		if err != nil {
			return err
		}
		n, _, err := f.alive().client.Nodes().Info(nodes[from].ID, nil)
		if err == nil && (n.DrainStrategy != nil || n.SchedulingEligibility != "ineligible") {
			err = fmt.Errorf("drain is %+v, %s", n.DrainStrategy, n.SchedulingEligibility)
		}
		return err
	})
	all, _, err := f.alive().client.Jobs().Allocations("moving", false, nil)
	if err != nil || len(all) != count+before {
		f.t.Errorf("%d allocations were made, want %d: %v", len(all), count+before, err)
	}
	if _, err := f.alive().client.Nodes().ToggleEligibility(nodes[from].ID, true, nil); err != nil {
		f.t.Fatal(err)
	}
}

// deploy rolls a new version out behind a canary; the leader is killed while the canary waits for its health.
func (f *fleet) deploy() {
	const count = 3
	f.register(paced("rolling", count, true, "exec sleep 1000"))
	f.deployed("rolling", 0)
	f.register(paced("rolling", count, true, "exec sleep 1001"))
	f.eventually("there is a canary", func() error {
		d, _, err := f.alive().client.Jobs().LatestDeployment("rolling", nil)
		if err == nil && (d == nil || d.JobVersion != 1 || len(d.TaskGroups["g"].PlacedCanaries) != 1) {
			err = fmt.Errorf("deployment %+v", d)
		}
		return err
	})
	f.killLeader()
	f.deployed("rolling", 1)
	f.eventually("the new version runs", func() error {
		_, err := f.wholly("rolling", count, 1)
		return err
	})
	all, _, err := f.alive().client.Jobs().Allocations("rolling", false, nil)
	if err != nil || len(all) != 2*count {
		f.t.Errorf("%d allocations were made, want %d: %v", len(all), 2*count, err)
	}
	list, _, err := f.alive().client.Jobs().Deployments("rolling", true, nil)
	if err != nil || len(list) != 2 {
		f.t.Errorf("%d deployments, want 2: %v", len(list), err)
	}
}

func (f *fleet) deployed(job string, version uint64) {
	f.t.Helper()
	f.eventually("the deployment is successful", func() error {
		if _, err := f.live(job); err != nil {
			return err
		}
		d, _, err := f.alive().client.Jobs().LatestDeployment(job, nil)
		switch {
		case err != nil:
			return err
		case d == nil || d.JobVersion != version || d.Status == "running":
			return fmt.Errorf("deployment %+v", d)
		case d.Status != "successful":
			f.t.Fatalf("the deployment is %s: %s", d.Status, d.StatusDescription)
		}
		return nil
	})
}

// launches has a job launched every three seconds; the leader is killed between two launches.
func (f *fleet) launches() {
	job := shellJob("clock", "batch", 1, "true")
	job.Periodic = &nomad.PeriodicConfig{Enabled: new(true), Specs: []string{"*/3 * * * * * *"}, SpecType: new("cron")}
	if _, _, err := f.alive().client.Jobs().Register(job, nil); err != nil {
		f.t.Fatal(err)
	}
	children := func(after int64) (times []int64, err error) {
		list, _, err := f.alive().client.Jobs().PrefixList("clock/periodic-")
		if err != nil {
			return nil, err
		}
		for _, j := range list {
			at, err := strconv.ParseInt(strings.TrimPrefix(j.ID, "clock/periodic-"), 10, 64)
			if err != nil {
				f.t.Fatal(err)
			}
			if at > after {
				times = append(times, at)
			}
		}
		slices.Sort(times)
		return times, nil
	}
	launched := func(after int64, n int) []int64 {
		var times []int64
		f.eventually("it is launched", func() (err error) {
			if times, err = children(after); err == nil && len(times) < n {
				err = fmt.Errorf("%d launches after %d", len(times), after)
			}
			return err
		})
		return times
	}
	last := launched(0, 1)[0]
	f.killLeader()
	times := launched(last, 3)
	// What was missed without a leader is launched once, the last of it; after that every launch takes place.
	for i := 2; i < len(times); i++ {
		if times[i]-times[i-1] != 3 {
			f.t.Errorf("launches at %v", times)
		}
	}
	if _, _, err := f.alive().client.Jobs().Deregister("clock", false, nil); err != nil {
		f.t.Fatal(err)
	}
	for _, at := range launched(0, 4) {
		id := "clock/periodic-" + strconv.FormatInt(at, 10)
		f.eventually("the launch completes", func() error {
			allocs, _, err := f.alive().client.Jobs().Allocations(id, false, nil)
			if err != nil {
				return err
			}
			if len(allocs) > 1 {
				f.t.Fatalf("%s has %d allocations", id, len(allocs))
			}
			if len(allocs) == 0 || allocs[0].ClientStatus != "complete" {
				return fmt.Errorf("%s has %d allocations", id, len(allocs))
			}
			return nil
		})
	}
}

// reschedule has an allocation fail whose replacement is delayed; the leader is killed meanwhile.
func (f *fleet) reschedule() {
	once := filepath.Join(f.t.TempDir(), "once")
	job := shellJob("again", "service", 1, "if mkdir "+once+"; then exit 3; fi; exec sleep 1000")
	g := job.TaskGroups[0]
	g.RestartPolicy = &nomad.RestartPolicy{Attempts: new(0), Mode: new("fail")}
	g.ReschedulePolicy = &nomad.ReschedulePolicy{
		Unlimited: new(true), Attempts: new(0), Interval: new(time.Duration(0)),
		Delay: new(8 * time.Second), DelayFunction: new("constant"), MaxDelay: new(time.Duration(0)),
	}
	g.Update = &nomad.UpdateStrategy{MaxParallel: new(0)}
	f.register(job)
	var failed string
	f.eventually("the replacement is delayed", func() error {
		allocs, _, err := f.alive().client.Jobs().Allocations("again", false, nil)
		if err != nil {
			return err
		}
		if len(allocs) != 1 || allocs[0].FollowupEvalID == "" {
			return fmt.Errorf("%d allocations", len(allocs))
		}
		failed = allocs[0].ID
		return nil
	})
	f.killLeader()
	f.eventually("the replacement runs", func() error {
		_, err := f.wholly("again", 1, 0)
		return err
	})
	all, _, err := f.alive().client.Jobs().Allocations("again", false, nil)
	if err != nil || len(all) != 2 {
		f.t.Fatalf("%d allocations, want 2: %v", len(all), err)
	}
	for _, a := range all {
		if a.ID == failed {
			continue
		}
		full, _, err := f.alive().client.Allocations().Info(a.ID, nil)
		if err != nil || full.PreviousAllocation != failed || full.RescheduleTracker == nil || len(full.RescheduleTracker.Events) != 1 {
			f.t.Errorf("the replacement is %+v: %v", full, err)
		}
	}
}

// writes has callers dispatch through the servers that live on while the leader is killed: what was accepted is there,
// and nothing is there twice. What was refused may be there or not.
func (f *fleet) writes() {
	const perCaller = 60
	job := shellJob("write", "batch", 1, "true")
	job.ParameterizedJob = &nomad.ParameterizedJobConfig{MetaRequired: []string{"n"}}
	job.Constraints = []*nomad.Constraint{nomad.NewConstraint("${node.unique.name}", "=", "none")} // they need not run
	if _, _, err := f.alive().client.Jobs().Register(job, nil); err != nil {
		f.t.Fatal(err)
	}
	var (
		mu       sync.Mutex
		accepted []string
		killed   = make(chan struct{})
		group    sync.WaitGroup
		begun    sync.WaitGroup
		addr     = f.leader()
	)
	for i, s := range f.servers {
		if s == addr {
			continue
		}
		for caller := range 3 {
			begun.Add(1)
			group.Go(func() {
				first, after := sync.OnceFunc(begun.Done), 0
				for n := 0; after < perCaller; n++ {
					select {
					case <-killed:
						after++
					default:
					}
					id := fmt.Sprintf("%d-%d-%d", i, caller, n)
					if _, _, err := s.client.Jobs().Dispatch("write", map[string]string{"n": id}, nil, "", nil); err == nil {
						mu.Lock()
						accepted = append(accepted, id)
						mu.Unlock()
						if n > perCaller {
							first()
						}
					}
				}
			})
		}
	}
	begun.Wait()
	f.killLeader()
	close(killed)
	group.Wait()
	f.eventually("every accepted write is there once", func() error {
		list, _, err := f.alive().client.Jobs().ListOptions(&nomad.JobListOptions{Fields: &nomad.JobListFields{Meta: true}}, &nomad.QueryOptions{Prefix: "write/dispatch-"})
		if err != nil {
			return err
		}
		times := map[string]int{}
		for _, j := range list {
			if times[j.Meta["n"]]++; times[j.Meta["n"]] > 1 {
				f.t.Fatalf("the write %s is there twice", j.Meta["n"])
			}
		}
		for _, id := range accepted {
			if times[id] == 0 {
				return fmt.Errorf("the write %s was accepted and is not there", id)
			}
		}
		return nil
	})
	f.t.Logf("%d writes were accepted", len(accepted))
}
