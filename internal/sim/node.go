// SPDX-License-Identifier: MPL-2.0

package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/internal/version"
)

// watchWait is the longest that an allocation watch waits for a change.
const watchWait = 5 * time.Minute

// node is one simulated client. Its goroutine owns everything but ends.
type node struct {
	fleet  *Fleet
	number int
	id     string
	secret string
	caller api.Caller

	// known is the version of each allocation that was dealt with.
	known map[string]uint64

	// telling is held from the look at allocations to the end of the report on them, so that reports keep their order.
	telling sync.Mutex

	mu struct {
		sync.Mutex
		// live holds the allocations reported as running.
		live map[string]struct{}
		// registered is set while the servers know the node.
		registered bool
	}
}

// run registers the node and follows its allocations until ctx ends.
func (n *node) run(ctx context.Context) error {
	for failures := 0; ; {
		err := n.fleet.call(ctx, n.register)
		if err == nil {
			failures = 0
			err = n.watch(ctx)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failures++
		n.fleet.log.Debug("simulated node starts again", "node_id", n.id, "error", err)
		if err := run.Sleep(ctx, backoff(failures)); err != nil {
			return err
		}
	}
}

func (n *node) register(ctx context.Context) error {
	resp, _, err := api.NodeRegister.Call(ctx, n.caller, &api.NodeRegisterRequest{Node: n.describe(), SecretID: n.secret})
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	n.mu.Lock()
	again := n.mu.registered
	n.mu.registered = true
	n.mu.Unlock()
	if !again {
		if n.fleet.registered.Add(1) == int64(len(n.fleet.nodes)) {
			close(n.fleet.ready)
		}
		n.beatAfter(resp.TTL)
	}
	return nil
}

// beatAfter reports before half of the time to live has passed.
func (n *node) beatAfter(ttl time.Duration) {
	n.fleet.clock.after(ttl/4+rand.N(ttl/4+1), n.beat)
}

func (n *node) beat(ctx context.Context) {
	ttl, err := n.say(ctx, api.NodeStatusReady)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		n.fleet.log.Debug("heartbeat of a simulated node failed", "node_id", n.id, "error", err)
	}
	n.beatAfter(ttl)
}

// say tells the servers a status of the node and returns when they want to hear of it again.
func (n *node) say(ctx context.Context, status string) (time.Duration, error) {
	ttl := 4 * time.Second // after a failure
	err := limited(ctx, n.fleet.beats, func(ctx context.Context) error {
		resp, _, err := api.NodeHeartbeat.Call(ctx, n.caller, &api.NodeHeartbeatRequest{NodeID: n.id, SecretID: n.secret, Status: status})
		if err == nil {
			ttl = resp.TTL
			if resp.Status == api.NodeStatusInit {
				// The servers had taken the node for lost. Its allocations are told of as they change.
				_, _, err = api.AllocUpdate.Call(ctx, n.caller, &api.AllocUpdateRequest{NodeID: n.id, SecretID: n.secret})
				ttl = min(ttl, 2*time.Second)
			}
		}
		return err
	})
	return ttl, err
}

// watch follows the node's allocations until a call fails.
func (n *node) watch(ctx context.Context) error {
	var index uint64
	for {
		req := &api.NodeAllocsRequest{NodeID: n.id, SecretID: n.secret}
		req.MinIndex, req.MaxWait, req.AllowStale = index, watchWait, true
		if index > 0 {
			req.Known = len(n.known)
		}
		resp, meta, err := api.NodeAllocsWatch.Call(ctx, n.caller, req)
		if err != nil {
			return fmt.Errorf("watch allocations: %w", err)
		}
		if meta.Index < index {
			index = 0 // the servers went back to an older state
			continue
		}
		index = max(meta.Index, 1)
		if err := n.sync(ctx, resp); err != nil {
			return err
		}
	}
}

// sync deals with the allocations whose version changed.
func (n *node) sync(ctx context.Context, resp *api.NodeAllocsResponse) error {
	var changed []string
	for id, version := range resp.Allocs {
		if n.known[id] != version {
			changed = append(changed, id)
		}
	}
	if !resp.Partial {
		for id := range n.known {
			if _, ok := resp.Allocs[id]; !ok {
				delete(n.known, id)
				n.forget(id)
			}
		}
	}
	if len(changed) == 0 {
		return nil
	}
	n.telling.Lock()
	defer n.telling.Unlock()
	fetched, err := n.fetch(ctx, changed, true)
	older := func(a *api.Allocation) bool { return a.AllocModifyIndex < resp.Allocs[a.ID] }
	if err == nil && (len(fetched) < len(changed) || slices.ContainsFunc(fetched, older)) {
		fetched, err = n.fetch(ctx, changed, false) // the server that was asked lags behind the one that listed them
	}
	if err != nil {
		return err
	}
	var reports []*api.Allocation
	now := time.Now().UTC()
	for _, a := range fetched {
		if r := n.react(a, now); r != nil {
			reports = append(reports, r)
		}
	}
	if err := n.report(ctx, reports); err != nil {
		return err
	}
	for _, a := range fetched {
		n.known[a.ID] = a.AllocModifyIndex
	}
	return nil
}

// fetch gets allocations in full, perhaps from a server that lags behind.
func (n *node) fetch(ctx context.Context, ids []string, stale bool) ([]*api.Allocation, error) {
	var fetched []*api.Allocation
	err := n.fleet.call(ctx, func(ctx context.Context) error {
		req := &api.AllocFetchRequest{NodeID: n.id, SecretID: n.secret, AllocIDs: ids}
		req.AllowStale = stale
		resp, _, err := api.AllocFetch.Call(ctx, n.caller, req)
		if err == nil {
			fetched = resp.Unpack()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fetch allocations: %w", err)
	}
	return fetched, nil
}

// react returns what the node reports about a new version of an allocation, nil for nothing.
func (n *node) react(a *api.Allocation, now time.Time) *api.Allocation {
	switch {
	case a.ClientTerminalStatus():
		n.forget(a.ID)
		return nil
	case a.ServerTerminalStatus():
		return n.ended(a.ID, a.TaskStates, a.Group(), now, false)
	case n.isLive(a.ID) && a.ClientStatus == api.AllocClientRunning:
		return healthy(a, now)
	}
	return n.start(a, now)
}

// start makes the allocation running, and end by itself when its tasks say so.
func (n *node) start(a *api.Allocation, now time.Time) *api.Allocation {
	r := &api.Allocation{
		ID: a.ID, ClientStatus: api.AllocClientRunning, ClientDescription: api.AllocClientDescRunning,
		TaskStates: map[string]*api.TaskState{},
	}
	group := a.Group()
	for name := range taskNames(a, group) {
		r.TaskStates[name] = &api.TaskState{State: api.TaskStateRunning, StartedAt: &now}
	}
	if h := healthy(a, now); h != nil {
		r.DeploymentStatus = h.DeploymentStatus
	}
	n.mu.Lock()
	if n.mu.live == nil {
		n.mu.live = map[string]struct{}{}
	}
	_, again := n.mu.live[a.ID]
	n.mu.live[a.ID] = struct{}{}
	n.mu.Unlock()
	if !again {
		n.fleet.started.Add(1)
		n.fleet.running.Add(1)
		if after, fails, ok := runFor(group); ok {
			n.fleet.clock.after(after, func(ctx context.Context) { n.finish(ctx, a.ID, r.TaskStates, group, fails) })
		}
	}
	return r
}

// healthy returns the report that makes an allocation healthy in its deployment, or for the pace of drains, nil
// when there is nothing to report.
func healthy(a *api.Allocation, now time.Time) *api.Allocation {
	if group := a.Group(); group != nil && group.Update != nil && group.Update.HealthCheck == api.HealthManual {
		return nil // a person decides
	}
	if a.DeploymentID == "" && (a.Job == nil || a.Job.Type != api.JobTypeService) || a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil {
		return nil
	}
	return &api.Allocation{
		ID: a.ID, ClientStatus: api.AllocClientRunning, ClientDescription: api.AllocClientDescRunning,
		TaskStates:       a.TaskStates,
		DeploymentStatus: &api.AllocDeploymentStatus{Healthy: new(true), Timestamp: &now},
	}
}

// ended is the report of an allocation that came to its end.
func (n *node) ended(id string, states map[string]*api.TaskState, group *api.TaskGroup, now time.Time, failed bool) *api.Allocation {
	r := &api.Allocation{
		ID: id, ClientStatus: api.AllocClientComplete, ClientDescription: api.AllocClientDescComplete,
		TaskStates: map[string]*api.TaskState{},
	}
	if failed {
		r.ClientStatus, r.ClientDescription = api.AllocClientFailed, api.AllocClientDescFailed
	}
	for name := range taskNames(&api.Allocation{TaskStates: states}, group) {
		state := api.TaskState{}
		if old := states[name]; old != nil {
			state = *old
		}
		state.State, state.Failed, state.FinishedAt = api.TaskStateDead, failed, &now
		r.TaskStates[name] = &state
	}
	n.forget(id)
	return r
}

func taskNames(a *api.Allocation, group *api.TaskGroup) map[string]struct{} {
	names := map[string]struct{}{}
	if group != nil {
		for _, t := range group.Tasks {
			names[t.Name] = struct{}{}
		}
	}
	for name := range a.TaskStates {
		names[name] = struct{}{}
	}
	return names
}

// runFor reads run_for and exit_code of mock_driver tasks: the group ends when the longest main task does,
// ok is false when one of them never ends.
func runFor(group *api.TaskGroup) (after time.Duration, fails, ok bool) {
	if group == nil {
		return 0, false, false
	}
	for _, t := range group.Tasks {
		if !t.IsMain() {
			continue
		}
		text, _ := t.Config["run_for"].(string)
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, false, false
		}
		after = max(after, d)
		if code, err := strconv.Atoi(fmt.Sprint(t.Config["exit_code"])); err == nil && code != 0 {
			fails = true
		}
		ok = true
	}
	return after, fails, ok
}

// finish reports an allocation whose tasks ended by themselves.
func (n *node) finish(ctx context.Context, id string, states map[string]*api.TaskState, group *api.TaskGroup, failed bool) {
	n.telling.Lock()
	defer n.telling.Unlock()
	if !n.isLive(id) {
		return
	}
	r := n.ended(id, states, group, time.Now().UTC(), failed)
	for failures := 0; ; failures++ {
		err := n.report(ctx, []*api.Allocation{r})
		if err == nil || ctx.Err() != nil || run.Sleep(ctx, backoff(failures)) != nil {
			return
		}
	}
}

func (n *node) report(ctx context.Context, reports []*api.Allocation) error {
	if len(reports) == 0 {
		return nil
	}
	err := n.fleet.call(ctx, func(ctx context.Context) error {
		_, _, err := api.AllocUpdate.Call(ctx, n.caller, &api.AllocUpdateRequest{
			NodeID: n.id, SecretID: n.secret, Allocs: reports,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("report allocations: %w", err)
	}
	return nil
}

func (n *node) isLive(id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.mu.live[id]
	return ok
}

func (n *node) forget(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.mu.live[id]; ok {
		delete(n.mu.live, id)
		n.fleet.running.Add(-1)
		n.fleet.stopped.Add(1)
	}
}

// describe returns the node as a client registers it.
func (n *node) describe() *api.Node {
	c := &n.fleet.cfg
	name := fmt.Sprintf("%s-%05d", c.Name, n.number)
	ip := fmt.Sprintf("10.%d.%d.%d", n.number>>16&255, n.number>>8&255, n.number&255)
	cores := max(1, c.CPU/1000)
	reservable := make([]uint16, cores)
	topology := &api.NodeProcessorTopology{Nodes: []int{0}}
	for i := range reservable {
		reservable[i] = uint16(i)
		topology.Cores = append(topology.Cores, api.NodeProcessorCore{
			ID: uint16(i), Grade: true, BaseSpeed: uint64(c.CPU / cores),
		})
	}
	now := time.Now().UTC()
	return &api.Node{
		ID: n.id, Name: name, Datacenter: c.Datacenter, NodeClass: c.Class, NodePool: c.Pool,
		HTTPAddr: ip + ":4646", Status: api.NodeStatusReady, SchedulingEligibility: api.NodeEligible,
		Attributes: map[string]string{
			"kernel.name": "linux", "os.name": "sim", "cpu.arch": "amd64", "arch": "amd64",
			"driver.mock_driver": "1", "nomad.version": version.CompatVersion, "unique.hostname": name,
			"unique.network.ip-address": ip, "cpu.numcores": strconv.FormatInt(cores, 10),
			"cpu.totalcompute": strconv.FormatInt(c.CPU, 10),
		},
		Drivers: map[string]*api.DriverInfo{
			"mock_driver": {
				Attributes: map[string]string{"driver.mock_driver": "1"}, Detected: true, Healthy: true,
				HealthDescription: "Healthy", UpdateTime: &now,
			},
		},
		NodeResources: &api.NodeResources{
			Cpu:        api.NodeCpuResources{CpuShares: c.CPU, TotalCpuCores: uint16(cores), ReservableCpuCores: reservable},
			Processors: api.NodeProcessorResources{Topology: topology},
			Memory:     api.NodeMemoryResources{MemoryMB: c.MemoryMB},
			Disk:       api.NodeDiskResources{DiskMB: c.DiskMB},
			NodeNetworks: []*api.NodeNetworkResource{{
				Mode: api.NetworkModeHost, Device: "sim0", Speed: 1000,
				Addresses: []api.NodeNetworkAddress{{Family: "ipv4", Alias: "default", Address: ip}},
			}},
			Networks:       []*api.NetworkResource{{Mode: api.NetworkModeHost, Device: "sim0", CIDR: ip + "/32", IP: ip, MBits: 1000}},
			MinDynamicPort: 20000, MaxDynamicPort: 32000,
		},
		ReservedResources: &api.NodeReservedResources{},
	}
}
