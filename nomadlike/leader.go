// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// dutyPause is how long a duty that ended by itself waits before it starts again.
const dutyPause = time.Second

// leadershipLoop starts the duties when this server becomes the leader and ends them when it no longer is.
func (s *Server) leadershipLoop(ctx context.Context) error {
	var term *run.Group
	halt := func() {
		if term == nil {
			return
		}
		term.Stop()
		if err := term.Wait(); err != nil {
			s.log.Error("leader duty failed", "error", err)
		}
		term = nil
		s.log.Info("stopped leading")
	}
	defer halt()
	for {
		select {
		case leads := <-s.leadership:
			halt()
			if leads {
				term = run.New(ctx)
				term.Go("lead", s.lead)
			}
		case <-s.restored:
			if term != nil { // what the duties remember is of the old state
				halt()
				term = run.New(ctx)
				term.Go("lead", s.lead)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lead does what a leader does, until ctx ends.
func (s *Server) lead(ctx context.Context) error {
	if err := retry(ctx, func() error { return s.establish(ctx) }, func(err error) {
		s.log.Warn("could not take over leadership, trying again", "error", err)
	}); err != nil {
		return err
	}
	s.leading.Store(true)
	defer s.leading.Store(false)
	s.log.Info("leading")
	g := run.New(ctx)
	for _, d := range append([]Duty{{Name: "peers", Run: s.peersDuty}, {Name: "autopilot", Run: s.autopilotDuty}}, s.deps.Duties...) {
		g.Go(d.Name, func(ctx context.Context) error { return s.keep(ctx, d) })
	}
	return g.Wait()
}

// keep runs a duty again and again until ctx ends. A panic counts as a failure of the duty alone.
func (s *Server) keep(ctx context.Context, d Duty) error {
	for {
		g := run.New(ctx)
		g.Go(d.Name, d.Run)
		err := g.Wait()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.log.Error("leader duty ended by itself, starting it again", "duty", d.Name, "error", err)
		if err := run.Sleep(ctx, dutyPause); err != nil {
			return err
		}
	}
}

// retry calls fn until it succeeds or ctx ends, with growing pauses.
func retry(ctx context.Context, fn func() error, failed func(error)) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := fn()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed(err)
		if err := run.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// establish brings the state up to everything that was committed before, and fills a new cluster.
func (s *Server) establish(ctx context.Context) error {
	start := time.Now()
	if err := s.Barrier(ctx); err != nil {
		return err
	}
	s.measure(start, "leader", "barrier")
	now := s.store.Snapshot()
	if state.Cluster.Get(now) == nil {
		_, _, err := s.Apply(ctx, fsm.ClusterInit.Encode(&fsm.ClusterInitRequest{
			ClusterID: api.NewID(), CreateTime: time.Now().UnixNano(),
		}))
		if err != nil {
			return err
		}
	}
	if state.SchedulerConfig.Get(now) == nil {
		c := s.cfg.SchedulerConfig
		if c == nil {
			c = state.DefaultSchedulerConfig()
		}
		_, _, err := s.Apply(ctx, fsm.SchedulerConfigSet.Encode(&fsm.SchedulerConfigSetRequest{Config: c, CAS: true}))
		if err != nil {
			return err
		}
	}
	if state.AutopilotConfig.Get(now) == nil {
		c := s.cfg.AutopilotConfig
		if c == nil {
			c = api.DefaultAutopilotConfiguration()
		}
		_, _, err := s.Apply(ctx, fsm.AutopilotConfigSet.Encode(&fsm.AutopilotConfigSetRequest{Config: c, CAS: true}))
		if err != nil {
			return err
		}
	}
	return nil
}

// Leave makes the server go on purpose: it hands leadership over, tells the others and waits, within
// ctx, until it is no raft peer any more. Run goes on until its context ends.
func (s *Server) Leave(ctx context.Context) error {
	r, err := s.raft()
	if err != nil {
		return err
	}
	alone := len(s.PeerAddresses()) <= 1
	if !alone && r.State() == raft.Leader {
		if err := r.LeadershipTransfer().Error(); err != nil {
			s.log.Warn("could not hand leadership over before leaving", "error", err)
		}
	}
	if err := s.Members().Leave(ctx); err != nil {
		return err
	}
	if alone {
		return nil
	}
	s.mu.Lock()
	id := s.mu.id
	s.mu.Unlock()
	for {
		f := r.GetConfiguration()
		if err := f.Error(); err != nil {
			return fmt.Errorf("read raft configuration: %w", err)
		}
		in := false
		for _, p := range f.Configuration().Servers {
			in = in || p.ID == id
		}
		if !in {
			return nil
		}
		if err := run.Sleep(ctx, 50*time.Millisecond); err != nil {
			return errors.New("left the gossip, but the others did not remove this server from raft in time")
		}
	}
}
