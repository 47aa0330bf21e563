// SPDX-License-Identifier: MPL-2.0

package host

import (
	"context"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// restLimit is for how long a driver rests at most before it looks at the machine anew.
const restLimit = 30 * time.Minute

// use is what the process of a driver is used for. A process that is used for nothing may be ended, and
// started again by the next task: memory for drivers that nobody uses is memory that tasks do not get.
type use struct {
	sync.Mutex
	tasks map[string]bool
	calls int
	last  time.Time
}

// begin notes a call about a task; false when the process is being ended.
func (c *connection) begin() bool {
	c.use.Lock()
	defer c.use.Unlock()
	if c.closing.Load() {
		return false
	}
	c.use.calls++
	return true
}

// finish ends what begin began, after which the task is the process's or not.
func (c *connection) finish(taskID string, held bool) {
	c.use.Lock()
	defer c.use.Unlock()
	c.use.calls--
	c.use.last = time.Now()
	if c.use.tasks == nil {
		c.use.tasks = map[string]bool{}
	}
	if held {
		c.use.tasks[taskID] = true
	} else {
		delete(c.use.tasks, taskID)
	}
}

// touch notes that somebody is about to use the process.
func (c *connection) touch() {
	c.use.Lock()
	defer c.use.Unlock()
	c.use.last = time.Now()
}

// closeIfIdle makes the connection refuse work if nothing has used it for so long.
func (c *connection) closeIfIdle(after time.Duration) bool {
	c.use.Lock()
	defer c.use.Unlock()
	if len(c.use.tasks) > 0 || c.use.calls > 0 || time.Since(c.use.last) < after {
		return false
	}
	c.closing.Store(true)
	return true
}

// StartTask implements drivers.Driver.
func (c *connection) StartTask(ctx context.Context, config *drivers.TaskConfig) (*drivers.TaskHandle, *drivers.NetworkOverride, error) {
	if !c.begin() {
		return nil, nil, drivers.ErrPluginShutdown
	}
	handle, network, err := c.Client.StartTask(ctx, config)
	c.finish(config.ID, err == nil)
	return handle, network, err
}

// RecoverTask implements drivers.Driver.
func (c *connection) RecoverTask(ctx context.Context, handle *drivers.TaskHandle) error {
	if !c.begin() {
		return drivers.ErrPluginShutdown
	}
	err := c.Client.RecoverTask(ctx, handle)
	c.finish(handle.Config.ID, err == nil)
	return err
}

// DestroyTask implements drivers.Driver.
func (c *connection) DestroyTask(ctx context.Context, taskID string, force bool) error {
	if !c.begin() {
		return drivers.ErrPluginShutdown
	}
	err := c.Client.DestroyTask(ctx, taskID, force)
	c.finish(taskID, err != nil)
	return err
}

// idle delivers a value once the connection has been closed because nothing uses it. It never does for
// drivers that do not rest.
func (s *supervisor) idle(ctx context.Context, conn *connection) <-chan struct{} {
	if s.restAfter <= 0 {
		return nil
	}
	out := make(chan struct{}, 1)
	conn.touch()
	go func() {
		t := time.NewTicker(s.restAfter / 2)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			// A wish from before is met by the process that is there.
			select {
			case <-s.wake:
			default:
			}
			if conn.closeIfIdle(s.restAfter) {
				out <- struct{}{}
				return
			}
		}
	}()
	return out
}

// rest ends the process and waits until somebody wants the driver, the machine lacks what it needs, or it is
// time to look at the machine again. What the driver told of its health stands meanwhile.
func (s *supervisor) rest(ctx context.Context, conn *connection) {
	s.logger.Debug("driver has no tasks, its plugin process is ended until it is wanted")
	s.publish(nil, nil)
	s.manager.cleanup.Go(func() { _ = conn.shutdown() })
	if err := s.manager.config.Store.DeleteReattach(s.name); err != nil {
		s.logger.Warn("record of the plugin process cannot be removed", "error", err)
	}
	end := time.NewTimer(restLimit)
	defer end.Stop()
	t := time.NewTicker(usablePeriod)
	defer t.Stop()
	for {
		select {
		case <-s.wake:
			return
		case <-end.C:
			return
		case <-ctx.Done():
			return
		case <-t.C:
			if s.usable != nil && s.usable() != nil {
				return
			}
		}
	}
}
