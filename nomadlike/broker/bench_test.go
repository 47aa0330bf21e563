// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/broker/brokertest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// BenchmarkPlacements measures jobs from their registration to the commit of their placements, with the
// real scheduler and state machine and a log that takes no time.
func BenchmarkPlacements(b *testing.B) {
	for _, c := range []struct{ jobs, count int }{{10, 1000}, {1000, 10}} {
		b.Run(fmt.Sprintf("jobs=%d/count=%d", c.jobs, c.count), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				r := brokertest.NewRaft()
				r.AddNodes(b, 1000, 20_000, 64<<10)
				svc := New(ServiceConfig{Store: r.Store, Raft: r})
				want := c.jobs * c.count
				placed := 0
				done := make(chan struct{})
				var once sync.Once
				r.Store.Subscribe(func(changes []state.Change) {
					svc.Observe(changes)
					for i := range changes {
						if _, ok := changes[i].New.(*api.Allocation); ok && changes[i].Old == nil {
							placed++
						}
					}
					if placed >= want {
						once.Do(func() { close(done) })
					}
				})
				ctx, cancel := context.WithCancel(b.Context())
				ended := make(chan error, 1)
				go func() { ended <- svc.Run(ctx) }()
				jobs := make([][]byte, c.jobs)
				for i := range jobs {
					j := brokertest.Job(fmt.Sprint("j", i), c.count, 100, 100)
					jobs[i] = fsm.JobRegister.Encode(&fsm.JobRegisterRequest{Job: j, Eval: brokertest.Eval(j, api.TriggerJobRegister)})
				}
				b.StartTimer()
				start := time.Now()
				for _, cmd := range jobs {
					r.Must(b, cmd)
				}
				<-done
				b.ReportMetric(float64(want)/time.Since(start).Seconds(), "placements/s")
				b.StopTimer()
				cancel()
				<-ended
				b.StartTimer()
			}
		})
	}
}
