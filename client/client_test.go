// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client"
	"github.com/nomadlike/nomadlike/client/clienttest"
	"github.com/nomadlike/nomadlike/internal/testkit/sink"
	"github.com/nomadlike/nomadlike/internal/version"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/values"
)

func TestRegistration(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		<-b.client.Ready()
		reg := b.servers.Registered()
		if len(reg) != 1 {
			t.Fatalf("%d registrations, want one", len(reg))
		}
		n := reg[0]
		if n.ID != b.client.NodeID() || n.Name != "node-1" || n.Datacenter != "dc1" || n.NodePool != "default" || n.Status != api.NodeStatusInit ||
			n.SchedulingEligibility != api.NodeEligible || n.HTTPAddr != "127.0.0.1:4646" || n.SecretID != "" {
			t.Errorf("node = %+v", n)
		}
		for name, want := range map[string]string{
			"driver.fake": "1", "nomad.version": version.CompatVersion, "unique.advertise.address": "127.0.0.1:4646", "cpu.totalcompute": "4000",
			"unique.network.ip-address": "127.0.0.1",
		} {
			if got := n.Attributes[name]; got != want {
				t.Errorf("attribute %s = %q, want %q", name, got, want)
			}
		}
		d := n.Drivers[clienttest.DriverName]
		if d == nil || !d.Detected || !d.Healthy || d.HealthDescription != "Healthy" || d.Attributes["driver.fake"] != "true" {
			t.Errorf("driver = %+v", d)
		}
		if !slices.Equal(b.opened, []string{"127.0.0.1:4647"}) {
			t.Errorf("servers told are %v", b.opened)
		}
	})
}

func TestHeartbeatsComeBeforeHalfOfTheTTL(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		pass(5 * time.Minute)
		at, statuses := b.servers.Beats()
		if len(at) < 60 {
			t.Fatalf("%d heartbeats in 5 minutes of a TTL of 10 s", len(at))
		}
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap > 5*time.Second || gap < 3*time.Second {
				t.Errorf("%v between heartbeats", gap)
			}
		}
		for _, s := range statuses {
			if s != api.NodeStatusReady {
				t.Errorf("a heartbeat says %s", s)
			}
		}
	})
}

// TestUnansweredHeartbeat: a server that does not answer leaves time for another one to take the heartbeat before the node is
// taken for lost.
func TestUnansweredHeartbeat(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		pass(time.Second)
		b.servers.IgnoreBeats(1)
		pass(2 * time.Minute)
		at, _ := b.servers.Beats()
		longest := time.Duration(0)
		for i := 1; i < len(at); i++ {
			longest = max(longest, at[i].Sub(at[i-1]))
		}
		if ttl := b.servers.TTL; longest <= ttl/2 || longest > ttl+5*time.Second { // servers wait 10 s longer than the TTL
			t.Errorf("the servers heard nothing of the node for %v", longest)
		}
	})
}

func TestServersThatForgetTheNodeAreToldAgain(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.ForgetNodes()
		pass(time.Minute)
		if got := len(b.servers.Registered()); got != 2 {
			t.Errorf("%d registrations, want two", got)
		}
		_, statuses := b.servers.Beats()
		if statuses[len(statuses)-1] != api.NodeStatusReady {
			t.Error("the node is not ready again")
		}
	})
}

// TestAbsentDriversAreRegistered: a driver that the machine has no use for is part of the node, with the reason.
func TestAbsentDriversAreRegistered(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		f := clienttest.Healthy()
		f.Health, f.HealthDescription, f.Attributes = drivers.HealthUndetected, "Driver must run as root", nil
		b.plugins.Fingerprint("other", f)
		pass(time.Second)
		reg := b.servers.Registered()
		last := reg[len(reg)-1]
		if d := last.Drivers["other"]; d == nil || d.Detected || d.Healthy || d.HealthDescription != "Driver must run as root" {
			t.Errorf("driver %+v", d)
		}
		if v, there := last.Attributes["driver.other"]; there {
			t.Errorf("the attribute of the driver is %q", v)
		}
		if got := b.servers.Events(); len(got) != 0 {
			t.Errorf("events %+v", got)
		}
	})
}

func TestDriverHealthIsRegistered(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.fingerprint(drivers.HealthHealthy, "Healthy") // nothing new
		pass(time.Second)
		if got := len(b.servers.Registered()); got != 1 {
			t.Fatalf("%d registrations although nothing changed", got)
		}
		b.fingerprint(drivers.HealthUnhealthy, "daemon is down")
		pass(time.Second)
		reg := b.servers.Registered()
		last := reg[len(reg)-1]
		if d := last.Drivers["fake"]; len(reg) != 2 || d.Healthy || !d.Detected || d.HealthDescription != "daemon is down" || last.Attributes["driver.fake"] != "1" {
			t.Errorf("%d registrations, driver %+v", len(reg), last.Drivers["fake"])
		}
		if last.Status != api.NodeStatusReady {
			t.Errorf("the node was made %s by its registration", last.Status)
		}
		b.fingerprint(drivers.HealthUndetected, "gone")
		pass(time.Second)
		reg = b.servers.Registered()
		last = reg[len(reg)-1]
		if _, there := last.Attributes["driver.fake"]; there || last.Drivers["fake"].Detected {
			t.Errorf("driver %+v, attributes %v", last.Drivers["fake"], last.Attributes)
		}
		events := b.servers.Events()
		if len(events) != 2 || events[0].Subsystem != "Driver" || events[0].Message != "daemon is down" || events[0].Details["driver"] != "fake" {
			t.Errorf("events = %+v", events)
		}
	})
}

// TestDriverTellsTooMuch has a driver that adds attributes without an end, each time others.
func TestDriverTellsTooMuch(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		for i := range 4 {
			f := clienttest.Healthy()
			f.Attributes = map[string]*values.Attribute{fmt.Sprint(i): values.Text(strings.Repeat("x", 300_000))}
			b.plugins.Fingerprint(clienttest.DriverName, f)
			pass(time.Second)
		}
		reg := b.servers.Registered()
		if d := reg[len(reg)-2].Drivers["fake"]; !d.Healthy || len(reg[len(reg)-2].Attributes["2"]) != 300_000 {
			t.Errorf("the attributes that are not too many were not taken: %.300v", d.HealthDescription)
		}
		last := reg[len(reg)-1]
		if d := last.Drivers["fake"]; d.Healthy || d.Detected || !strings.Contains(d.HealthDescription, "bytes of attributes") || len(last.Attributes["3"]) > 0 {
			t.Errorf("the driver is %.300v", d)
		}
	})
}

func TestAllocationsRunAndStop(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService), allocation(2, api.JobTypeBatch, "run_for=10s"))
		pass(time.Second)
		b.wantStatus(1, api.AllocClientRunning)
		b.wantStatus(2, api.AllocClientRunning)
		pass(10 * time.Second)
		b.wantStatus(2, api.AllocClientComplete)
		b.servers.Stop(id(1))
		pass(time.Second)
		b.wantStatus(1, api.AllocClientComplete)
		if left := b.machine.Running(); len(left) > 0 {
			t.Errorf("%v run still", left)
		}
		// Files stay until the servers forget the allocation.
		if _, err := os.Stat(b.allocDir(1)); err != nil {
			t.Error(err)
		}
		b.servers.Forget(id(1))
		pass(time.Second)
		if _, err := os.Stat(b.allocDir(1)); err == nil {
			t.Error("the directory of a forgotten allocation is still there")
		}
	})
}

func TestReportsAreGathered(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		var list []*api.Allocation
		for i := range 100 {
			list = append(list, allocation(i+1, api.JobTypeService))
		}
		b.servers.Place(list...)
		pass(time.Second)
		for i := range 100 {
			b.wantStatus(i+1, api.AllocClientRunning)
		}
		if got := len(b.servers.Updates()); got > 20 {
			t.Errorf("%d calls to report 100 allocations", got)
		}
		before := len(b.servers.Updates())
		pass(time.Hour)
		if got := len(b.servers.Updates()); got != before {
			t.Errorf("%d reports although nothing happened", got-before)
		}
	})
}

func TestTasksGoOnWithoutServers(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService), allocation(2, api.JobTypeBatch, "run_for=1m"))
		pass(time.Second)
		b.servers.SetDown(true)
		pass(time.Hour)
		if got := b.machine.Running(); len(got) != 1 {
			t.Errorf("%v run, want one task", got)
		}
		b.servers.SetDown(false)
		pass(time.Minute)
		b.wantStatus(1, api.AllocClientRunning)
		b.wantStatus(2, api.AllocClientComplete)
	})
}

func TestRestartOfTheAgent(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService), allocation(2, api.JobTypeBatch, "run_for=1m"))
		pass(time.Second)
		node := b.client.NodeID()
		b.halt()
		pass(2 * time.Minute) // the second one ends while the agent is down
		b.boot()
		pass(time.Second)
		if b.client.NodeID() != node {
			t.Error("the node has another ID")
		}
		b.wantStatus(1, api.AllocClientRunning)
		b.wantStatus(2, api.AllocClientComplete)
		starts := 0
		for _, c := range b.machine.Calls() {
			if c.What == "start" {
				starts++
			}
		}
		if starts != 2 {
			t.Errorf("%d starts, want 2", starts)
		}
		b.servers.Stop(id(1))
		pass(time.Second)
		b.wantStatus(1, api.AllocClientComplete)
	})
}

// A report that no server took before the agent ended is made by the next agent.
func TestReportsSurviveTheAgent(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		// There is reason to collect garbage all the time, but not what the servers have not heard of.
		b.halt()
		b.cfg.GCDiskUsageThreshold = 1e-9 // no disk is as empty
		b.boot()
		b.servers.Place(allocation(1, api.JobTypeBatch, "run_for=1m"))
		pass(time.Second)
		b.servers.SetDown(true)
		pass(2 * time.Minute)
		b.halt()
		b.servers.SetDown(false)
		b.wantStatus(1, api.AllocClientRunning)
		b.boot()
		pass(time.Second)
		b.wantStatus(1, api.AllocClientComplete)
		pass(2 * time.Minute)
		if _, err := os.Stat(b.allocDir(1)); err == nil {
			t.Error("the allocation is not collected although the servers know its end")
		}
	})
}

// What a server that lags behind does not know is not removed.
func TestStaleServersCostNothing(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService))
		pass(time.Second)
		b.servers.AnswerStale(map[string]uint64{})
		pass(time.Minute)
		if got := b.machine.Running(); len(got) != 1 {
			t.Errorf("%v run, want the task", got)
		}
		b.servers.Forget(id(1))
		pass(time.Minute)
		if got := b.machine.Running(); len(got) != 0 {
			t.Errorf("%v run although the leader forgot them", got)
		}
	})
}

// Servers whose state was replaced by an older one hear how things stand, and what they want from then on counts although
// its indexes are lower.
func TestServersThatWentBack(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService), allocation(2, api.JobTypeService), allocation(3, api.JobTypeService), allocation(4, api.JobTypeService))
		pass(time.Second)
		saved := b.servers.Save()
		b.servers.Stop(id(1))
		b.servers.Forget(id(2))
		for range 5 {
			b.servers.Place(b.servers.Alloc(id(3)), b.servers.Alloc(id(4)))
		}
		pass(time.Minute)
		b.wantStatus(1, api.AllocClientComplete)
		if got := b.machine.Running(); len(got) != 2 {
			t.Errorf("%v run, want two tasks", got)
		}
		registered := len(b.servers.Registered())
		b.servers.GoBack(saved)
		pass(time.Second)
		b.wantStatus(1, api.AllocClientComplete)
		b.wantStatus(2, api.AllocClientRunning)
		b.wantStatus(3, api.AllocClientRunning)
		if got := b.machine.Running(); len(got) != 3 {
			t.Errorf("%v run, want three tasks", got)
		}
		if got := len(b.servers.Registered()); got != registered+1 {
			t.Errorf("%d registrations after the servers went back", got-registered)
		}
		b.servers.Stop(id(3))
		pass(time.Second)
		b.wantStatus(3, api.AllocClientComplete)
		calls := len(b.servers.Updates())
		pass(time.Hour)
		if got := len(b.servers.Updates()); got != calls {
			t.Errorf("%d reports although nothing happened", got-calls)
		}
	})
}

// The same for a client that is away when the servers go back.
func TestServersThatWentBackMeanwhile(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService))
		pass(time.Second)
		saved := b.servers.Save()
		for range 5 {
			b.servers.Place(b.servers.Alloc(id(1)))
		}
		pass(time.Minute)
		b.halt()
		b.servers.GoBack(saved)
		b.boot()
		pass(time.Second)
		b.wantStatus(1, api.AllocClientRunning)
		b.servers.Stop(id(1))
		pass(time.Second)
		b.wantStatus(1, api.AllocClientComplete)
	})
}

// Servers that begin anew after they have gone back once are believed, too.
func TestServersThatBeginAnew(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService))
		pass(time.Second)
		b.servers.GoBack(b.servers.Save())
		pass(time.Second)
		b.servers.Wipe()
		pass(time.Second)
		b.servers.Place(allocation(2, api.JobTypeService))
		pass(time.Second)
		b.wantStatus(2, api.AllocClientRunning)
		if got := b.machine.Running(); len(got) != 1 {
			t.Errorf("%v run, want the task of the new servers", got)
		}
	})
}

// A server that has not gone back with the others does not bring back what is no more.
func TestServerThatLagsBehindARestore(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService))
		pass(time.Second)
		saved := b.servers.Save()
		b.servers.Place(allocation(2, api.JobTypeService))
		pass(time.Second)
		b.servers.GoBack(saved)
		pass(time.Second)
		for _, lags := range []bool{true, false} {
			b.servers.Lag(lags)
			pass(time.Minute)
			if got := b.machine.Running(); len(got) != 1 {
				t.Errorf("%v run, want one task; a server lags behind: %t", got, lags)
			}
		}
		b.servers.Stop(id(1))
		pass(time.Second)
		b.wantStatus(1, api.AllocClientComplete)
	})
}

func TestGarbageCollection(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.halt()
		b.cfg.GCMaxAllocs = 3
		b.boot()
		b.servers.Place(allocation(1, api.JobTypeService), allocation(2, api.JobTypeBatch, "run_for=2s"), allocation(3, api.JobTypeBatch, "run_for=1s"))
		pass(time.Minute)
		for n := range 3 {
			if _, err := os.Stat(b.allocDir(n + 1)); err != nil {
				t.Errorf("collected too early: %v", err)
			}
		}
		b.servers.Place(allocation(4, api.JobTypeBatch, "run_for=1s"))
		pass(2 * time.Minute)
		for n, there := range map[int]bool{1: true, 2: true, 3: false, 4: true} {
			if _, err := os.Stat(b.allocDir(n)); (err == nil) != there {
				t.Errorf("allocation %d: there %t, want %t", n, err == nil, there)
			}
		}
		// It is not run again although the servers still list it.
		pass(time.Hour)
		if got := b.machine.Running(); len(got) != 1 {
			t.Errorf("%v run", got)
		}
	})
}

// TestCollectedAllocationsStayEnded: what has ended here and was removed is not run again because a server is behind and still
// tells of it as of something to be started, neither by this agent nor by the next.
func TestCollectedAllocationsStayEnded(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.halt()
		b.cfg.DevMode, b.cfg.GCMaxAllocs = false, 1
		b.boot()
		b.servers.Place(allocation(1, api.JobTypeBatch, "run_for=1s"), allocation(2, api.JobTypeService))
		pass(2 * time.Minute)
		if _, err := os.Stat(b.allocDir(1)); err == nil {
			t.Fatal("nothing was collected")
		}
		starts := func() (n int) {
			for _, c := range b.machine.Calls() {
				if c.What == "start" {
					n++
				}
			}
			return n
		}
		b.servers.FallBehind()
		b.servers.Place(allocation(3, api.JobTypeService))
		pass(time.Minute)
		if n := starts(); n != 3 {
			t.Errorf("%d starts of three allocations", n)
		}
		b.halt()
		b.boot()
		pass(time.Minute)
		if n := starts(); n != 3 {
			t.Errorf("%d starts of three allocations after a restart of the agent", n)
		}
	})
}

func TestMetrics(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.halt()
		m, kept := sink.New(t)
		b.metrics = m
		b.cfg.Metrics = client.MetricsConfig{Allocs: true}
		b.boot()
		granted := &api.AllocatedResources{
			Tasks:  map[string]*api.AllocatedTaskResources{"t": {Cpu: api.AllocatedCpuResources{CpuShares: 100}, Memory: api.AllocatedMemoryResources{MemoryMB: 64, MemoryMaxMB: 96}}},
			Shared: api.AllocatedSharedResources{DiskMB: 300},
		}
		one, two := allocation(1, api.JobTypeService), allocation(2, api.JobTypeBatch, "run_for=1s")
		one.AllocatedResources, two.AllocatedResources = granted, granted
		b.servers.Place(one, two)
		pass(time.Minute)
		got := map[string]float32{}
		for _, interval := range kept.Data() {
			for _, g := range interval.Gauges {
				if !slices.Contains(g.Labels, metrics.Label{Name: "node_status", Value: "ready"}) {
					continue
				}
				got[g.Name] = g.Value
				if !slices.Contains(g.Labels, metrics.Label{Name: "node_id", Value: b.client.NodeID()}) {
					t.Errorf("%s has labels %v", g.Name, g.Labels)
				}
			}
		}
		for name, want := range map[string]float32{
			"nomad.client.allocated.cpu": 100, "nomad.client.unallocated.cpu": 3900, "nomad.client.allocated.memory": 64, "nomad.client.unallocated.memory": 4032,
			"nomad.client.allocated.max_memory": 96, "nomad.client.allocated.disk": 300, "nomad.client.allocations.running": 1,
			"nomad.client.tasks.running": 1, "nomad.client.tasks.dead": 1, "nomad.client.tasks.pending": 0,
			"nomad.client.allocations.terminal": 1, "nomad.client.allocations.pending": 0, "nomad.client.allocations.migrating": 0, "nomad.client.allocations.blocked": 0,
		} {
			if v, ok := got[name]; !ok || v != want {
				t.Errorf("%s = %v, %t, want %v", name, v, ok, want)
			}
		}
		// Another agent does not count what was before it.
		b.halt()
		b.boot()
		pass(time.Minute)
		counts, samples := map[string]int{}, map[string]int{}
		for _, interval := range kept.Data() {
			for _, c := range interval.Counters {
				counts[c.Name] += c.Count
			}
			for _, s := range interval.Samples {
				samples[s.Name] += s.Count
			}
		}
		for name, want := range map[string]int{
			"nomad.client.allocs.running": 2, "nomad.client.allocs.complete": 1, "nomad.client.allocs.failed": 0, "nomad.client.allocs.restart": 0,
		} {
			if counts[name] != want {
				t.Errorf("%s was counted %d times, want %d", name, counts[name], want)
			}
		}
		for _, name := range []string{"nomad.client.alloc_hook.prerun", "nomad.client.task_hook.prestart"} {
			if n := counts[name+".success"]; n == 0 || n != samples[name+".elapsed"] {
				t.Errorf("%s: %d went well, %d are measured", name, n, samples[name+".elapsed"])
			}
		}
	})
}

// TestCountedEvents: restarts, ends in failure and what the kernel killed are counted once.
func TestCountedEvents(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.halt()
		m, kept := sink.New(t)
		b.metrics, b.cfg.Metrics = m, client.MetricsConfig{Allocs: true, NoHooks: true}
		b.boot()
		a := allocation(1, api.JobTypeBatch, "run_for=1s", "exit_code=3", "oom=true")
		a.Job.TaskGroups[0].RestartPolicy = &api.RestartPolicy{Attempts: new(2), Interval: new(time.Hour), Delay: new(time.Second), Mode: "fail"}
		b.servers.Place(a)
		pass(time.Minute)
		counts := map[string]int{}
		for _, interval := range kept.Data() {
			for name, c := range interval.Counters {
				if strings.Contains(name, "alloc_hook") || strings.Contains(name, "task_hook") {
					t.Errorf("%s is published although it is off", c.Name)
				}
				counts[c.Name] += c.Count
			}
		}
		for name, want := range map[string]int{
			"nomad.client.allocs.running": 3, "nomad.client.allocs.restart": 2, "nomad.client.allocs.failed": 1,
			"nomad.client.allocs.complete": 0, "nomad.client.allocs.oom_killed": 3,
		} {
			if counts[name] != want {
				t.Errorf("%s was counted %d times, want %d", name, counts[name], want)
			}
		}
	})
}

func TestStopOnClientAfter(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		a := allocation(1, api.JobTypeService)
		a.Job.TaskGroups[0].Disconnect = &api.Disconnect{StopOnClientAfter: new(time.Minute)}
		atOnce := allocation(3, api.JobTypeService)
		atOnce.Job.TaskGroups[0].Disconnect = &api.Disconnect{StopOnClientAfter: new(time.Duration(0))}
		b.servers.Place(a, allocation(2, api.JobTypeService), atOnce)
		pass(10 * time.Minute)
		if got := b.machine.Running(); len(got) != 3 {
			t.Fatalf("%v run", got)
		}
		b.servers.SetDown(true)
		pass(50 * time.Second)
		if got := b.machine.Running(); len(got) != 2 {
			t.Errorf("%v run before the time", got)
		}
		pass(30 * time.Second)
		if got := b.machine.Running(); len(got) != 1 {
			t.Errorf("%v run after the time", got)
		}
	})
}

func TestStatesAreToldAfterAnAbsence(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService), allocation(2, api.JobTypeService))
		pass(time.Minute)
		b.servers.Miss()
		pass(time.Minute)
		if got := b.servers.Updates(); len(got) != 1 || len(got[0]) != 2 || got[0][0].ClientStatus != api.AllocClientRunning {
			t.Errorf("the servers heard %v", got)
		}
	})
}

// TestServicesAreToldAfterAnAbsence: a machine that stood still knows from the servers only that they took its node for lost, and
// its services with it.
func TestServicesAreToldAfterAnAbsence(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		a := allocation(1, api.JobTypeService)
		a.Job.TaskGroups[0].Services = []*api.Service{{Name: "web", Provider: api.ProviderNomad}}
		b.servers.Place(a)
		pass(time.Minute)
		before := len(b.servers.Services())
		b.servers.Miss()
		pass(time.Minute)
		got := b.servers.Services()
		if before == 0 || len(got) == before || len(got[len(got)-1].Allocs) != 1 || len(got[len(got)-1].Allocs[0].Services) != 1 {
			t.Errorf("registered %d times before and %d times in the end: %+v", before, len(got), got)
		}
	})
}

func TestStopTasksOnExit(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService, "stop_takes=2s"))
		pass(time.Second)
		b.clear()
		if got := b.machine.Running(); len(got) > 0 {
			t.Errorf("%v run after the end of the agent", got)
		}
		if entries, err := os.ReadDir(filepath.Join(b.cfg.DataDir, "alloc")); err != nil || len(entries) > 0 {
			t.Errorf("directories left: %v, %v", entries, err)
		}
	})
}

func TestIdentity(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		for _, name := range []string{"client-id", "secret-id"} {
			info, err := os.Stat(filepath.Join(b.cfg.DataDir, "client", name))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
		if b.client.NodeID() == b.client.SecretID() || len(b.client.NodeID()) != 36 {
			t.Errorf("ID %s", b.client.NodeID())
		}
		b.halt()
		path := filepath.Join(b.cfg.DataDir, "client", "client-id")
		if err := os.WriteFile(path, []byte("junk"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := client.New(b.cfg, client.Deps{Logger: hclog.NewNullLogger()})
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("a broken client-id gives %v", err)
		}
	})
}

func TestSecondClientOnTheSameDirectory(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		_, err := client.New(b.cfg, client.Deps{Logger: hclog.NewNullLogger()})
		if err == nil || !strings.Contains(err.Error(), "in use by another agent") {
			t.Errorf("a second client gives %v", err)
		}
	})
}

func TestConfigErrors(t *testing.T) {
	cfg := client.Config{
		DataDir: "relative", NodePool: "all", MinDynamicPort: 30000, MaxDynamicPort: 20000, PreferredAddressFamily: "ipx", ReservableCores: "3-1",
		HostVolumes:  []*client.HostVolumeConfig{{Name: "v", Path: "x"}},
		HostNetworks: []*client.HostNetworkConfig{{Name: "n", CIDR: "10.0.0.0"}, {Name: "m", CIDR: "10.0.0.0/8", ReservedPorts: "90-80"}, {Interface: "lo"}},
		Reserved:     &client.ReservedConfig{CPU: -1, ReservedPorts: "22,x"}, MaxKillTimeout: -time.Second, DiskTotalMB: -1,
		Meta: map[string]string{"a b": "", "a.b/c-d_e": ""}, GCInodeUsageThreshold: -1, ChrootEnv: map[string]string{"bin": "/bin"}, CNIConfigDir: "here",
	}
	cfg.EnsureDefaults()
	err := cfg.Validate()
	if err == nil {
		t.Fatal("the configuration was accepted")
	}
	for _, want := range []string{
		"client.state_dir: ", "client.alloc_dir: ", "client.node_pool: ", "client.min_dynamic_port", "client.preferred_address_family", "client.reservable_cores",
		`client.host_volume "v"`, `client.host_network "n"`, `client.host_network "m": reserved_ports: "90-80"`, `client.reserved.reserved_ports: "x"`,
		"gc_inode_usage_threshold: must not be negative", `client.chroot_env: "bin" must`, `client.cni_config_dir: "here" must`, "client.host_network: needs a name",
		"client.reserved.cpu", "client.max_kill_timeout", "client.disk_total_mb", `client.meta: "a b"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "a.b/c-d_e") {
		t.Errorf("a key of metadata is refused: %v", err)
	}
	good := client.Config{DataDir: t.TempDir(), Reserved: &client.ReservedConfig{ReservedPorts: "22, 8000-8100"}}
	good.EnsureDefaults()
	if err := good.Validate(); err != nil {
		t.Errorf("defaults are not valid: %v", err)
	}
	if good.GCMaxAllocs != 50 || good.MaxKillTimeout != 30*time.Second || good.MinDynamicPort != 20000 || good.Region != "global" {
		t.Errorf("defaults = %+v", good)
	}
}
