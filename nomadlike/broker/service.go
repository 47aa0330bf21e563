// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/state"
	"github.com/nomadlike/nomadlike/scheduler"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
)

// ServiceConfig is what a Service needs. Store and Raft are required.
type ServiceConfig struct {
	Store *state.Store
	Raft  Raft
	// Workers is num_schedulers: how many evaluations are scheduled at a time, the number of CPUs when 0.
	Workers int
	// Kinds is enabled_schedulers: the job types whose evaluations are scheduled, all when empty.
	Kinds  []string
	Broker Config
	// Rejections is plan_rejection_tracker, off by default.
	Rejections RejectionConfig
	// Process is scheduler.Process when nil.
	Process Process
	Logger  hclog.Logger
	Metrics *metrics.Metrics
}

// Service is the evaluation machinery of a server: idle until Run is called, which a server does while it
// is the leader. Its Observe must be subscribed to the store from the start.
type Service struct {
	// Evals queues pending evaluations and Blocked those that wait for capacity.
	Evals   *Broker
	Blocked *Blocked
	// Plans applies plans and stores evaluations.
	Plans *Applier

	store   *state.Store
	ledger  *ledger
	feed    *feed
	workers *Workers
	state   workerState
	// config has room for one signal that the scheduler configuration changed.
	config chan struct{}
	// reload is set when the whole state was replaced.
	reload atomic.Bool
	log    hclog.Logger
}

// New returns a service that does nothing yet.
func New(cfg ServiceConfig) *Service {
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	if cfg.Metrics == nil {
		cfg.Metrics = metrics.Default()
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.NumCPU()
	}
	if cfg.Process == nil {
		cfg.Process = scheduler.Process
	}
	s := &Service{store: cfg.Store, config: make(chan struct{}, 1), log: cfg.Logger.Named("broker")}
	cfg.Broker.Metrics = cfg.Metrics
	s.Evals = NewBroker(cfg.Broker)
	s.Blocked = NewBlocked(func(evals []*api.Evaluation) { s.Evals.Enqueue(evals...) })
	s.ledger = newLedger(cfg.Store)
	s.Plans = newApplier(s.Evals, s.ledger, cfg.Raft, cfg.Rejections, s.log, cfg.Metrics)
	s.feed = &feed{evals: s.Evals, blocked: s.Blocked}
	s.feed.freed.signal = make(chan struct{}, 1)
	s.workers = &Workers{
		broker: s.Evals, applier: s.Plans, ledger: s.ledger, store: cfg.Store,
		process: cfg.Process, cache: feasible.NewCache(), log: cfg.Logger.Named("worker"), sink: cfg.Metrics,
	}
	if len(cfg.Kinds) == 0 {
		cfg.Kinds = allKinds
	}
	s.state.setLocked(WorkerConfig{Num: cfg.Workers, Kinds: cfg.Kinds})
	cfg.Store.OnRestore(s.Reload)
	return s
}

// Observe takes the changes of a commit. It is quick and may be called inside the commit.
func (s *Service) Observe(changes []state.Change) {
	s.ledger.observe(changes)
	s.feed.observe(changes)
	for i := range changes {
		if changes[i].Table == state.SchedulerConfig.Name() {
			s.look()
		}
	}
}

// look has Run look at what it depends on.
func (s *Service) look() {
	select {
	case s.config <- struct{}{}:
	default:
	}
}

// Reload has everything read from the state again, after a restore replaced it; the store calls it.
func (s *Service) Reload() {
	s.reload.Store(true)
	s.look()
}

// Run processes evaluations until ctx ends. While the scheduler configuration pauses the broker it
// processes none and holds none; on resumption everything is read from the state again.
func (s *Service) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if s.paused() {
			select {
			case <-s.config:
			case <-ctx.Done():
			}
			continue
		}
		if err := s.active(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *Service) paused() bool {
	return state.SchedulerConfig.Current(s.store.Snapshot()).PauseEvalBroker
}

// active processes evaluations until ctx ends or the broker is paused. A pause lets what is in progress
// finish first.
func (s *Service) active(ctx context.Context) error {
	s.reload.Store(false)
	s.Evals.SetEnabled(true)
	s.Blocked.SetEnabled(true)
	s.Plans.open()
	s.feed.start(s.store)
	defer func() {
		s.feed.stop()
		s.Evals.SetEnabled(false)
		s.Blocked.SetEnabled(false)
		s.ledger.reset()
	}()
	st := s.Evals.Stats()
	s.log.Info("processing evaluations", "ready", st.Ready, "delayed", st.Waiting, "blocked", s.Blocked.Stats().Total)

	quiet, pause := context.WithCancel(ctx)
	defer pause()
	g := run.New(ctx)
	g.Go("plans", s.Plans.run)
	g.Go("unblock", func(ctx context.Context) error { return s.feed.release(ctx, s.store) })
	g.Go("pause", func(ctx context.Context) error {
		for !s.paused() && !s.reload.Load() {
			select {
			case <-s.config:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		s.log.Info("pausing the processing of evaluations", "reload", s.reload.Load())
		pause()
		return nil
	})
	g.Go("workers", func(ctx context.Context) error {
		defer g.Stop()
		return s.workers.run(ctx, quiet, s.Workers())
	})
	return g.Wait()
}

// DeliveryLimit returns how often an evaluation is handed out before it fails.
func (s *Service) DeliveryLimit() int { return s.Evals.cfg.DeliveryLimit }
