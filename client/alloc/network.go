// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/network"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/client/taskenv"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Bounds of what the network of an allocation may take.
const (
	// networkSync bounds the wait for the disk before something is made that has to be found again.
	networkSync = 2 * time.Second
	// networkRelease bounds how long the end of an allocation waits for the end of its network.
	networkRelease = time.Minute
)

// Labels by which a driver says how the allocation is called in its network (driver-plugin-protocol.md 8.16).
const (
	sandboxHostname  = "docker_sandbox_hostname"
	sandboxContainer = "docker_sandbox_container_id"
	shortContainer   = 12
)

// groupNetwork is the network of the group, nil without one.
func groupNetwork(a *api.Allocation) *api.NetworkResource {
	if g := a.Group(); g != nil && len(g.Networks) > 0 {
		return g.Networks[0]
	}
	return nil
}

// setupNetwork gives the allocation its network namespace, or finds that of an earlier agent again.
func (r *Runner) setupNetwork(ctx context.Context) error {
	a := r.Alloc()
	ask := groupNetwork(a)
	if ask == nil || a.ServerTerminalStatus() && r.status.Network == nil {
		return nil
	}
	if !network.Isolated(ask.Mode) {
		if ask.Hostname != "" {
			return errors.New(`network.hostname needs mode = "bridge", "none" or "cni/<name>" and tasks of a driver such as docker`)
		}
		return nil
	}
	maker, err := r.networkMaker(ctx, ask)
	if err != nil {
		return err
	}
	kept := r.status.Network
	if kept == nil || kept.Released {
		kept = &statedb.AllocNetwork{Mode: ask.Mode, Driver: maker}
		r.status.Network = kept
		r.storeStatus()
		wait, cancel := context.WithTimeout(ctx, networkSync)
		defer cancel()
		if err := r.deps.Tasks.State.Sync(wait); err != nil {
			r.logger.Warn("network is made although the state is not on disk yet", "error", err)
		}
	}
	next := *kept
	if err := r.makeNetwork(ctx, a, ask, &next); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	r.status.Network = &next
	r.storeStatus()
	return nil
}

// networkMaker returns the driver that makes the namespaces of its tasks itself, empty when the client does.
// It is an error if a task cannot be in the network.
func (r *Runner) networkMaker(ctx context.Context, ask *api.NetworkResource) (string, error) {
	makers := map[string]bool{}
	for _, t := range r.tasks() {
		driver, err := r.deps.Tasks.Drivers.Get(ctx, t.Driver)
		if err != nil {
			return "", fmt.Errorf("get driver %q of task %q: %w", t.Driver, t.Name, err)
		}
		caps, err := driver.Capabilities(ctx)
		if err != nil {
			return "", fmt.Errorf("ask driver %q for its capabilities: %w", t.Driver, err)
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

// makeNetwork makes and connects the namespace unless an earlier agent has, and writes down what there is.
func (r *Runner) makeNetwork(ctx context.Context, a *api.Allocation, ask *api.NetworkResource, n *statedb.AllocNetwork) error {
	env := r.groupEnv(a)
	hostname := env.Replace(ask.Hostname)
	for again := false; ; again = true {
		created, err := r.makeNamespace(ctx, n, hostname)
		if err != nil {
			return err
		}
		if !network.Connected(n.Mode) || n.Spec == nil {
			n.Status = &api.AllocNetworkStatus{}
			return nil
		}
		req := r.networkRequest(a, env, n)
		if created {
			if n.Status, err = r.deps.Networks.Attach(ctx, req); err != nil {
				return errors.Join(err, r.dropNamespace(ctx, n))
			}
			n.Spec.Hosts = hostsConfig(n)
			return nil
		}
		if n.Status != nil && (again || r.deps.Networks.Check(ctx, req) == nil) {
			return nil
		}
		// An earlier agent did not get to its end, or something has torn the connection.
		r.logger.Info("network of the allocation is made anew")
		if err := r.deps.Networks.Detach(ctx, req); err != nil {
			r.logger.Warn("old network cannot be disconnected", "error", err)
		}
		if err := r.dropNamespace(ctx, n); err != nil {
			return err
		}
		if again {
			return errors.New("the old network namespace cannot be replaced")
		}
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
	driver, err := r.deps.Tasks.Drivers.Get(ctx, n.Driver)
	if err != nil {
		return false, fmt.Errorf("get driver %q: %w", n.Driver, err)
	}
	spec, created, err := driver.CreateNetwork(ctx, r.id, &drivers.NetworkRequest{Hostname: hostname})
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
	driver, err := r.deps.Tasks.Drivers.Get(ctx, n.Driver)
	if err != nil {
		return fmt.Errorf("get driver %q: %w", n.Driver, err)
	}
	return driver.DestroyNetwork(ctx, r.id, n.Spec)
}

// hostsConfig is how the tasks call themselves, for drivers that say so.
func hostsConfig(n *statedb.AllocNetwork) *drivers.HostsConfig {
	name := n.Spec.Labels[sandboxHostname]
	if id := n.Spec.Labels[sandboxContainer]; name == "" && id != "" {
		name = id[:min(len(id), shortContainer)]
	}
	if name == "" {
		return nil
	}
	return &drivers.HostsConfig{Hostname: name, Address: n.Status.Address}
}

// networkRequest is what the plugins are told.
func (r *Runner) networkRequest(a *api.Allocation, env *taskenv.Env, n *statedb.AllocNetwork) *network.Request {
	req := &network.Request{AllocID: r.id, Mode: n.Mode}
	if n.Spec != nil {
		req.Namespace = n.Spec.Path
	}
	if ask := groupNetwork(a); ask != nil && ask.CNI != nil {
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

// releaseNetwork ends the network of an allocation whose tasks have ended. What cannot be ended now is when
// the allocation is removed, or by the next agent.
func (r *Runner) releaseNetwork(ctx context.Context) {
	n := r.status.Network
	if n == nil || n.Released {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, networkRelease)
	defer cancel()
	a := r.Alloc()
	var errs []error
	if network.Connected(n.Mode) {
		errs = append(errs, r.deps.Networks.Detach(ctx, r.networkRequest(a, r.groupEnv(a), n)))
	}
	errs = append(errs, r.dropNamespace(ctx, n))
	if err := errors.Join(errs...); err != nil {
		r.logger.Warn("network of the ended allocation cannot be removed", "error", err)
		return
	}
	gone := *n
	gone.Released = true
	r.status.Network = &gone
	r.storeStatus()
}

// groupEnv is the environment at the level of the group.
func (r *Runner) groupEnv(a *api.Allocation) *taskenv.Env {
	node := r.deps.Tasks.Node()
	return taskenv.Build(&taskenv.Input{Node: node.Node, Region: node.Region, Alloc: a, Network: r.networkStatus()})
}

// networkStatus is the address of the allocation in its namespace, nil without one.
func (r *Runner) networkStatus() *api.AllocNetworkStatus {
	if r.status.Network == nil {
		return nil
	}
	return r.status.Network.Status
}

// noNetwork is what servers are told of an allocation in the network of the host.
var noNetwork = &api.AllocNetworkStatus{}

// reportedNetwork is what servers are told; it never changes.
func (r *Runner) reportedNetwork() *api.AllocNetworkStatus {
	return cmp.Or(r.networkStatus(), noNetwork)
}
