// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/clienttest"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// inNetwork is an allocation whose group has the network, with a port.
func inNetwork(n *api.NetworkResource, tasks ...*api.Task) *api.Allocation {
	j := job(api.JobTypeService, tasks...)
	j.TaskGroups[0].Networks = []*api.NetworkResource{n}
	a := allocation(j)
	a.AllocatedResources.Shared.Ports = []*api.AllocatedPortMapping{
		{Label: "http", Value: 21000, To: 80, HostIP: "192.0.2.1"}, {Label: "same", Value: 21001, HostIP: "192.0.2.1"},
	}
	return a
}

// grouped lets the driver run tasks in the namespace of their allocation.
func grouped(b *bench, makes bool) {
	b.machine.SetCapabilities(drivers.Capabilities{
		FSIsolation: drivers.FSIsolationNone, NetworkIsolationModes: []drivers.NetworkIsolationMode{drivers.NetworkIsolationGroup}, MustCreateNetwork: makes,
	})
}

func TestNetworkOfTheClient(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, false)
		r := b.run(inNetwork(&api.NetworkResource{
			Mode: "bridge", DNS: &api.DNSConfig{Servers: []string{"192.0.2.53"}}, CNI: &api.CNIConfig{Args: map[string]string{"who": "${NOMAD_GROUP_NAME}"}},
		}, tk("t")))
		req, _ := b.networks.Attached(testID)
		if req == nil || req.Namespace != "/client/"+testID || req.Mode != "bridge" {
			t.Fatalf("connected with %+v", req)
		}
		if len(req.Ports) != 2 || req.Ports[0].Value != 21000 || req.Ports[0].Inner != 80 || req.Ports[1].Inner != 21001 {
			t.Errorf("ports are mapped %+v", req.Ports)
		}
		if req.Args[0] != [2]string{"who", "g"} || req.Args[len(req.Args)-1] != [2]string{"NOMAD_ALLOC_ID", testID} {
			t.Errorf("plugins are told %q", req.Args)
		}
		config := b.machine.Config("t")
		if n := config.NetworkIsolation; n == nil || n.Path != req.Namespace || n.Mode != drivers.NetworkIsolationGroup || n.Hosts != nil {
			t.Errorf("the task runs in %+v", n)
		}
		if config.Env["NOMAD_ALLOC_ADDR_http"] != "172.26.64.2:80" || config.Env["NOMAD_PORT_http"] != "80" || config.Env["NOMAD_ADDR_http"] != "192.0.2.1:21000" {
			t.Errorf("environment is %v", config.Env)
		}
		if config.DNS == nil || config.DNS.Servers[0] != "192.0.2.53" {
			t.Errorf("names are looked up with %+v", config.DNS)
		}
		if s := r.Report().NetworkStatus; s.Address != "172.26.64.2" || s.InterfaceName != "eth0" {
			t.Errorf("servers are told %+v", s)
		}

		// The next agent finds the namespace as it is, and its tasks get it when they start again.
		r = b.restart()
		if err := r.Restart(t.Context(), "t", false); err != nil {
			t.Error(err)
		}
		pass(time.Minute)
		if _, attaches := b.networks.Attached(testID); attaches != 1 {
			t.Errorf("connected %d times", attaches)
		}
		if got := b.machine.Config("t").NetworkIsolation; got == nil || got.Path != req.Namespace {
			t.Errorf("the restarted task runs in %+v", got)
		}
		// One that is found torn is made anew.
		b.networks.Tear(errors.New("no such interface"))
		r = b.restart()
		if _, attaches := b.networks.Attached(testID); attaches != 2 || r.Report().NetworkStatus.Address != "172.26.64.3" {
			t.Errorf("connected %d times, to %+v", attaches, r.Report().NetworkStatus)
		}

		r.Update(stopped(r))
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		if req, _ := b.networks.Attached(testID); req != nil || b.networks.Namespaces() != 0 {
			t.Error("the network is left")
		}
		if s := r.Report().NetworkStatus; s.Address != "172.26.64.3" {
			t.Errorf("of the ended allocation servers are told %+v", s)
		}
	})
}

func TestNetworkOfTheDriver(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, true)
		b.run(inNetwork(&api.NetworkResource{Mode: "cni/mine", Hostname: "web-${NOMAD_ALLOC_INDEX}"}, tk("t")))
		if req, _ := b.networks.Attached(testID); req == nil || req.Namespace != "/driver/"+testID || b.networks.Namespaces() != 0 {
			t.Fatalf("connected with %+v", req)
		}
		n := b.machine.Config("t").NetworkIsolation
		if n == nil || n.Labels["docker_sandbox_container_id"] == "" || n.Hosts == nil || *n.Hosts != (drivers.HostsConfig{Hostname: "web-0", Address: "172.26.64.2"}) {
			t.Errorf("the task runs in %+v", n)
		}
		r := b.restart()
		if err := r.Restart(t.Context(), "t", false); err != nil {
			t.Error(err)
		}
		pass(time.Minute)
		if got := b.machine.Config("t").NetworkIsolation; got == nil || got.Hosts == nil || got.Hosts.Hostname != "web-0" {
			t.Errorf("the restarted task runs in %+v", got)
		}
		r.Update(stopped(r))
		pass(time.Minute)
		if left := b.machine.DriverNetworks(); len(left) > 0 {
			t.Errorf("the driver has networks for %q", left)
		}
	})
}

// TestNameWithoutConnection checks that tasks are told the name of a network that is connected to nothing.
func TestNameWithoutConnection(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, true)
		b.run(inNetwork(&api.NetworkResource{Mode: "none", Hostname: "web"}, tk("t")))
		want := drivers.HostsConfig{Hostname: "web", Address: "127.0.0.1"}
		if n := b.machine.Config("t").NetworkIsolation; n == nil || n.Hosts == nil || *n.Hosts != want {
			t.Errorf("the task runs in %+v", n)
		}
	})
}

// TestNetworkGoesDownWithItsHolder restarts what holds the network, under a task and while the agent is away.
func TestNetworkGoesDownWithItsHolder(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, true)
		r := b.run(inNetwork(&api.NetworkResource{Mode: "bridge"}, tk("t"), tk("survivor")))
		starts := func(survivor int) {
			t.Helper()
			if got := strings.Count(b.timeline(), "start survivor"); got != survivor {
				t.Errorf("%d starts of the task that has not ended, want %d:\n%s", got, survivor, b.timeline())
			}
			if n := b.machine.Config("survivor").NetworkIsolation; n.Path != b.machine.Config("t").NetworkIsolation.Path {
				t.Errorf("it runs in %s", n.Path)
			}
		}
		want := func(path, address string, attaches int) {
			t.Helper()
			n := b.machine.Config("t").NetworkIsolation
			if n == nil || n.Path != path || n.Hosts == nil || n.Hosts.Address != address {
				t.Errorf("the task runs in %+v, want %s with %s", n, path, address)
			}
			if got := b.machine.Config("t").Env["NOMAD_ALLOC_IP_http"]; got != address {
				t.Errorf("the task is told the address %s, want %s", got, address)
			}
			req, got := b.networks.Attached(testID)
			if req == nil || req.Namespace != path || got != attaches || r.Report().NetworkStatus.Address != address {
				t.Errorf("connected %d times, with %+v, servers are told %+v", got, req, r.Report().NetworkStatus)
			}
		}
		path := "/driver/" + testID
		want(path, "172.26.64.2", 1)
		b.machine.RestartNetworks()
		b.machine.Exit("t", 137)
		pass(time.Minute)
		want(path+"-again", "172.26.64.3", 2)
		starts(2)
		b.machine.Exit("t", 1)
		pass(time.Minute)
		want(path+"-again", "172.26.64.3", 2)
		starts(2)
		b.halt()
		b.machine.RestartNetworks()
		b.machine.Exit("t", 137)
		r = b.restart()
		pass(time.Minute)
		want(path+"-again-again", "172.26.64.4", 3)
		starts(3)
		if !strings.Contains(events(r, "survivor"), "Restart Signaled: network of the allocation was made anew") {
			t.Errorf("events\n%s", events(r, "survivor"))
		}
	})
}

func TestNetworkWithoutConnection(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, false)
		r := b.run(inNetwork(&api.NetworkResource{Mode: "none"}, tk("t"), tk("other")))
		if _, attaches := b.networks.Attached(testID); attaches != 0 || b.machine.Config("t").NetworkIsolation == nil {
			t.Errorf("connected %d times, the task runs in %+v", attaches, b.machine.Config("t").NetworkIsolation)
		}
		if s := r.Report().NetworkStatus; *s != (api.AllocNetworkStatus{}) {
			t.Errorf("servers are told %+v", s)
		}
		// The end of one task and of the agent are nothing to the others in the same namespace.
		b.machine.Exit("t", 1)
		pass(time.Hour)
		r = b.restart()
		pass(time.Hour)
		if got := strings.Count(b.timeline(), "start"); got != 3 {
			t.Errorf("%d starts, want 3:\n%s", got, b.timeline())
		}
		r.Update(stopped(r))
		pass(time.Minute)
		if b.networks.Namespaces() != 0 {
			t.Error("the namespace is left")
		}
	})
}

// TestNetworkReleasedByTheNextAgent ends the agent after the tasks have ended and before their network has.
func TestNetworkReleasedByTheNextAgent(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, true)
		r := b.run(inNetwork(&api.NetworkResource{Mode: "bridge"}, tk("t", "run_for=10s")))
		rec, err := b.state.Allocs()
		if err != nil || len(rec) != 1 || rec[0].Network == nil {
			t.Fatalf("stored %+v, %v", rec, err)
		}
		before := rec[0].Network
		r.Update(stopped(r))
		pass(time.Minute)
		if err := b.state.PutAllocNetwork(testID, before); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.networks.CreateNamespace("other"); err != nil {
			t.Fatal(err)
		}
		driver, err := b.machine.Get(t.Context(), clienttest.DriverName)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := driver.CreateNetwork(t.Context(), testID, &drivers.NetworkRequest{}); err != nil {
			t.Fatal(err)
		}
		b.restart()
		if left := b.machine.DriverNetworks(); len(left) > 0 || b.networks.Namespaces() != 1 {
			t.Errorf("the driver has networks for %q, the client has %d namespaces", left, b.networks.Namespaces())
		}
	})
}

// TestPluginEndsWithNetwork has the plugin of the driver end, and its engine away, while they make and end a network.
func TestPluginEndsWithNetwork(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, true)
		away := drivers.NewRecoverableError(errors.New("no engine"), true)
		b.machine.FailNetworks(drivers.ErrPluginShutdown, away, drivers.ErrPluginShutdown)
		b.machine.SlowNetworks(time.Minute)
		r := b.run(inNetwork(&api.NetworkResource{Mode: "bridge"}, tk("t")))
		pass(time.Hour)
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
		if req, _ := b.networks.Attached(testID); req == nil || b.machine.Config("t").NetworkIsolation.Path != req.Namespace {
			t.Errorf("connected with %+v, the task runs in %+v", req, b.machine.Config("t").NetworkIsolation)
		}
		var long []error
		for range 100 {
			long = append(long, away)
		}
		b.machine.FailNetworks(long...)
		r.Update(stopped(r))
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		if left := b.machine.DriverNetworks(); len(left) != 1 {
			t.Errorf("the driver has networks for %q while it cannot end them", left)
		}
		pass(time.Hour)
		if left := b.machine.DriverNetworks(); len(left) > 0 {
			t.Errorf("the driver has networks for %q", left)
		}
	})
}

// TestStoppedBeforeTheNetwork stops an allocation, and removes another, while a driver takes its time to make their network.
func TestStoppedBeforeTheNetwork(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, true)
		b.machine.SlowNetworks(time.Hour)
		r := b.run(inNetwork(&api.NetworkResource{Mode: "bridge"}, tk("t")))
		pass(time.Second)
		r.Update(stopped(r))
		pass(time.Second)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		b.halt()
		r = b.restart()
		r.Destroy()
		pass(time.Second)
		<-r.Done()
		r = b.run(inNetwork(&api.NetworkResource{Mode: "bridge"}, tk("t")))
		pass(time.Second)
		r.Destroy()
		pass(time.Second)
		select {
		case <-r.Done():
		default:
			t.Error("the removed allocation waits for its network")
		}
		if left := b.machine.DriverNetworks(); len(left) > 0 || b.timeline() != "" {
			t.Errorf("the driver has networks for %q, tasks have done\n%s", left, b.timeline())
		}
	})
}

// TestNetworkFailsForGood has the driver make no network, but what it leaves of one; the next agent ends it when this one
// cannot.
func TestNetworkFailsForGood(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, true)
		errs := []error{errors.New("no room")}
		for range 1000 {
			errs = append(errs, drivers.NewRecoverableError(errors.New("no engine"), true))
		}
		b.machine.FailNetworks(errs...)
		r := b.run(inNetwork(&api.NetworkResource{Mode: "bridge"}, tk("t")))
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientFailed, `failed to setup alloc: network: driver "fake" makes no network: no room`)
		r.Destroy()
		<-r.Done()
		if left := b.machine.DriverNetworks(); len(left) != 1 {
			t.Errorf("the driver has networks for %q while it cannot end them", left)
		}
		b.machine.FailNetworks()
		b.restart().Destroy()
		pass(time.Minute)
		if left := b.machine.DriverNetworks(); len(left) > 0 {
			t.Errorf("the driver has networks for %q", left)
		}
		if rec, err := b.state.Allocs(); err != nil || len(rec) != 0 {
			t.Errorf("stored %+v, %v", rec, err)
		}
	})
}

// TestNetworkCannotBeLookedAt starts the agent while what makes the network is away: the tasks are found all the same.
func TestNetworkCannotBeLookedAt(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		grouped(b, true)
		patient := tk("t")
		patient.RestartPolicy = &api.RestartPolicy{Attempts: new(10), Interval: new(time.Hour), Delay: new(10 * time.Second), Mode: "delay"}
		b.run(inNetwork(&api.NetworkResource{Mode: "bridge"}, patient))
		b.halt()
		b.machine.RestartNetworks() // the connection has to be made anew
		b.networks.Fail(errors.New("no engine"))
		r := b.restart()
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
		b.machine.Exit("t", 1)
		pass(time.Minute)
		if !strings.Contains(events(r, "t"), "no engine") {
			t.Errorf("events\n%s", events(r, "t"))
		}
		b.networks.Fail(nil)
		pass(time.Hour)
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
		if req, _ := b.networks.Attached(testID); req == nil || b.machine.Config("t").NetworkIsolation.Path != req.Namespace {
			t.Errorf("connected with %+v, the task runs in %+v", req, b.machine.Config("t").NetworkIsolation)
		}
	})
}

func TestNetworkRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		network api.NetworkResource
		caps    func(b *bench)
		fail    error
		want    string
	}{
		"driver without isolation": {network: api.NetworkResource{Mode: "bridge"}, want: `task "t": driver "fake" does not support network mode "bridge"`},
		"hostname of a driver that cannot": {
			network: api.NetworkResource{Mode: "bridge", Hostname: "x"}, caps: func(b *bench) { grouped(b, false) },
			want: "hostname is not currently supported on driver fake",
		},
		"hostname of the host": {network: api.NetworkResource{Hostname: "x"}, want: "network.hostname needs mode"},
		"no address left": {
			network: api.NetworkResource{Mode: "bridge"}, caps: func(b *bench) { grouped(b, false) }, fail: errors.New("no addresses left"),
			want: "network: no addresses left",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				if tc.caps != nil {
					tc.caps(b)
				}
				b.networks.Fail(tc.fail)
				r := b.run(inNetwork(&tc.network, tk("t")))
				pass(time.Minute)
				if s := r.Report(); s.ClientStatus != api.AllocClientFailed || !strings.Contains(s.ClientDescription, tc.want) {
					t.Errorf("status %q (%s), want failed with %q", s.ClientStatus, s.ClientDescription, tc.want)
				}
				if b.networks.Namespaces() != 0 || len(b.machine.Calls()) != 0 {
					t.Errorf("%d namespaces are left, the driver was asked\n%s", b.networks.Namespaces(), b.timeline())
				}
			})
		})
	}
}
