// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Retries of stopping a task (runtime.md 4.4): 5 s, 20 s, 80 s, then 2 min.
const (
	stopTries    = 5
	stopDelayMin = 5 * time.Second
	stopDelayMax = 2 * time.Minute
)

// settleWait is how long a stopped task may take to be reported as ended.
const settleWait = 30 * time.Second

// exit is what waiting for a task came to.
type exit struct {
	res *drivers.ExitResult
	err error
}

// wait waits for the end of the running task, and stops it when it is asked to. ended is false when the
// context ended first.
func (r *Runner) wait(ctx context.Context) (res *drivers.ExitResult, ended bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	exits := r.observe(ctx)
	s := stopping{r: r}
	defer s.close()
	for {
		if r.kill != nil || r.reset != nil || r.again != nil {
			s.begin(ctx)
		}
		select {
		case e := <-exits:
			switch {
			case ctx.Err() != nil:
				return nil, false
			case errors.Is(e.err, drivers.ErrPluginShutdown):
				if err := r.reconnect(ctx); err != nil {
					if ctx.Err() != nil {
						return nil, false
					}
					return &drivers.ExitResult{Err: fmt.Errorf("recover task after its plugin ended: %w", err)}, true
				}
				exits = r.observe(ctx)
				s.again()
			case e.err != nil:
				return &drivers.ExitResult{Err: e.err}, true
			default:
				return e.res, true
			}
		case <-r.box.C():
			r.receive()
		case <-s.timer():
			s.next(ctx)
		case err := <-s.result:
			if res := s.done(err); res != nil {
				return res, true
			}
		case <-ctx.Done():
			return nil, false
		}
	}
}

// observe waits for the end of the task in a goroutine of its own.
func (r *Runner) observe(ctx context.Context) <-chan exit {
	driver, id := r.Driver()
	exits := make(chan exit, 1)
	go func() {
		res, err := driver.WaitTask(ctx, id)
		if err == nil && res == nil {
			err = errors.New("driver returned no exit result")
		}
		exits <- exit{res, err}
	}()
	return exits
}

// reconnect finds the task again after the plugin of its driver ended.
func (r *Runner) reconnect(ctx context.Context) error {
	r.mu.Lock()
	handle, network := r.mu.handle, r.mu.network
	r.mu.Unlock()
	name := r.task.Driver
	r.logger.Warn("plugin of the driver has ended, the task is recovered", "driver", name)
	var driver drivers.Driver
	err := r.beside(ctx, never, func(ctx context.Context) error {
		for {
			var err error
			if driver, err = r.get(ctx, name, 0); err != nil {
				return err
			}
			err = driver.RecoverTask(ctx, handle.Copy())
			if !errors.Is(err, drivers.ErrPluginShutdown) {
				return err
			}
		}
	})
	if driver == nil {
		return err
	}
	// Also one that does not find the task is asked to free what it has of it.
	r.mu.Lock()
	r.mu.driver, r.mu.handle, r.mu.network = driver, handle, network
	r.mu.Unlock()
	return err
}

// startTries is how often a driver is asked for before an attempt to start a task counts as failed.
const startTries = 5

// get returns the driver. It tries again when that can help, up to the number of tries, for ever when it
// is 0: a task that runs is not lost because its driver takes long.
func (r *Runner) get(ctx context.Context, name string, tries int) (drivers.Driver, error) {
	for delay := 250 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
		driver, err := r.deps.Drivers.Get(ctx, name)
		if err == nil || ctx.Err() != nil {
			return driver, err
		}
		// A host that has been shut down says so until the agent has ended.
		shutdown := errors.Is(err, drivers.ErrPluginShutdown)
		if !drivers.IsRecoverable(err) && !shutdown {
			return nil, err
		}
		if tries--; tries == 0 {
			return nil, drivers.NewRecoverableError(err, true)
		}
		if err := run.Sleep(ctx, delay); err != nil {
			return nil, err
		}
	}
}

// stopping is the stop of a running task: the shutdown delay, the driver's stop, and its retries.
type stopping struct {
	r *Runner
	// begun and asked say how far it is.
	begun, delayed, asked bool
	tries                 int
	clock                 *time.Timer
	result                chan error
	// settling is set while the end of a stopped task is awaited.
	settling bool
}

func (s *stopping) close() {
	if s.clock != nil {
		s.clock.Stop()
	}
}

func (s *stopping) timer() <-chan time.Time {
	if s.clock == nil {
		return nil
	}
	return s.clock.C
}

func (s *stopping) set(d time.Duration) {
	s.close()
	s.clock = time.NewTimer(d)
}

// begin starts the stop, or cuts short its delay when that is wanted now.
func (s *stopping) begin(ctx context.Context) {
	r := s.r
	delay := r.task.ShutdownDelay
	switch {
	case !s.begun:
		s.begun = true
		r.stoppingHooks()
		if r.kill == nil || delay <= 0 {
			s.ask(ctx)
			return
		}
		if r.kill.noDelay {
			r.emit(skippingDelayEvent(delay))
			s.ask(ctx)
			return
		}
		s.delayed = true
		r.emit(waitingDelayEvent(delay))
		s.set(delay)
	case s.delayed && r.kill.noDelay:
		s.delayed = false
		s.close()
		s.clock = nil
		r.emit(skippingDelayEvent(delay))
		s.ask(ctx)
	}
}

// next is called when the timer has fired.
func (s *stopping) next(ctx context.Context) {
	s.clock = nil
	if s.settling {
		s.settling = false
		s.r.logger.Error("driver stopped the task and does not report its end", "duration", settleWait)
		s.result = make(chan error, 1)
		s.tries = stopTries
		s.result <- fmt.Errorf("the end of the task was not reported within %v", settleWait)
		return
	}
	s.delayed = false
	s.ask(ctx)
}

// ask has the driver stop the task.
func (s *stopping) ask(ctx context.Context) {
	if s.asked {
		return
	}
	s.asked = true
	s.tries++
	r := s.r
	driver, id := r.Driver()
	timeout, signal := r.killTimeout(), r.task.KillSignal
	s.result = make(chan error, 1)
	result := s.result
	go func() { result <- driver.StopTask(ctx, id, timeout, signal) }()
}

// again repeats the stop with the driver's new plugin process.
func (s *stopping) again() {
	if s.begun && !s.delayed {
		s.asked, s.settling, s.result = false, false, nil
		s.tries = 0
		s.set(0)
	}
}

// done takes the driver's answer. It returns a result when the task is given up.
func (s *stopping) done(err error) *drivers.ExitResult {
	s.result = nil
	r := s.r
	switch {
	case err == nil, errors.Is(err, drivers.ErrTaskNotFound):
		s.settling = true
		s.set(settleWait)
		return nil
	case errors.Is(err, drivers.ErrPluginShutdown):
		return nil // waiting ends as well, and begins anew with the next plugin
	case s.tries >= stopTries:
		r.logger.Error("task cannot be stopped", "error", err)
		r.killErr = err
		return &drivers.ExitResult{Err: fmt.Errorf("stop task: %w", err)}
	}
	delay := stopDelayMin
	for range s.tries - 1 {
		delay = min(4*delay, stopDelayMax)
	}
	r.logger.Warn("task could not be stopped, trying again", "error", err, "duration", delay)
	s.asked = false
	s.set(delay)
	return nil
}
