// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client"
	"github.com/nomadlike/nomadlike/client/clienttest"
	"github.com/nomadlike/nomadlike/client/logs"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/host"
)

// bench runs a client with servers and drivers in memory, in a bubble.
type bench struct {
	t       *testing.T
	servers *clienttest.Servers
	machine *clienttest.Machine
	cfg     client.Config
	client  *client.Client
	plugins host.Config
	cancel  context.CancelFunc
	done    chan error
	opened  []string
	metrics *metrics.Metrics
}

func inBench(t *testing.T, fn func(t *testing.T, b *bench)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{
			t: t, servers: clienttest.NewServers(), machine: clienttest.NewMachine(),
			cfg: client.Config{DataDir: dir, Name: "node-1", DevMode: true, HTTPAddr: "127.0.0.1:4646", CPUTotalCompute: 4000, MemoryTotalMB: 4096, GCDiskUsageThreshold: 100, GCInodeUsageThreshold: 100},
		}
		b.boot()
		defer func() {
			if b.client != nil {
				b.clear()
			}
		}()
		fn(t, b)
	})
}

// boot starts the agent.
func (b *bench) boot() {
	b.t.Helper()
	c, err := client.New(b.cfg, client.Deps{
		Servers: b.servers, Logger: hclog.NewNullLogger(), Metrics: b.metrics, ServersChanged: func(addrs []string) { b.opened = addrs },
		NewDrivers: func(cfg host.Config) client.Drivers {
			b.plugins = cfg
			return clienttest.NewPlugins(b.machine, cfg)
		},
		// Pipes keep a bubble from seeing that nothing happens.
		StartLogs: func(logs.Config) (*logs.Collector, error) {
			return &logs.Collector{Stdout: os.DevNull, Stderr: os.DevNull}, nil
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.client, b.cancel, b.done = c, cancel, make(chan error, 1)
	go func() { b.done <- c.Run(ctx) }()
	synctest.Wait()
}

// halt stops the agent; tasks go on.
func (b *bench) halt() {
	b.t.Helper()
	b.cancel()
	if err := <-b.done; err != nil {
		b.t.Errorf("Run() = %v", err)
	}
	b.client = nil
}

// clear stops the agent and removes all allocations, so that nothing stays mounted.
func (b *bench) clear() {
	b.t.Helper()
	b.servers.SetDown(false)
	b.halt()
	b.cfg.StopTasksOnExit = true
	b.boot()
	b.halt()
}

func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func id(n int) string { return fmt.Sprintf("%08d-bd7f-3b9c-47d2-f2d8a714cc74", n) }

// alloc makes an allocation of one task; config is "key=value" pairs.
func allocation(n int, kind string, config ...string) *api.Allocation {
	t := &api.Task{Name: "t", Driver: clienttest.DriverName, Config: map[string]any{}}
	for _, kv := range config {
		k, v, _ := strings.Cut(kv, "=")
		t.Config[k] = v
	}
	return &api.Allocation{
		ID: id(n), Namespace: "default", Name: "j.g[0]", JobID: "j", TaskGroup: "g", DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientPending,
		Job: &api.Job{ID: "j", Name: "j", Type: kind, TaskGroups: []*api.TaskGroup{{Name: "g", Tasks: []*api.Task{t}}}},
	}
}

func (b *bench) wantStatus(n int, want string) {
	b.t.Helper()
	if a := b.servers.Alloc(id(n)); a == nil || a.ClientStatus != want {
		b.t.Errorf("servers know allocation %d as %+v, want %s", n, a, want)
	}
}

func (b *bench) fingerprint(health drivers.HealthState, text string) {
	f := clienttest.Healthy()
	f.Health, f.HealthDescription = health, text
	b.plugins.Fingerprint(clienttest.DriverName, f)
}

func (b *bench) allocDir(n int) string { return filepath.Join(b.cfg.DataDir, "alloc", id(n)) }
