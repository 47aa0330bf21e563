// SPDX-License-Identifier: MPL-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Restarts of a plugin process: the first one is immediate, later ones wait
// longer each time, until a process has been up for steadyAfter.
const (
	restartMin  = time.Second
	restartMax  = time.Minute
	steadyAfter = time.Minute
)

// usablePeriod is how often a driver that cannot be used is looked at again.
const usablePeriod = 10 * time.Second

// supervisor keeps one driver's plugin process running. Its goroutine is the
// only one that changes its state; get reads it.
type supervisor struct {
	manager *Manager
	logger  hclog.Logger
	name    string
	command []string
	env     []string
	config  map[string]any
	usable  func() error // nil means always

	// own says that the driver is one of the agent's.
	own bool

	// strict says that it is, and has a plugin block: what it refuses of that before it
	// has ever taken it, configured, is a mistake of the operator.
	strict, configured bool

	// restAfter is for how long the process may be of no use before it is ended;
	// 0 means for ever. wake has room for one wish to have it back.
	restAfter time.Duration
	wake      chan struct{}

	// first is called once the driver has been heard of.
	first func()

	mu struct {
		sync.Mutex
		conn *connection // nil unless there is a usable process

		// err says why there is no process and none is being started.
		err error

		changed chan struct{} // closed and replaced with each change
	}
}

func newSupervisor(m *Manager, name string, command []string, config map[string]any) *supervisor {
	s := &supervisor{
		manager: m,
		logger:  m.logger.With("driver", name),
		name:    name,
		command: command,
		config:  config,
		wake:    make(chan struct{}, 1),
	}
	s.mu.changed = make(chan struct{})
	return s
}

// publish changes the state that get sees.
func (s *supervisor) publish(conn *connection, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.conn, s.mu.err = conn, err
	close(s.mu.changed)
	s.mu.changed = make(chan struct{})
}

// get returns the driver as soon as its process is usable.
func (s *supervisor) get(ctx context.Context) (drivers.Driver, error) {
	for {
		s.mu.Lock()
		conn, err, changed := s.mu.conn, s.mu.err, s.mu.changed
		s.mu.Unlock()
		switch {
		case err != nil:
			return nil, err
		case conn != nil && conn.alive():
			conn.touch()
			return conn, nil
		}
		select {
		case s.wake <- struct{}{}:
		default:
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// run keeps the process running until the context ends. It returns an error
// only if the driver's configuration is not valid.
func (s *supervisor) run(ctx context.Context) error {
	defer s.first()
	defer s.publish(nil, drivers.ErrPluginShutdown)

	conn := s.reattach(ctx)
	var delay time.Duration
	for ctx.Err() == nil {
		if conn == nil && !s.awaitUsable(ctx) {
			return nil
		}
		started := time.Now()
		var err error
		if conn == nil {
			conn, err = s.launch(ctx)
		}
		switch {
		case err == nil:
			s.publish(conn, nil)
			rests := s.serve(ctx, conn)
			if ctx.Err() != nil {
				s.end(conn)
				return nil
			}
			if rests {
				s.rest(ctx, conn)
				conn, delay = nil, 0
				continue
			}
			s.publish(nil, nil)
			s.manager.cleanup.Go(conn.process.Stop)
			err = drivers.ErrPluginShutdown
			s.logger.Warn("plugin process has ended and is started again")
		case ctx.Err() != nil:
			return nil
		case isConfigError(err):
			s.unavailable(err)
			return fmt.Errorf("driver %q: %w", s.name, err)
		default:
			s.logger.Error("plugin cannot be started", "error", err)
		}
		conn = nil
		if time.Since(started) >= steadyAfter {
			delay = 0
		}
		if delay > 0 || !errors.Is(err, drivers.ErrPluginShutdown) {
			if !s.pause(ctx, max(delay, restartMin), err) {
				return nil
			}
		}
		delay = min(max(2*delay, restartMin), restartMax)
	}
	return nil
}

// awaitUsable waits until the machine has what the driver needs. It reports false
// if the context ended first.
func (s *supervisor) awaitUsable(ctx context.Context) bool {
	if s.usable == nil {
		return true
	}
	told := ""
	for {
		reason := s.usable()
		if reason == nil {
			if told != "" {
				s.publish(nil, nil)
			}
			return true
		}
		if reason.Error() != told {
			told = reason.Error()
			s.logger.Debug("driver cannot be used, its plugin is not started", "reason", reason)
			s.absent(reason)
		}
		if run.Sleep(ctx, usablePeriod) != nil {
			return false
		}
	}
}

func isConfigError(err error) bool {
	var mistake *configError
	return errors.As(err, &mistake)
}

// pause waits before the next start. Meanwhile get fails at once, and callers
// may try again.
func (s *supervisor) pause(ctx context.Context, delay time.Duration, reason error) bool {
	s.unavailable(reason)
	if run.Sleep(ctx, delay) != nil {
		return false
	}
	s.publish(nil, nil)
	return true
}

// unavailable tells everybody that the driver cannot be used.
func (s *supervisor) unavailable(reason error) {
	err := fmt.Errorf("driver %q is not available: %w", s.name, reason)
	s.publish(nil, drivers.NewRecoverableError(err, true))
	s.fingerprint(&drivers.Fingerprint{
		Health: drivers.HealthUndetected, HealthDescription: failedToFingerprint + ": " + reason.Error(), Err: err,
	})
}

// absent tells everybody that this machine lacks what the driver needs.
func (s *supervisor) absent(reason error) {
	err := fmt.Errorf("driver %q is not available: %w", s.name, reason)
	s.publish(nil, drivers.NewRecoverableError(err, true))
	s.fingerprint(&drivers.Fingerprint{Health: drivers.HealthUndetected, HealthDescription: reason.Error()})
}

// end ends the process when the agent ends, or leaves it to the next one.
func (s *supervisor) end(conn *connection) {
	if s.manager.detach.Load() {
		conn.detach()
		return
	}
	if err := conn.shutdown(); err != nil {
		s.logger.Debug("driver did not shut down", "error", err)
	}
	if err := s.manager.config.Store.DeleteReattach(s.name); err != nil {
		s.logger.Warn("record of the plugin process cannot be removed", "error", err)
	}
}
