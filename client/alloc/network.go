// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/network"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/client/task"
	"github.com/nomadlike/nomadlike/client/taskenv"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Bounds of what the network of an allocation may take.
const (
	// networkSync bounds the wait for the disk before something is made that has to be found again.
	networkSync = 2 * time.Second
	// networkDrop bounds how long the end of an allocation waits for the end of its namespace. What has not ended is tried
	// again, with pauses from releaseMin to releaseMax.
	networkDrop            = time.Minute
	releaseMin, releaseMax = time.Second, time.Minute
	// makePatience and dropPatience are for how long a driver is asked again that cannot make or end a network just now,
	// askTries how often at least, since a call may take longer than that.
	makePatience, dropPatience = time.Minute, 5 * time.Second
	askTries                   = 4
	askMin, askMax             = 100 * time.Millisecond, 2 * time.Second
)

// networkRestart is why tasks are restarted whose network was made anew.
const networkRestart = "network of the allocation was made anew"

// Labels by which a driver says how the allocation is called in its network (driver-plugin-protocol.md 8.16).
const (
	sandboxHostname  = "docker_sandbox_hostname"
	sandboxContainer = "docker_sandbox_container_id"
	shortContainer   = 12
)

// networkAsk is the network that the group asks for, nil without one.
func networkAsk(a *api.Allocation) *api.NetworkResource {
	if g := a.Group(); g != nil && len(g.Networks) > 0 {
		return g.Networks[0]
	}
	return nil
}

// groupNetwork is what there is of the network of the group. The record in it never changes.
type groupNetwork struct {
	// making is held while the network is made or mended.
	making sync.Mutex

	mu   sync.Mutex
	kept *statedb.AllocNetwork
	// remade is set if the tasks of an earlier agent are in a network that is gone.
	remade bool

	// failed is why the network could not be ended, again when that is tried next, pause the time between. They belong to
	// the goroutine of the runner.
	failed error
	pause  time.Duration
	again  time.Time
}

func (g *groupNetwork) get() *statedb.AllocNetwork {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.kept
}

// keepNetwork makes a record what there is, and stores it.
func (r *Runner) keepNetwork(n *statedb.AllocNetwork) {
	r.network.mu.Lock()
	r.network.kept = n
	r.network.mu.Unlock()
	if err := r.deps.Tasks.State.PutAllocNetwork(r.id, n); err != nil {
		r.logger.Error("network of the allocation cannot be stored", "error", err)
	}
}

// setupNetwork gives the allocation its network namespace, or finds that of an earlier agent again.
func (r *Runner) setupNetwork(ctx context.Context) error {
	a := r.Alloc()
	ask := networkAsk(a)
	if ask == nil || a.ServerTerminalStatus() && r.network.get() == nil {
		return nil
	}
	if !network.Isolated(ask.Mode) {
		if ask.Hostname != "" {
			return errors.New(`network.hostname needs mode = "bridge", "none" or "cni/<name>" and tasks of a driver such as docker`)
		}
		return nil
	}
	before := r.network.get()
	if before == nil || before.Released {
		maker, err := r.networkMaker(ctx, ask)
		if err != nil {
			return err
		}
		r.keepNetwork(&statedb.AllocNetwork{Mode: ask.Mode, Driver: maker})
		wait, cancel := context.WithTimeout(ctx, networkSync)
		defer cancel()
		if err := r.deps.Tasks.State.Sync(wait); err != nil {
			r.logger.Warn("network is made although the state is not on disk yet", "error", err)
		}
	}
	err := r.awaitNetwork(ctx)
	if err != nil && before != nil && before.Status != nil && !before.Released {
		// Tasks of the earlier agent run, perhaps. Each of them joins again before it starts again.
		r.logger.Warn("network of the allocation cannot be looked at; its tasks are left as they are", "error", err)
		return nil
	}
	return err
}

// awaitNetwork joins the network, unless the servers stop the allocation meanwhile: a driver may have to fetch something
// first. Tasks that are stopped need none.
func (r *Runner) awaitNetwork(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, _, err := r.joinNetwork(ctx)
		result <- err
	}()
	unwanted := false
	for {
		select {
		case err := <-result:
			if unwanted {
				return nil
			}
			return err
		case <-r.box.C():
			r.receive()
			if r.destroying || r.Alloc().ServerTerminalStatus() {
				unwanted = true
				cancel()
			}
		}
	}
}

// joinNetwork makes the network what it has to be, if it is not, and returns it.
func (r *Runner) joinNetwork(ctx context.Context) (*drivers.NetworkIsolationSpec, *api.AllocNetworkStatus, error) {
	r.network.making.Lock()
	defer r.network.making.Unlock()
	a, kept := r.Alloc(), r.network.get()
	ask := networkAsk(a)
	if kept == nil || kept.Released || ask == nil {
		return nil, nil, errors.New("network: the allocation has none any more")
	}
	next := *kept
	if err := r.makeNetwork(ctx, a, ask, &next); err != nil {
		return nil, nil, fmt.Errorf("network: %w", err)
	}
	if !reflect.DeepEqual(&next, kept) {
		r.keepNetwork(&next)
		r.taskChanged() // the servers are told
	}
	if kept.Status != nil && next.Status != kept.Status {
		r.leaveNetwork()
	}
	return next.Spec, next.Status, nil
}

// leaveNetwork restarts the tasks that run in a network which has gone.
func (r *Runner) leaveNetwork() {
	r.mu.Lock()
	runners := r.mu.runners
	r.mu.Unlock()
	r.network.remade = runners == nil
	for _, tr := range runners {
		tr.RestartSoon(task.RestartSignaled(networkRestart))
	}
}

// leaveOldNetwork does so for tasks of an earlier agent, once they are found.
func (r *Runner) leaveOldNetwork(runners map[string]*task.Runner) {
	for _, tr := range runners {
		select {
		case <-tr.Settled():
			tr.RestartSoon(task.RestartSignaled(networkRestart))
		case <-tr.Done():
		}
	}
}

// networkMaker returns the driver that makes the namespaces of its tasks itself, empty when the client does.
// It is an error if a task cannot be in the network.
func (r *Runner) networkMaker(ctx context.Context, ask *api.NetworkResource) (string, error) {
	makers := map[string]bool{}
	for _, t := range r.tasks() {
		var caps *drivers.Capabilities
		err := r.askDriver(ctx, t.Driver, makePatience, func(driver drivers.Driver) (err error) {
			caps, err = driver.Capabilities(ctx)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("task %q: ask driver %q for its capabilities: %w", t.Name, t.Driver, err)
		}
		if !caps.HasNetworkIsolationMode(drivers.NetworkIsolationGroup) {
			return "", fmt.Errorf("task %q: driver %q does not support network mode %q", t.Name, t.Driver, ask.Mode)
		}
		if caps.MustCreateNetwork {
			makers[t.Driver] = true
		}
	}
	if len(makers) > 1 {
		return "", fmt.Errorf("drivers %q each make the network of their tasks and cannot share one; use one of them in the group",
			slices.Sorted(maps.Keys(makers)))
	}
	for name := range makers {
		return name, nil
	}
	if ask.Hostname != "" {
		return "", fmt.Errorf("hostname is not currently supported on driver %s", r.tasks()[0].Driver)
	}
	return "", nil
}

// askDriver calls a driver, again if its plugin ends meanwhile or the failure may pass.
func (r *Runner) askDriver(ctx context.Context, name string, patience time.Duration, call func(drivers.Driver) error) error {
	deadline := time.Now().Add(patience)
	pause := askMin
	for try := 1; ; try++ {
		driver, err := r.deps.Tasks.Drivers.Get(ctx, name)
		if err == nil {
			err = call(driver)
		}
		impatient := try >= askTries && time.Now().After(deadline)
		if err == nil || !passing(err) || impatient || run.Sleep(ctx, pause) != nil {
			return err
		}
		pause = min(2*pause, askMax)
		r.logger.Debug("driver is asked for the network again", "driver", name, "error", err)
	}
}

// passing reports whether what failed may succeed later.
func passing(err error) bool {
	return errors.Is(err, drivers.ErrPluginShutdown) || drivers.IsRecoverable(err)
}

// makeNetwork makes and connects the namespace unless an earlier agent has, and writes down what there is.
func (r *Runner) makeNetwork(ctx context.Context, a *api.Allocation, ask *api.NetworkResource, n *statedb.AllocNetwork) error {
	env := r.groupEnv(a)
	hostname := env.Replace(ask.Hostname)
	for again := false; ; again = true {
		before := n.Spec
		created, err := r.makeNamespace(ctx, n, hostname)
		if err != nil {
			return err
		}
		// What holds a namespace may have been restarted, with a new one.
		fresh := created || before != nil && n.Spec != nil && before.Path != n.Spec.Path
		if !network.Connected(n.Mode) || n.Spec == nil {
			if fresh || n.Status == nil {
				n.Status = &api.AllocNetworkStatus{}
			}
			if n.Spec != nil {
				n.Spec.Hosts = hostsConfig(n)
			}
			return nil
		}
		req := r.networkRequest(a, env, n)
		if fresh {
			if n.Status != nil {
				r.disconnect(ctx, req)
			}
			if n.Status, err = r.deps.Networks.Attach(ctx, req); err != nil {
				return errors.Join(err, r.dropNamespace(ctx, n))
			}
			n.Spec.Hosts = hostsConfig(n)
			return nil
		}
		if again {
			return errors.New("the old network namespace cannot be replaced")
		}
		if n.Status != nil && r.deps.Networks.Check(ctx, req) == nil {
			return nil
		}
		// An earlier agent did not get to its end, or something has torn the connection.
		r.disconnect(ctx, req)
		if err := r.dropNamespace(ctx, n); err != nil {
			return err
		}
	}
}

// disconnect removes what is left of a connection that is made anew.
func (r *Runner) disconnect(ctx context.Context, req *network.Request) {
	r.logger.Info("network of the allocation is made anew")
	if err := r.deps.Networks.Detach(ctx, req); err != nil {
		r.logger.Warn("old network cannot be disconnected", "error", err)
	}
}

// makeNamespace makes the namespace, by the driver that does so or by the client.
func (r *Runner) makeNamespace(ctx context.Context, n *statedb.AllocNetwork, hostname string) (created bool, err error) {
	if n.Driver == "" {
		path, created, err := r.deps.Networks.CreateNamespace(r.id)
		if err != nil {
			return false, err
		}
		n.Spec = &drivers.NetworkIsolationSpec{Mode: drivers.NetworkIsolationGroup, Path: path}
		return created, nil
	}
	var spec *drivers.NetworkIsolationSpec
	err = r.askDriver(ctx, n.Driver, makePatience, func(driver drivers.Driver) (err error) {
		spec, created, err = driver.CreateNetwork(ctx, r.id, &drivers.NetworkRequest{Hostname: hostname})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("driver %q makes no network: %w", n.Driver, err)
	}
	if !created && n.Spec != nil && spec != nil {
		spec.Hosts = n.Spec.Hosts
	}
	n.Spec = spec
	return created, nil
}

// dropNamespace removes the namespace.
func (r *Runner) dropNamespace(ctx context.Context, n *statedb.AllocNetwork) error {
	if n.Driver == "" {
		return r.deps.Networks.RemoveNamespace(r.id)
	}
	err := r.askDriver(ctx, n.Driver, dropPatience, func(driver drivers.Driver) error {
		return driver.DestroyNetwork(ctx, r.id, n.Spec)
	})
	if err != nil {
		return fmt.Errorf("driver %q ends no network: %w", n.Driver, err)
	}
	return nil
}

// hostsConfig is how the tasks call themselves, for drivers that say so. In a network that is connected to nothing they
// find themselves on its loopback interface.
func hostsConfig(n *statedb.AllocNetwork) *drivers.HostsConfig {
	name := n.Spec.Labels[sandboxHostname]
	if id := n.Spec.Labels[sandboxContainer]; name == "" && id != "" {
		name = id[:min(len(id), shortContainer)]
	}
	if name == "" {
		return nil
	}
	return &drivers.HostsConfig{Hostname: name, Address: cmp.Or(n.Status.Address, "127.0.0.1")}
}

// networkRequest is what the plugins are told.
func (r *Runner) networkRequest(a *api.Allocation, env *taskenv.Env, n *statedb.AllocNetwork) *network.Request {
	req := &network.Request{AllocID: r.id, Mode: n.Mode}
	if n.Spec != nil {
		req.Namespace = n.Spec.Path
	}
	if ask := networkAsk(a); ask != nil && ask.CNI != nil {
		for _, name := range slices.Sorted(maps.Keys(ask.CNI.Args)) {
			req.Args = append(req.Args, [2]string{name, env.Replace(ask.CNI.Args[name])})
		}
	}
	req.Args = append(req.Args,
		[2]string{"NOMAD_REGION", r.deps.Tasks.Node().Region}, [2]string{"NOMAD_NAMESPACE", a.Namespace}, [2]string{"NOMAD_JOB_ID", a.JobID},
		[2]string{"NOMAD_GROUP_NAME", a.TaskGroup}, [2]string{"NOMAD_ALLOC_ID", a.ID})
	if a.AllocatedResources == nil {
		return req
	}
	for _, p := range a.AllocatedResources.Shared.Ports {
		if p == nil {
			continue
		}
		inner := p.To
		if inner < 1 {
			inner = p.Value
		}
		req.Ports = append(req.Ports, network.Port{HostIP: p.HostIP, Value: p.Value, Inner: inner})
	}
	return req
}

// releaseNetwork ends the network of an allocation whose tasks have ended. What cannot be ended now is tried again, in
// the end by the next agent.
func (r *Runner) releaseNetwork(ctx context.Context) error {
	r.network.making.Lock()
	defer r.network.making.Unlock()
	n := r.network.get()
	if n == nil || n.Released {
		return nil
	}
	a := r.Alloc()
	var errs []error
	if network.Connected(n.Mode) {
		errs = append(errs, r.deps.Networks.Detach(ctx, r.networkRequest(a, r.groupEnv(a), n)))
	}
	drop, cancel := context.WithTimeout(ctx, networkDrop)
	defer cancel()
	errs = append(errs, r.dropNamespace(drop, n))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	r.logger.Debug("network of the allocation has ended")
	gone := *n
	gone.Released = true
	r.keepNetwork(&gone)
	return nil
}

// endNetwork ends the network of an ended allocation, and returns when to try again, zero when it has ended.
func (r *Runner) endNetwork(ctx context.Context, now time.Time) time.Time {
	g := &r.network
	if now.Before(g.again) {
		return g.again
	}
	before := g.failed
	if g.failed = r.releaseNetwork(ctx); g.failed == nil {
		g.again = time.Time{}
		return g.again
	}
	if before == nil {
		r.logger.Warn("network of the ended allocation cannot be removed, trying again", "error", g.failed)
	}
	g.pause = min(max(2*g.pause, releaseMin), releaseMax)
	g.again = time.Now().Add(g.pause)
	return g.again
}

// groupEnv is the environment at the level of the group.
func (r *Runner) groupEnv(a *api.Allocation) *taskenv.Env {
	node := r.deps.Tasks.Node()
	return taskenv.Build(&taskenv.Input{Node: node.Node, Region: node.Region, Alloc: a, Network: r.networkStatus()})
}

// networkStatus is the address of the allocation in its namespace, nil without one.
func (r *Runner) networkStatus() *api.AllocNetworkStatus {
	n := r.network.get()
	if n == nil {
		return nil
	}
	return n.Status
}

// noNetwork is what servers are told of an allocation in the network of the host.
var noNetwork = &api.AllocNetworkStatus{}

// reportedNetwork is what servers are told; it never changes.
func (r *Runner) reportedNetwork() *api.AllocNetworkStatus {
	return cmp.Or(r.networkStatus(), noNetwork)
}
