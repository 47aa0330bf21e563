// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/services"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// registrar is the servers' side of a registry.
type registrar struct{ calls chan *api.ServiceSyncRequest }

func (r *registrar) Call(_ context.Context, _ *api.OpInfo, req api.Request, _ any) (*api.Meta, error) {
	r.calls <- req.(*api.ServiceSyncRequest)
	return &api.Meta{}, nil
}

func (r *registrar) Open(context.Context, *api.OpInfo, api.Request) (api.Stream, error) {
	return nil, api.Errorf(api.ClassUnsupported, "no streams")
}

// last returns the newest set of names that was registered, and whether it was partial.
func (r *registrar) last() (names string, partial bool) {
	for {
		select {
		case req := <-r.calls:
			var list []string
			for _, s := range req.Allocs[0].Services {
				list = append(list, s.ServiceName+strings.Join(s.Tags, ","))
			}
			names, partial = strings.Join(list, " "), req.Allocs[0].Partial
		default:
			return names, partial
		}
	}
}

// registry runs a registry until the bench stops.
func (b *bench) registry() *registrar {
	servers := &registrar{calls: make(chan *api.ServiceSyncRequest, 1000)}
	b.deps.Tasks.Services = services.New(services.Config{Logger: hclog.NewNullLogger(), Servers: servers})
	go func() { _ = b.deps.Tasks.Services.Run(b.ctx) }()
	return servers
}

// served is an allocation with a service of the group and one of its task, with a check that is restarted for.
func served() *api.Allocation {
	t := tk("t", "stop_takes=2s")
	t.ShutdownDelay = 3 * time.Second
	t.Services = []*api.Service{{Name: "direct", Provider: api.ProviderNomad}}
	j := job(api.JobTypeService, t)
	g := j.TaskGroups[0]
	g.ShutdownDelay = new(10 * time.Second)
	g.Update = &api.UpdateStrategy{MinHealthyTime: new(10 * time.Second), HealthyDeadline: new(time.Minute)}
	g.Services = []*api.Service{{
		Name: "web", Provider: api.ProviderNomad, PortLabel: "http", Tags: []string{"a"}, CanaryTags: []string{"new"},
		Checks: []*api.ServiceCheck{{
			Name: "alive", Type: "tcp", Interval: 10 * time.Second, Timeout: time.Second,
			CheckRestart: &api.CheckRestart{Limit: 3, Grace: new(15 * time.Second)},
		}},
	}}
	a := allocation(j)
	a.AllocatedResources.Shared = api.AllocatedSharedResources{
		Networks: []*api.NetworkResource{{IP: "10.0.0.1"}}, Ports: []*api.AllocatedPortMapping{{Label: "http", Value: 20000, HostIP: "10.0.0.1"}},
	}
	return a
}

func TestServicesFollowTheAllocation(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		servers := b.registry()
		b.deps.Probe = func(context.Context, *services.Check) services.Outcome {
			return services.Outcome{Status: services.Success}
		}
		want := func(when, names string) {
			t.Helper()
			if got, _ := servers.last(); got != names {
				t.Errorf("%s the servers know %q, want %q", when, got, names)
			}
		}
		a := served()
		a.DeploymentStatus = &api.AllocDeploymentStatus{Canary: true}
		r := b.run(a)
		pass(time.Second)
		want("after the start", "webnew direct")
		promoted := *r.Alloc()
		promoted.DeploymentStatus, promoted.AllocModifyIndex = &api.AllocDeploymentStatus{}, promoted.AllocModifyIndex+1
		r.Update(&promoted)
		pass(time.Second)
		want("after the promotion", "weba direct")

		b.halt()
		b.machine.CrashPlugin()
		b.boot()
		servers = b.registry()
		records, err := b.state.Allocs()
		if err != nil {
			t.Fatal(err)
		}
		r = b.start(Config{Deps: b.deps, Alloc: records[0].Alloc, Restored: records[0]})
		pass(time.Second)
		if names, partial := servers.last(); names != "weba direct" || partial {
			t.Errorf("after a restart of the agent the servers know %q, partial %t", names, partial)
		}

		r.Update(stopped(r))
		pass(time.Second)
		want("in the group's delay", "direct")
		if got := r.CheckResults(); len(got) != 0 {
			t.Errorf("checks of the stopping allocation: %v", got)
		}
		pass(10 * time.Second)
		want("in the task's delay", "")
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
	})
}

// TestServicesWaitForTheNetwork sends a new version of the allocation while its network is made.
func TestServicesWaitForTheNetwork(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, true)
		servers := b.registry()
		b.machine.SlowNetworks(time.Minute)
		a := inNetwork(&api.NetworkResource{Mode: "bridge"}, tk("t"))
		a.Group().Services = []*api.Service{{Name: "old", Provider: api.ProviderNomad, PortLabel: "http"}}
		r := b.run(a)
		pass(time.Second)
		update := *r.Alloc()
		update.Job = typeinfo.Copy(update.Job)
		update.Group().Services[0].Name = "new"
		update.AllocModifyIndex++
		r.Update(&update)
		pass(10 * time.Second)
		if got, _ := servers.last(); got != "" {
			t.Errorf("before there is a network the servers know %q", got)
		}
		pass(time.Minute)
		if got, _ := servers.last(); got != "new" {
			t.Errorf("the servers know %q", got)
		}
	})
}

// TestServicesFollowTheNetwork has the network of the group made anew, with another address.
func TestServicesFollowTheNetwork(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, true)
		servers := b.registry()
		var checks atomic.Pointer[services.Check]
		b.deps.Probe = func(_ context.Context, c *services.Check) services.Outcome {
			checks.Store(c)
			return services.Outcome{Status: services.Success}
		}
		a := inNetwork(&api.NetworkResource{Mode: "bridge"}, tk("t"))
		a.Group().Services = []*api.Service{{
			Name: "at-${NOMAD_ALLOC_IP_http}", Provider: api.ProviderNomad, PortLabel: "http", AddressMode: "alloc",
			Checks: []*api.ServiceCheck{{Name: "alive", Type: "tcp", AddressMode: "alloc", Interval: 10 * time.Second, Timeout: time.Second}},
		}}
		r := b.run(a)
		pass(time.Minute)
		want := func(names string) {
			t.Helper()
			if got, _ := servers.last(); got != names {
				t.Errorf("the servers know %q, want %q", got, names)
			}
			if results := r.CheckResults(); len(results) != 1 || results[checks.Load().ID] == nil {
				t.Errorf("the check that ran last is %+v, results are %v", checks.Load(), results)
			}
		}
		want("at-172.26.64.2")
		b.machine.RestartNetworks()
		b.machine.Exit("t", 137)
		pass(time.Minute)
		want("at-172.26.64.3")
		r.Update(stopped(r))
		pass(time.Minute)
		if got, _ := servers.last(); got != "" {
			t.Errorf("of the stopped allocation the servers know %q", got)
		}
	})
}

func TestChecksDecide(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		var bad atomic.Bool
		bad.Store(true)
		b.deps.Probe = func(context.Context, *services.Check) services.Outcome {
			if bad.Load() {
				return services.Outcome{Status: services.Failure, Output: "no"}
			}
			return services.Outcome{Status: services.Success}
		}
		a := served()
		a.DeploymentID = "d"
		r := b.run(a)
		pass(14 * time.Second)
		bad.Store(false) // the check runs at 5s, 15s, …
		pass(2 * time.Second)
		if s := r.Report().DeploymentStatus; s != nil {
			t.Fatalf("verdict before the check has passed for long enough: %+v", s)
		}
		pass(10 * time.Second)
		if s := r.Report().DeploymentStatus; s == nil || !*s.Healthy {
			t.Fatalf("verdict %+v, want healthy", s)
		}
		bad.Store(true) // fails at 35s, so that the third failure is at 55s
		pass(28 * time.Second)
		wantState(t, r, "t", api.TaskStateRunning, false, 0)
		pass(2 * time.Second)
		bad.Store(false)
		pass(time.Minute)
		wantState(t, r, "t", api.TaskStateRunning, false, 1)
		if got := events(r, "t"); !strings.Contains(got, `Restart Signaled: healthcheck: check "alive" unhealthy`) || !strings.Contains(got, "Restarting: Task restarting in 15s") {
			t.Errorf("events\n%s", got)
		}
		results := r.CheckResults()
		if len(results) != 1 {
			t.Fatalf("results %v", results)
		}
		for id, c := range results {
			if c.ID != id || c.Status != services.Success || c.Group != "j.g[0]" || c.Service != "web" || c.Mode != "healthiness" {
				t.Errorf("result %+v", c)
			}
		}
	})
}

func TestChecksThatNeverPass(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.deps.Probe = func(context.Context, *services.Check) services.Outcome {
			return services.Outcome{Status: services.Failure}
		}
		a := served()
		a.DeploymentID = "d"
		a.Group().Services[0].Checks[0].CheckRestart = nil
		r := b.run(a)
		pass(time.Minute)
		s := r.Report().DeploymentStatus
		if s == nil || *s.Healthy || !strings.Contains(events(r, "t"), `Alloc Unhealthy: Checks of services not passing by deadline: "alive"`) {
			t.Errorf("verdict %+v, events\n%s", s, events(r, "t"))
		}
	})
}

func TestServiceWithoutAddress(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		a := served()
		a.AllocatedResources.Shared.Ports = nil
		r := b.run(a)
		pass(time.Second)
		if got := r.Report(); got.ClientStatus != api.AllocClientFailed || !slices.ContainsFunc(got.TaskStates["t"].Events, func(e *api.TaskEvent) bool {
			return strings.Contains(e.DisplayMessage, `service "web": port "http" is not a port of the group's network`)
		}) {
			t.Errorf("status %s: %s", got.ClientStatus, events(r, "t"))
		}
	})
}

// TestRestartAt says when failing checks restart their tasks.
func TestRestartAt(t *testing.T) {
	started := time.Unix(1000, 0)
	grace := 20 * time.Second
	for _, test := range []struct {
		name  string
		limit int
		since time.Time
		want  time.Time
	}{
		{"failing since the start", 1, started, started.Add(grace)},
		{"failing later", 1, started.Add(time.Minute), started.Add(time.Minute)},
		{"three times", 3, started, started.Add(grace + 10*time.Second)},
		{"more often than there is time", math.MaxInt, started, time.Time{}},
		{"as often as just overflows", math.MaxInt64/int(5*time.Second) + 2, started, time.Time{}},
	} {
		check := services.State{
			Check:  &services.Check{Interval: 5 * time.Second, Restart: &api.CheckRestart{Limit: test.limit, Grace: &grace}},
			Status: services.Failure, Since: test.since,
		}
		if got := restartAt(check, started); !got.Equal(test.want) {
			t.Errorf("%s: at %v, want %v", test.name, got, test.want)
		}
	}
}
