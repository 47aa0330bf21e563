// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"context"
	"sync"
	"time"
)

// eventBacklog is how many events wait for a host that is slow to take them.
const eventBacklog = 64

// Events is embedded by drivers with task events: it tells hosts what happens
// around tasks. Events without a listener are lost: they are news, not state.
// The zero value is ready.
type Events struct {
	mu        sync.Mutex
	listeners map[chan *TaskEvent]bool
}

// Emit tells something about a task.
func (e *Events) Emit(config *TaskConfig, message string, annotations map[string]string) {
	event := &TaskEvent{
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

// TaskEvents implements Driver.
func (e *Events) TaskEvents(ctx context.Context) (<-chan *TaskEvent, error) {
	in := make(chan *TaskEvent, eventBacklog)
	e.mu.Lock()
	if e.listeners == nil {
		e.listeners = map[chan *TaskEvent]bool{}
	}
	e.listeners[in] = true
	e.mu.Unlock()
	out := make(chan *TaskEvent)
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
