// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// eventBacklog is how many events wait for a host that is slow to take them.
const eventBacklog = 64

// events tells hosts what happens around tasks. Events without a listener are
// lost: they are news, not state.
type events struct {
	mu        sync.Mutex
	listeners map[chan *drivers.TaskEvent]bool
}

func newEvents() *events { return &events{listeners: map[chan *drivers.TaskEvent]bool{}} }

// emit tells something about a task.
func (e *events) emit(config *drivers.TaskConfig, message string, annotations map[string]string) {
	event := &drivers.TaskEvent{
		TaskID: config.ID, TaskName: config.Name, AllocID: config.AllocID, Timestamp: time.Now(),
		Message: message, Annotations: annotations,
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for listener := range e.listeners {
		select {
		case listener <- event:
		default:
		}
	}
}

// TaskEvents implements drivers.Driver.
func (d *Driver) TaskEvents(ctx context.Context) (<-chan *drivers.TaskEvent, error) {
	e := d.events
	in := make(chan *drivers.TaskEvent, eventBacklog)
	e.mu.Lock()
	e.listeners[in] = true
	e.mu.Unlock()
	out := make(chan *drivers.TaskEvent)
	go func() {
		defer close(out)
		defer func() {
			e.mu.Lock()
			delete(e.listeners, in)
			e.mu.Unlock()
		}()
		for {
			select {
			case event := <-in:
				select {
				case out <- event:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}
