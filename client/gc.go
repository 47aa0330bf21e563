// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/client/alloc"
	"github.com/nomadlike/nomadlike/client/hoststats"
)

// collector removes allocations that have ended when there are too many or the disk fills up
// (runtime.md 11). What the servers still know of them is not affected.
type collector struct {
	client *Client
	wake   chan struct{}
	// places bounds how many are removed at a time.
	places chan struct{}
	// disk measures the disk of the allocations.
	disk func() (used, inodes float64, err error)
}

func newCollector(c *Client) *collector {
	return &collector{
		client: c, wake: make(chan struct{}, 1), places: make(chan struct{}, c.cfg.GCParallelDestroys),
		disk: func() (float64, float64, error) {
			d, err := hoststats.Disk(c.cfg.AllocDir)
			if err != nil {
				return 0, 0, err
			}
			return d.UsedPercent, d.InodesUsedPercent, nil
		},
	}
}

// poke makes the collector look soon.
func (g *collector) poke() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

func (g *collector) run(ctx context.Context) error {
	t := time.NewTicker(g.client.cfg.GCInterval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-g.wake:
		}
		g.collect(ctx)
	}
}

// collect removes ended allocations, the oldest first, for as long as there is a reason to.
func (g *collector) collect(ctx context.Context) {
	cfg := &g.client.cfg
	for _, r := range g.client.collectable() {
		reason := ""
		used, inodes, err := g.disk()
		switch {
		case len(g.client.allRunners()) > cfg.GCMaxAllocs:
			reason = "there are more allocations than gc_max_allocs"
		case err != nil:
			g.client.logger.Warn("disk of the allocations cannot be measured", "error", err)
		case used > cfg.GCDiskUsageThreshold:
			reason = "the disk is fuller than gc_disk_usage_threshold"
		case inodes > cfg.GCInodeUsageThreshold:
			reason = "the disk has fewer inodes than gc_inode_usage_threshold asks for"
		}
		if reason == "" {
			return
		}
		g.client.logger.Info("ended allocation is collected", "alloc_id", r.ID(), "reason", reason)
		g.destroy(ctx, r)
	}
}

// destroy removes one allocation and waits for it, unless the context ends.
func (g *collector) destroy(ctx context.Context, r *alloc.Runner) {
	select {
	case g.places <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-g.places }()
	r.Destroy()
	select {
	case <-r.Done():
	case <-ctx.Done():
	}
}

// all removes everything that has ended, several at a time.
func (g *collector) all(ctx context.Context) {
	var wg sync.WaitGroup
	for _, r := range g.client.collectable() {
		wg.Go(func() { g.destroy(ctx, r) })
	}
	wg.Wait()
}
