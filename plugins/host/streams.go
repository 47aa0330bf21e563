// SPDX-License-Identifier: MPL-2.0

package host

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Streams that end are opened again, each time later, until one delivers.
const (
	reopenMin = 5 * time.Second
	reopenMax = 2 * time.Minute
)

// failedToFingerprint begins the health description of a driver that cannot say
// how it is.
const failedToFingerprint = "failed to fingerprint driver"

// serve reads the driver's streams until its process or the context ends.
func (s *supervisor) serve(ctx context.Context, conn *connection) (rests bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() {
		follow(ctx, conn.Fingerprint, func(message *drivers.Fingerprint) (delivered bool) {
			if errors.Is(message.Err, drivers.ErrPluginShutdown) {
				return false // the process ended; the next one will tell
			}
			if message.Err != nil {
				s.logger.Warn("driver failed to fingerprint", "error", message.Err)
				message = &drivers.Fingerprint{
					Health: drivers.HealthUndetected, HealthDescription: failedToFingerprint + ": " + message.Err.Error(), Err: message.Err,
				}
			}
			s.fingerprint(message)
			return message.Err == nil
		}, func(err error) *drivers.Fingerprint { return &drivers.Fingerprint{Err: err} })
	})
	group.Go(func() {
		follow(ctx, conn.TaskEvents, func(event *drivers.TaskEvent) (delivered bool) {
			if event.Err != nil {
				s.logger.Debug("stream of task events failed", "error", event.Err)
				return false
			}
			if s.manager.config.Event != nil {
				s.manager.config.Event(s.name, event)
			}
			return true
		}, func(err error) *drivers.TaskEvent { return &drivers.TaskEvent{Err: err} })
	})
	select {
	case <-conn.process.Exited():
	case <-s.idle(ctx, conn):
		rests = true
	case <-ctx.Done():
	}
	cancel()
	group.Wait()
	return rests
}

// follow reads a stream and opens it again when it ends, until the context
// ends. deliver reports whether the message was a good one.
func follow[T any](ctx context.Context, open func(context.Context) (<-chan *T, error),
	deliver func(*T) bool, failed func(error) *T,
) {
	delay := reopenMin
	for {
		stream, err := open(ctx)
		if err != nil && ctx.Err() == nil {
			deliver(failed(err))
		}
		for stream != nil {
			message, ok := <-stream // closed when the context ends
			if !ok || ctx.Err() != nil {
				break
			}
			if deliver(message) {
				delay = reopenMin
			}
		}
		if run.Sleep(ctx, delay) != nil {
			return
		}
		delay = min(2*delay, reopenMax)
	}
}

// fingerprint passes a fingerprint on.
func (s *supervisor) fingerprint(message *drivers.Fingerprint) {
	if s.manager.config.Fingerprint != nil {
		s.manager.config.Fingerprint(s.name, message)
	}
	s.first()
}
