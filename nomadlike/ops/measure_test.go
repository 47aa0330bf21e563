// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/testkit/sink"
	"github.com/nomadlike/nomadlike/nomadlike/ops"
)

// TestCounts: operations are timed under the contract's names and counted, on servers only.
func TestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, server := range []bool{true, false} {
			m, kept := sink.New(t)
			cfg := ops.Config{Region: "global", Local: who("local"), Metrics: m}
			if server {
				cfg.Server, cfg.ServerOps = &fakeServer{self: true}, who("leader")
			}
			d := ops.NewDispatcher(cfg)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- d.Publish(ctx) }()
			for range 2 {
				_, _, _ = api.JobGet.Call(ctx, d, jobRead("a")) // no leader without a server
			}
			_, _, _ = api.NamespaceApply.Call(ctx, d, &api.NamespaceApplyRequest{Object: &api.Namespace{}}) // is refused
			time.Sleep(2 * time.Second)
			cancel()
			<-ended
			counts, timed := map[string]float64{}, map[string]int{}
			for _, interval := range kept.Data() {
				for _, c := range interval.Counters {
					counts[c.Name] += c.Sum
				}
				for _, s := range interval.Samples {
					timed[s.Name] += s.Count
				}
			}
			if timed["nomad.nomad.job.get_job"] != 2 || timed["nomad.nomad.namespace.upsert_namespaces"] != 1 {
				t.Errorf("server %t: timed %v", server, timed)
			}
			want := map[string]float64{}
			if server {
				want = map[string]float64{"nomad.nomad.rpc.request": 3, "nomad.nomad.rpc.query": 2, "nomad.nomad.rpc.request_error": 1}
			}
			for _, name := range []string{"request", "query", "request_error"} {
				if name = "nomad.nomad.rpc." + name; counts[name] != want[name] {
					t.Errorf("server %t: %s is %v, want %v", server, name, counts[name], want[name])
				}
			}
		}
	})
}

// BenchmarkMeasured is a small operation without and with what is measured of it.
func BenchmarkMeasured(b *testing.B) {
	m, _ := sink.New(b)
	for name, published := range map[string]*metrics.Metrics{"off": nil, "on": m} {
		b.Run(name, func(b *testing.B) {
			d := ops.NewDispatcher(ops.Config{Region: "global", Server: &fakeServer{self: true}, ServerOps: who("leader"), Metrics: published})
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := api.StatusLeader.Call(b.Context(), d, &api.AgentRequest{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
