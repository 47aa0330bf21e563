// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// reconcile removes, from time to time, containers that were made for tasks
// which no host knows any more.
func (d *Driver) reconcile() {
	config, _ := d.settings()
	wait := max(config.danglingPeriod, config.creationGrace)
	for {
		time.Sleep(max(wait, time.Second))
		config, _ = d.settings()
		wait = config.danglingPeriod
		if config.GC.Dangling.Enabled && d.health.isHealthy() {
			if err := d.removeDangling(context.Background(), time.Now()); err != nil {
				d.logger.Warn("containers without a task cannot be looked for", "error", err)
			}
			if config.endsKeepers() {
				d.endKeepers(context.Background())
			}
		}
	}
}

// removeDangling looks once.
func (d *Driver) removeDangling(ctx context.Context, now time.Time) error {
	config, engine := d.settings()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	// The list comes first: what is made after it is not in it.
	// Those that have ended belong to it too, unless they are to be kept: the engine may have been away when they were to go.
	list, err := engine.ContainerList(ctx, client.ContainerListOptions{All: config.GC.Container})
	if err != nil {
		return err
	}
	d.forgetIdle(ctx, list.Items)
	for _, c := range d.dangling(list.Items, now) {
		if config.GC.Dangling.DryRun {
			d.logger.Info("container without a task would be removed", "container_id", c.ID, "names", c.Names)
			continue
		}
		d.logger.Warn("container without a task is removed", "container_id", c.ID, "names", c.Names)
		if err := d.removeContainer(ctx, c.ID, false); err != nil {
			d.logger.Warn("container without a task cannot be removed", "container_id", c.ID, "error", err)
			continue
		}
		d.forgetPause(c.ID)
	}
	return nil
}

// holdsNothing reports whether a container was to hold a network and does not run: if somebody wants that network still it
// is made anew, and nobody needs to have heard of this one.
func (d *Driver) holdsNothing(c *container.Summary) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	ended := c.State == container.StateCreated || c.State == container.StateExited || c.State == container.StateDead
	_, holds := d.mu.pauses[c.ID]
	return ended && holds
}

// forgetIdle forgets containers that hold a network which nobody but they are in, of those that were found when this
// process began, since an engine goes on to make one when who asked for it has died, and of those that were to go while
// the engine was away. A task that is about to start again in such a network gets another one.
func (d *Driver) forgetIdle(ctx context.Context, list []container.Summary) {
	_, engine := d.settings()
	if !isLocal(engine) {
		return
	}
	for i := range list {
		c := &list[i]
		d.mu.Lock()
		asked, holds := d.mu.pauses[c.ID]
		d.mu.Unlock()
		if !holds || asked || c.State != container.StateRunning {
			continue
		}
		found, err := engine.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
		if err == nil && found.Container.State != nil && isAlone(found.Container.State.Pid) {
			d.forgetPause(c.ID)
		}
	}
}

// endsKeepers reports whether what keeps removed containers running is looked for.
func (c *pluginConfig) endsKeepers() bool { return c.GC.Dangling.Enabled && !c.GC.Dangling.DryRun }

// noteRemoved has the next look end what keeps a removed container running.
func (d *Driver) noteRemoved(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.config.endsKeepers() {
		d.mu.removed[id] = true
	}
}

// dangling returns the containers that were made for a task of this node and belong to none. Other agents may use the
// same engine, so a driver that knows its node leaves alone what is not labelled with it.
func (d *Driver) dangling(list []container.Summary, now time.Time) []*container.Summary {
	config, _ := d.settings()
	known := d.known()
	var found []*container.Summary
	for i := range list {
		c := &list[i]
		if (!known[c.ID] || d.holdsNothing(c)) && now.Sub(time.Unix(c.Created, 0)) >= config.creationGrace && isOurs(c) && c.Labels[nodeLabel] == d.node {
			found = append(found, c)
		}
	}
	return found
}

// allocName is the end of the name of a container from before there were labels.
var allocName = regexp.MustCompile(`-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// isOurs reports whether a container was made for a task.
func isOurs(c *container.Summary) bool {
	if c.Labels[allocLabel] != "" {
		return true
	}
	targets := map[string]bool{}
	for _, m := range c.Mounts {
		targets[m.Destination] = true
	}
	return targets["/alloc"] && targets["/local"] && targets["/secrets"] &&
		slices.ContainsFunc(c.Names, func(name string) bool { return allocName.MatchString(strings.TrimPrefix(name, "/")) })
}
