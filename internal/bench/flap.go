// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"context"
	"errors"
	"time"

	"github.com/nomadlike/nomadlike/internal/sim"
)

// FlapName is the name of the figure of Flap.
const FlapName = "5,000 nodes, half of which flap, all runs again"

const (
	flappingNodes = 5000
	flaps         = 3
)

// Flap measures a server while half of a fleet goes down and comes back several times: how long until everything runs
// again after the last time, and how long a reader waits for an answer meanwhile.
func Flap(ctx context.Context, bin string) (f Figure, err error) {
	f = Figure{Name: FlapName, Unit: "s"}
	a, err := startCluster(ctx, bin, serverConfig, sim.Config{Count: flappingNodes})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	jobs := Placement{Jobs: 20, Count: 1000}
	if err := a.run(ctx, &jobs); err != nil {
		return f, a.failed(err)
	}

	worst := watchAnswers(a)
	heap, start, before := a.heap(ctx), time.Now(), a.fleet.Stats()
	for range flaps {
		if err := a.fleet.Flap(ctx, 0.5); err != nil {
			return f, a.failed(err)
		}
	}
	flapped := time.Now()
	if err := awaitIdle(ctx, a.servers); err != nil {
		return f, a.failed(err)
	}
	if err := awaitRunning(ctx, a.fleet, int64(jobs.Jobs*jobs.Count)); err != nil {
		return f, a.failed(err)
	}
	f.Value = time.Since(flapped).Seconds()
	f.Detail = map[string]float64{
		"changes of nodes/s": float64(2*flaps*flappingNodes/2) / flapped.Sub(start).Seconds(),
		"replaced":           float64(a.fleet.Stats().Started - before.Started), "worst answer ms": float64(worst.Load()) / 1e6,
		"heap MB before": heap / 1e6, "heap MB after": a.heap(ctx) / 1e6,
	}
	return f, nil
}
