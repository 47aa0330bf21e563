// SPDX-License-Identifier: MPL-2.0

package clienttest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// Servers is the twin of the servers that a client talks to, as an api.Caller.
type Servers struct {
	// TTL is what nodes are given.
	TTL time.Duration

	mu struct {
		sync.Mutex
		index   uint64
		changed chan struct{}
		nodes   map[string]*api.Node
		secrets map[string]string
		allocs  map[string]*api.Allocation
		down    bool
		stale   map[string]uint64
		// restored grows with each GoBack, which keeps the allocations of before in former.
		restored int64
		former   map[string]*api.Allocation
		lags     bool
		// behind is set while reads that allow it know nothing of what was reported.
		behind bool
		// ignored is how many heartbeats get no answer.
		ignored int
		// what was called
		registered []*api.Node
		beats      []time.Time
		unsynced   bool
		statuses   []string
		updates    [][]*api.Allocation
		events     []*api.NodeEvent
		drains     []*api.NodeDrainRequest
		services   []*api.ServiceSyncRequest
	}
}

// NewServers returns servers that know nothing.
func NewServers() *Servers {
	s := &Servers{TTL: 10 * time.Second}
	s.mu.index, s.mu.changed = 1, make(chan struct{})
	s.mu.nodes, s.mu.secrets, s.mu.allocs = map[string]*api.Node{}, map[string]string{}, map[string]*api.Allocation{}
	return s
}

func (s *Servers) bumpLocked() {
	s.mu.index++
	close(s.mu.changed)
	s.mu.changed = make(chan struct{})
}

// Place puts a new version of an allocation onto its node.
func (s *Servers) Place(list ...*api.Allocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range list {
		dup := *a
		dup.AllocModifyIndex = s.mu.index + 1
		s.mu.allocs[a.ID] = &dup
	}
	s.bumpLocked()
}

// Stop makes the servers want an allocation stopped.
func (s *Servers) Stop(id string) {
	s.mu.Lock()
	a := *s.mu.allocs[id]
	s.mu.Unlock()
	a.DesiredStatus = api.AllocDesiredStop
	s.Place(&a)
}

// Forget removes an allocation, as garbage collection does.
func (s *Servers) Forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.allocs, id)
	s.bumpLocked()
}

// ForgetNodes makes the servers not know any node.
func (s *Servers) ForgetNodes() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.nodes = map[string]*api.Node{}
	s.bumpLocked()
}

// SetDown makes all calls fail, or work again.
func (s *Servers) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.down = down
	close(s.mu.changed)
	s.mu.changed = make(chan struct{})
}

// AnswerStale makes reads that allow it see these allocations only, as on a server that lags behind.
func (s *Servers) AnswerStale(allocs map[string]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.stale = allocs
	s.bumpLocked()
}

// Saved is a state of the servers that they can go back to.
type Saved struct {
	index  uint64
	allocs map[string]*api.Allocation
}

// Save returns the state of the allocations.
func (s *Servers) Save() Saved {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Saved{s.mu.index, maps.Clone(s.mu.allocs)}
}

// GoBack makes a saved state that of the servers, as the restore of a snapshot in a new cluster does: indexes go back, too.
func (s *Servers) GoBack(to Saved) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.former = s.mu.allocs
	s.mu.index, s.mu.allocs, s.mu.restored = to.index, maps.Clone(to.allocs), time.Now().UnixNano()
	s.bumpLocked()
}

// Wipe makes the servers begin anew.
func (s *Servers) Wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.index, s.mu.allocs, s.mu.restored = 1, map[string]*api.Allocation{}, 0
	s.bumpLocked()
}

// Lag makes reads that allow it see the state from before GoBack, or no more.
func (s *Servers) Lag(lags bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.lags = lags
	s.bumpLocked()
}

// FallBehind makes reads that allow it know nothing of what clients have reported, as on a server that hears of it later.
func (s *Servers) FallBehind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.behind = true
}

// seenLocked returns the allocations that a read sees, and the restore that it knows of.
func (s *Servers) seenLocked(stale bool) (map[string]*api.Allocation, int64) {
	if stale && s.mu.lags {
		return s.mu.former, 0
	}
	return s.mu.allocs, s.mu.restored
}

// Registered returns all registrations so far.
func (s *Servers) Registered() []*api.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*api.Node(nil), s.mu.registered...)
}

// Beats returns when heartbeats came, and with which status.
func (s *Servers) Beats() ([]time.Time, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.mu.beats...), append([]string(nil), s.mu.statuses...)
}

// Updates returns what was reported, one slice a call.
func (s *Servers) Updates() [][]*api.Allocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]*api.Allocation(nil), s.mu.updates...)
}

// Events returns the events of nodes.
func (s *Servers) Events() []*api.NodeEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*api.NodeEvent(nil), s.mu.events...)
}

// Alloc returns what the servers know of an allocation.
func (s *Servers) Alloc(id string) *api.Allocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.allocs[id]
}

// Call implements api.Caller.
func (s *Servers) Call(ctx context.Context, op *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	if s.isDown() {
		return nil, api.Errorf(api.ClassUnavailable, "no server")
	}
	switch r := req.(type) {
	case *api.NodeRegisterRequest:
		return s.register(r, resp.(**api.NodeHeartbeatResponse))
	case *api.NodeHeartbeatRequest:
		if s.ignores() {
			<-ctx.Done()
			return nil, api.Errorf(api.ClassTimeout, "no answer")
		}
		return s.heartbeat(r, resp.(**api.NodeHeartbeatResponse))
	case *api.NodeEventsRequest:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.mu.events = append(s.mu.events, r.Events...)
		return &api.Meta{}, nil
	case *api.NodeAllocsRequest:
		return s.watch(ctx, r, resp.(**api.NodeAllocsResponse))
	case *api.AllocFetchRequest:
		return s.fetch(r, resp.(**api.AllocFetchResponse))
	case *api.AllocUpdateRequest:
		return s.update(r)
	case *api.ServiceSyncRequest:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.mu.services = append(s.mu.services, r)
		return &api.Meta{}, nil
	case *api.NodeDrainRequest:
		return s.drain(r, resp.(**api.NodeEligibilityResponse))
	case *api.NodeRequest:
		return s.node(r, resp.(**api.Node))
	}
	return nil, fmt.Errorf("operation %s is not served here", op.Name)
}

// Open implements api.Caller; the client streams nothing from servers.
func (s *Servers) Open(context.Context, *api.OpInfo, api.Request) (api.Stream, error) {
	return nil, api.Errorf(api.ClassUnsupported, "no streams")
}

func (s *Servers) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.down
}

func (s *Servers) register(r *api.NodeRegisterRequest, resp **api.NodeHeartbeatResponse) (*api.Meta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.registered = append(s.mu.registered, r.Node)
	s.mu.nodes[r.Node.ID], s.mu.secrets[r.Node.ID] = r.Node, r.SecretID
	*resp = &api.NodeHeartbeatResponse{TTL: s.TTL, Servers: []string{"127.0.0.1:4647"}}
	return &api.Meta{}, nil
}

func (s *Servers) verifyLocked(id, secret string) error {
	if s.mu.nodes[id] == nil {
		return api.CodeErrorf(api.ClassNotFound, 500, "node not found")
	}
	if s.mu.secrets[id] != secret {
		return api.Errorf(api.ClassDenied, "wrong secret")
	}
	return nil
}

func (s *Servers) heartbeat(r *api.NodeHeartbeatRequest, resp **api.NodeHeartbeatResponse) (*api.Meta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.verifyLocked(r.NodeID, r.SecretID); err != nil {
		return nil, err
	}
	s.mu.beats, s.mu.statuses = append(s.mu.beats, time.Now()), append(s.mu.statuses, r.Status)
	status := r.Status
	if s.mu.unsynced {
		status = api.NodeStatusInit
	}
	*resp = &api.NodeHeartbeatResponse{TTL: s.TTL, Status: status}
	return &api.Meta{}, nil
}

// IgnoreBeats makes the next heartbeats get no answer, as of a server that is frozen.
func (s *Servers) IgnoreBeats(count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.ignored = count
}

func (s *Servers) ignores() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.ignored--
	return s.mu.ignored >= 0
}

// Services returns what was registered.
func (s *Servers) Services() []*api.ServiceSyncRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mu.services)
}

// Miss makes the servers ask for the states of the node's allocations, as after an absence.
func (s *Servers) Miss() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.unsynced, s.mu.updates = true, nil
}

func (s *Servers) watch(ctx context.Context, r *api.NodeAllocsRequest, resp **api.NodeAllocsResponse) (*api.Meta, error) {
	patience := time.NewTimer(max(r.MaxWait, 0))
	defer patience.Stop()
	for {
		s.mu.Lock()
		if s.mu.down {
			s.mu.Unlock()
			return nil, api.Errorf(api.ClassUnavailable, "no server")
		}
		if err := s.verifyLocked(r.NodeID, r.SecretID); err != nil {
			s.mu.Unlock()
			return nil, err
		}
		index, changed := s.mu.index, s.mu.changed
		allocs, restored := s.seenLocked(r.AllowStale)
		out := map[string]uint64{}
		for id, a := range allocs {
			out[id] = a.AllocModifyIndex
		}
		if r.AllowStale && s.mu.stale != nil {
			out = maps.Clone(s.mu.stale)
		}
		s.mu.Unlock()
		if index > r.MinIndex || r.Restored > 0 && max(restored, api.NeverRestored) != r.Restored {
			*resp = &api.NodeAllocsResponse{Allocs: out, Restored: restored}
			return &api.Meta{Index: index, HasIndex: true, KnownLeader: true}, nil
		}
		select {
		case <-changed:
		case <-patience.C:
			*resp = &api.NodeAllocsResponse{Allocs: out, Restored: restored}
			return &api.Meta{Index: index, HasIndex: true}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Servers) fetch(r *api.AllocFetchRequest, resp **api.AllocFetchResponse) (*api.Meta, error) {
	var list []*api.Allocation
	s.mu.Lock()
	defer s.mu.Unlock()
	allocs, _ := s.seenLocked(r.AllowStale)
	for _, id := range r.AllocIDs {
		a := allocs[id]
		if a == nil {
			continue
		}
		if r.AllowStale && s.mu.behind {
			dup := *a
			dup.ClientStatus, dup.TaskStates = api.AllocClientPending, nil
			a = &dup
		}
		list = append(list, a)
	}
	*resp = api.PackAllocs(list)
	return &api.Meta{Index: s.mu.index}, nil
}

func (s *Servers) update(r *api.AllocUpdateRequest) (*api.Meta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.verifyLocked(r.NodeID, r.SecretID); err != nil {
		return nil, err
	}
	s.mu.updates = append(s.mu.updates, r.Allocs)
	s.mu.unsynced = false
	for _, u := range r.Allocs {
		old := s.mu.allocs[u.ID]
		if old == nil {
			continue
		}
		a := *old
		a.ClientStatus, a.ClientDescription, a.TaskStates, a.DeploymentStatus = u.ClientStatus, u.ClientDescription, u.TaskStates, u.DeploymentStatus
		s.mu.allocs[u.ID] = &a
	}
	return &api.Meta{}, nil
}
