// SPDX-License-Identifier: MPL-2.0

package services

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/taskenv"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

func workload(services ...*api.Service) *Workload {
	group := &api.TaskGroup{Name: "g", Tasks: []*api.Task{{Name: "t"}}}
	a := &api.Allocation{
		ID: "a1", Namespace: "ns", JobID: "j", TaskGroup: "g", NodeID: "n", Name: "j.g[0]", Job: &api.Job{ID: "j", TaskGroups: []*api.TaskGroup{group}},
		AllocatedResources: &api.AllocatedResources{Shared: api.AllocatedSharedResources{
			Networks: []*api.NetworkResource{{IP: "10.0.0.1"}},
			Ports:    []*api.AllocatedPortMapping{{Label: "http", Value: 20000, To: 80, HostIP: "10.0.0.1"}, {Label: "raw", Value: 20001, HostIP: "fd00::1"}},
		}},
	}
	w := &Workload{Alloc: a, Task: group.Tasks[0], Env: taskenv.Build(&taskenv.Input{Node: &api.Node{ID: "n", Name: "box"}, Alloc: a})}
	w.Task.Services = services
	return w
}

func TestAddresses(t *testing.T) {
	driver := &drivers.NetworkOverride{IP: "172.17.0.2", PortMap: map[string]int{"http": 8080}}
	advertises := &drivers.NetworkOverride{IP: "172.17.0.2", PortMap: map[string]int{"http": 8080}, AutoAdvertise: true}
	inner := &api.AllocNetworkStatus{Address: "172.26.0.3", AddressIPv6: "fd00::3"}
	for _, tc := range []struct {
		mode, given, label string
		driver             *drivers.NetworkOverride
		network            *api.AllocNetworkStatus
		want, err          string
	}{
		{mode: "auto", label: "http", want: "10.0.0.1:20000"},
		{mode: "auto", label: "http", driver: driver, want: "10.0.0.1:20000"},
		{mode: "auto", label: "http", driver: advertises, want: "172.17.0.2:8080"},
		{mode: "auto", given: "${node.unique.name}.example", label: "http", want: "box.example:20000"},
		{mode: "auto", given: "x.example", label: "443", want: "x.example:443"},
		{mode: "auto", given: "x.example", want: "x.example:0"},
		{mode: "auto", given: "x.example", label: "nope", err: "neither a port"},
		{mode: "host", label: "raw", driver: advertises, want: "[fd00::1]:20001"},
		{mode: "host", want: "10.0.0.1:0"},
		{mode: "host", label: "nope", err: `port "nope" is not a port`},
		{mode: "driver", label: "http", driver: driver, want: "172.17.0.2:8080"},
		{mode: "driver", label: "raw", driver: driver, want: "172.17.0.2:20001"},
		{mode: "driver", label: "9000", driver: driver, want: "172.17.0.2:9000"},
		{mode: "driver", label: "http", err: "gives it no address"},
		{mode: "driver", label: "http", driver: &drivers.NetworkOverride{IP: "fe80::1%eth0"}, want: "[fe80::1%eth0]:80"},
		{mode: "driver", label: "http", driver: &drivers.NetworkOverride{IP: "10.0.0.1\n"}, err: "neither an address nor a name"},
		{mode: "auto", label: "http", driver: &drivers.NetworkOverride{IP: "no address", AutoAdvertise: true}, err: "neither an address nor a name"},
		{mode: "driver", label: "http", driver: &drivers.NetworkOverride{IP: "10.0.0.1", PortMap: map[string]int{"http": -5}}, err: "is no port"},
		{mode: "alloc", label: "http", network: inner, want: "172.26.0.3:80"},
		{mode: "alloc_ipv6", label: "http", network: inner, want: "[fd00::3]:80"},
		{mode: "alloc", label: "http", err: "no network namespace"},
		{mode: "strange", err: "unknown address_mode"},
	} {
		w := workload(&api.Service{Name: "web-${node.unique.name}", Provider: api.ProviderNomad, AddressMode: tc.mode, Address: tc.given, PortLabel: tc.label})
		w.Driver, w.Network = tc.driver, tc.network
		got, err := Registrations(w)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s %q: error %v, want %q", tc.mode, tc.label, err, tc.err)
			}
			continue
		}
		if err != nil || net.JoinHostPort(got[0].Address, strconv.Itoa(got[0].Port)) != tc.want {
			t.Errorf("%s %q: %v, %v, want %s", tc.mode, tc.label, got, err, tc.want)
			continue
		}
		if id := "_nomad-task-a1-t-web-box-" + tc.label; got[0].ID != id || got[0].ServiceName != "web-box" {
			t.Errorf("registration %+v, want the ID %s", got[0], id)
		}
	}
}

// TestAddressesOfChecks: a check looks at the host's address, or at the one that the job gives its service; the
// address mode of the service is not that of its checks.
func TestAddressesOfChecks(t *testing.T) {
	inner := &api.AllocNetworkStatus{Address: "172.26.0.3"}
	for _, tc := range []struct {
		service    api.Service
		check      api.ServiceCheck
		want, fail string
	}{
		{api.Service{PortLabel: "http"}, api.ServiceCheck{}, "10.0.0.1:20000", ""},
		{api.Service{PortLabel: "http", AddressMode: "alloc"}, api.ServiceCheck{}, "10.0.0.1:20000", ""},
		{api.Service{PortLabel: "http"}, api.ServiceCheck{AddressMode: "alloc"}, "172.26.0.3:80", ""},
		{api.Service{PortLabel: "http"}, api.ServiceCheck{PortLabel: "raw"}, "[fd00::1]:20001", ""},
		{api.Service{PortLabel: "http", AddressMode: "auto", Address: "${node.unique.name}.example"}, api.ServiceCheck{}, "box.example:20000", ""},
		{api.Service{PortLabel: "443", AddressMode: "auto", Address: "192.0.2.7"}, api.ServiceCheck{}, "192.0.2.7:443", ""},
		{api.Service{PortLabel: "443", AddressMode: "auto", Address: "192.0.2.7"}, api.ServiceCheck{PortLabel: "8443"}, "192.0.2.7:8443", ""},
		{api.Service{PortLabel: "http", AddressMode: "auto", Address: "192.0.2.7"}, api.ServiceCheck{AddressMode: "host"}, "10.0.0.1:20000", ""},
		{api.Service{PortLabel: "443", AddressMode: "auto", Address: "192.0.2.7"}, api.ServiceCheck{AddressMode: "host"}, "", "is not a port"},
	} {
		s, c := tc.service, tc.check
		s.Name, s.Provider, s.Checks, c.Type = "web", api.ProviderNomad, []*api.ServiceCheck{&c}, "tcp"
		w := workload(&s)
		w.Network = inner
		got, err := Checks(w)
		switch {
		case tc.fail != "" && (err == nil || !strings.Contains(err.Error(), tc.fail)):
			t.Errorf("%+v of %+v: %v, want %q", tc.check, tc.service, err, tc.fail)
		case tc.fail == "" && (err != nil || got[0].address != tc.want):
			t.Errorf("%+v of %+v: %+v, %v, want %s", tc.check, tc.service, got, err, tc.want)
		}
	}
}

func TestServicesWithoutNetworkHaveNoAddress(t *testing.T) {
	w := workload(&api.Service{Name: "worker", Provider: api.ProviderNomad})
	w.Alloc.AllocatedResources = &api.AllocatedResources{}
	got, err := Registrations(w)
	if err != nil || len(got) != 1 || got[0].Address != "" || got[0].Port != 0 {
		t.Errorf("registered %+v, %v", got, err)
	}
}

func TestForeignServicesAreLeftAlone(t *testing.T) {
	w := workload(&api.Service{Name: "x", Provider: api.ProviderConsul}, &api.Service{Name: "y", Provider: api.ProviderNomad})
	if got, err := Registrations(w); err != nil || len(got) != 1 || got[0].ServiceName != "y" {
		t.Errorf("registered %v, %v", got, err)
	}
	if !Used(w.Alloc.Group()) || Used(nil) || Used(&api.TaskGroup{Services: []*api.Service{{Provider: api.ProviderConsul}}}) {
		t.Error("Used is wrong about who registers")
	}
}

func TestProbes(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			if r.Method != "PUT" || r.Host != "web.example" || r.Header.Get("X-Token") != "t" || r.URL.RawQuery != "a=b" {
				w.WriteHeader(http.StatusTeapot)
			}
		case "/moved":
			http.Redirect(w, r, "/gone", http.StatusFound)
		case "/gone":
			http.Error(w, strings.Repeat("x", outputLimit)+"é", http.StatusGone)
		}
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	header := map[string][]string{"Host": {"web.example"}, "x-token": {"t"}}
	for _, tc := range []struct {
		name   string
		server *httptest.Server
		check  api.ServiceCheck
		status string
		code   int
		output string
	}{
		{"tcp", plain, api.ServiceCheck{Type: "tcp"}, Success, 0, "nomad: tcp ok"},
		{"http", plain, api.ServiceCheck{Type: "http", Path: "/ok?a=b", Method: "PUT", Header: header}, Success, 200, "nomad: http ok"},
		{"redirect", plain, api.ServiceCheck{Type: "http", Path: "moved"}, Success, 302, "<a href"},
		{"error", plain, api.ServiceCheck{Type: "http", Path: "/gone"}, Failure, 410, strings.Repeat("x", outputLimit)},
		{"strange certificate", secure, api.ServiceCheck{Type: "http", Path: "/gone", Protocol: "https"}, Failure, 0, "nomad: Get"},
		{"any certificate", secure, api.ServiceCheck{Type: "http", Path: "/moved", Protocol: "https", TLSSkipVerify: true}, Success, 302, ""},
	} {
		host, text, _ := net.SplitHostPort(tc.server.Listener.Addr().String())
		port, _ := strconv.Atoi(text)
		c := tc.check
		c.Name, c.Interval, c.Timeout = tc.name, time.Second, time.Minute
		w := workload(&api.Service{Name: "web", Provider: api.ProviderNomad, PortLabel: "http", Checks: []*api.ServiceCheck{&c}})
		w.Alloc.AllocatedResources.Shared.Ports[0] = &api.AllocatedPortMapping{Label: "http", Value: port, HostIP: host}
		list, err := Checks(w)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		got := list[0].Probe(t.Context(), nil)
		if got.Status != tc.status || got.Code != tc.code || !strings.HasPrefix(got.Output, tc.output) || len(got.Output) > outputLimit {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	c := &Check{kind: "tcp", address: gone.Addr().String(), timeout: time.Minute}
	if got := c.Probe(t.Context(), nil); got.Status != Failure || !strings.Contains(got.Output, "refused") {
		t.Errorf("nobody listens: %+v", got)
	}
	c.kind = "grpc"
	if got := c.Probe(t.Context(), nil); got.Status != Failure || !strings.Contains(got.Output, "refused") {
		t.Errorf("nobody speaks gRPC: %+v", got)
	}
}

// serveHealth serves the gRPC health protocol, with TLS if a certificate is given, and returns the address.
func serveHealth(t *testing.T, options ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	state := health.NewServer()
	state.SetServingStatus("api", healthpb.HealthCheckResponse_NOT_SERVING)
	server := grpc.NewServer(options...)
	healthpb.RegisterHealthServer(server, state)
	go func() { _ = server.Serve(l) }() // ends with Stop
	t.Cleanup(server.Stop)
	return l.Addr().String()
}

func TestGRPCProbes(t *testing.T) {
	borrowed := httptest.NewTLSServer(nil)
	defer borrowed.Close()
	plain := serveHealth(t)
	secure := serveHealth(t, grpc.Creds(credentials.NewServerTLSFromCert(&borrowed.TLS.Certificates[0])))
	for _, tc := range []struct {
		name, address string
		check         api.ServiceCheck
		status        string
		output        string
	}{
		{"server", plain, api.ServiceCheck{}, Success, "nomad: grpc ok"},
		{"not serving", plain, api.ServiceCheck{GRPCService: "api"}, Failure, "nomad: grpc service is NOT_SERVING"},
		{"unknown service", plain, api.ServiceCheck{GRPCService: "other"}, Failure, "nomad: grpc NotFound: unknown service"},
		{"strange certificate", secure, api.ServiceCheck{GRPCUseTLS: true}, Failure, "nomad: grpc Unavailable: "},
		{"any certificate", secure, api.ServiceCheck{GRPCUseTLS: true, TLSSkipVerify: true}, Success, "nomad: grpc ok"},
		{"TLS asked without", secure, api.ServiceCheck{}, Failure, "nomad: grpc Unavailable: "},
	} {
		host, text, _ := net.SplitHostPort(tc.address)
		port, _ := strconv.Atoi(text)
		c := tc.check
		c.Name, c.Type, c.Interval, c.Timeout = tc.name, "grpc", time.Second, time.Minute
		w := workload(&api.Service{Name: "web", Provider: api.ProviderNomad, PortLabel: "http", Checks: []*api.ServiceCheck{&c}})
		w.Alloc.AllocatedResources.Shared.Ports[0] = &api.AllocatedPortMapping{Label: "http", Value: port, HostIP: host}
		list, err := Checks(w)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if got := list[0].Probe(t.Context(), nil); got.Status != tc.status || !strings.HasPrefix(got.Output, tc.output) {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
}

func TestScriptProbes(t *testing.T) {
	check := &api.ServiceCheck{
		Name: "alive", Type: "script", Command: "/bin/${node.unique.name}", Args: []string{"-x"}, Interval: time.Second, Timeout: 5 * time.Second,
	}
	// A script needs no port.
	list, err := Checks(workload(&api.Service{Name: "web", Provider: api.ProviderNomad, Checks: []*api.ServiceCheck{check}}))
	if err != nil {
		t.Fatal(err)
	}
	exit := func(code, signal int) *drivers.ExitResult { return &drivers.ExitResult{ExitCode: code, Signal: signal} }
	for _, tc := range []struct {
		result         *drivers.ExecResult
		err            error
		status, output string
	}{
		{&drivers.ExecResult{Stdout: []byte("fine\n"), Exit: exit(0, 0)}, nil, Success, "fine\n"},
		{&drivers.ExecResult{Exit: exit(0, 0)}, nil, Success, "nomad: script ok"},
		{&drivers.ExecResult{Stdout: []byte("a"), Stderr: []byte("b"), Exit: exit(1, 0)}, nil, Failure, "ab"},
		{&drivers.ExecResult{Exit: exit(0, 9)}, nil, Failure, "nomad: script ended with exit code 0, signal 9"},
		{&drivers.ExecResult{Stdout: bytes.Repeat([]byte("y"), 2*outputLimit), Exit: exit(0, 0)}, nil, Success, strings.Repeat("y", outputLimit)},
		{nil, fmt.Errorf("exec: %w", context.DeadlineExceeded), Failure, "nomad: script did not end within 5s"},
		{nil, errors.New("no such task"), Failure, "nomad: no such task"},
	} {
		got := list[0].Probe(t.Context(), func(_ context.Context, task string, command []string, timeout time.Duration) (*drivers.ExecResult, error) {
			if task != "t" || !slices.Equal(command, []string{"/bin/box", "-x"}) || timeout != 5*time.Second {
				t.Errorf("runs %q in task %q for %v", command, task, timeout)
			}
			return tc.result, tc.err
		})
		if got.Status != tc.status || got.Output != tc.output {
			t.Errorf("%+v, want %s %q", got, tc.status, tc.output)
		}
	}
}

// twin is the servers' side of the registry.
type twin struct {
	mu    sync.Mutex
	err   error
	calls []*api.ServiceSyncRequest
}

func (s *twin) Call(_ context.Context, _ *api.OpInfo, req api.Request, _ any) (*api.Meta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, req.(*api.ServiceSyncRequest))
	return &api.Meta{}, s.err
}

func (s *twin) Open(context.Context, *api.OpInfo, api.Request) (api.Stream, error) {
	return nil, errors.New("no streams")
}

// take returns the calls so far, rendered, and how further ones end.
func (s *twin) take(err error) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.calls {
		for _, a := range c.Allocs {
			var ids []string
			for _, r := range a.Services {
				ids = append(ids, r.ID)
			}
			text := a.AllocID + "=" + strings.Join(ids, ",")
			if a.Partial {
				text += "…"
			}
			out = append(out, text)
		}
	}
	s.calls, s.err = nil, err
	return strings.Join(out, " ")
}

func TestRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := &twin{}
		var unknown atomic.Int64
		r := New(Config{Logger: hclog.NewNullLogger(), Servers: servers, Unknown: func() { unknown.Add(1) }})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = r.Run(ctx) }()
		want := func(text string, next error) {
			t.Helper()
			time.Sleep(time.Minute) // of the bubble
			if got := servers.take(next); got != text {
				t.Errorf("servers were told %q, want %q", got, text)
			}
		}
		reg := func(id string) []*api.ServiceRegistration { return []*api.ServiceRegistration{{ID: id}} }
		r.Set("a", "t", nil)
		r.Release("a")
		want("", nil)
		r.Set("a", GroupOwner, reg("1"))
		r.Set("a", "t", reg("2"))
		r.Set("b", "t", reg("3"))
		want("a=1,2 b=3", nil)
		r.Set("a", "t", nil)
		want("a=1", nil)
		r.Hold("c")
		r.Set("c", "t", reg("4"))
		want("c=4…", nil)
		r.Release("c")
		want("c=4", nil)
		r.Resync()
		want("a=1 b=3 c=4", api.Errorf(api.ClassNotFound, "node not found"))
		r.Forget("b")
		r.Set("a", GroupOwner, nil)
		time.Sleep(5 * time.Second)
		if got := servers.take(nil); !strings.HasPrefix(got, "a= a=") || unknown.Load() == 0 {
			t.Errorf("servers that know no node were told %q, unknown %d", got, unknown.Load())
		}
		want("a=", nil)
		cancel()
		synctest.Wait()
	})
	var none *Registry
	none.Set("a", "t", nil)
	none.Hold("a")
	none.Release("a")
	none.Forget("a")
	none.Resync()
}
