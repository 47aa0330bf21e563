// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nomadlike/nomadlike/internal/codec"
)

// TaskState is how far a task has come.
type TaskState string

// The states of a task as drivers see them.
const (
	TaskStateUnknown TaskState = "unknown"
	TaskStateRunning TaskState = "running"
	TaskStateExited  TaskState = "exited"
)

// TaskHandle is what a driver needs to find a task again. The agent persists
// it, the raw driver config included, and gives it back to RecoverTask.
type TaskHandle struct {
	// Version is that of DriverState, chosen by the driver. Zero is reserved
	// for the state of very old agents.
	Version int

	Config *TaskConfig
	State  TaskState

	// DriverState is opaque to the agent.
	DriverState []byte
}

// NewTaskHandle returns the handle of a running task, with driver state made
// from a struct with codec tags.
func NewTaskHandle(version int, config *TaskConfig, state any) (*TaskHandle, error) {
	handle := &TaskHandle{Version: version, Config: config, State: TaskStateRunning}
	if err := handle.SetDriverState(state); err != nil {
		return nil, err
	}
	return handle, nil
}

// SetDriverState encodes a struct with codec tags as the driver's state.
func (h *TaskHandle) SetDriverState(state any) error {
	data, err := codec.Marshal(state)
	if err != nil {
		return fmt.Errorf("encode driver state: %w", err)
	}
	h.DriverState = data
	return nil
}

// GetDriverState decodes what SetDriverState encoded.
func (h *TaskHandle) GetDriverState(into any) error {
	if err := codec.Unmarshal(h.DriverState, into); err != nil {
		return fmt.Errorf("decode driver state: %w", err)
	}
	return nil
}

// Recover decodes the driver's state of a task that is to be found again; state
// is a pointer to a struct with codec tags. It fails for handles without a task
// and for those of another version of the state.
func (h *TaskHandle) Recover(version int, state any) error {
	if h == nil || h.Config == nil {
		return errors.New("recover task: the handle is empty")
	}
	if h.Version != version {
		return fmt.Errorf("recover task: the handle has version %d, want %d", h.Version, version)
	}
	if err := h.GetDriverState(state); err != nil {
		return fmt.Errorf("recover task: %w", err)
	}
	return nil
}

// Copy returns a deep copy.
func (h *TaskHandle) Copy() *TaskHandle {
	if h == nil {
		return nil
	}
	dup := *h
	dup.Config = h.Config.Copy()
	dup.DriverState = bytes.Clone(h.DriverState)
	return &dup
}

// plainHandle has the fields of TaskHandle without its methods, so that the
// binary form below does not call itself.
type plainHandle TaskHandle

// MarshalBinary encodes the handle for the agent's own store. The form is
// msgpack and tolerates fields that come and go.
func (h *TaskHandle) MarshalBinary() ([]byte, error) {
	data, err := codec.Marshal((*plainHandle)(h))
	if err != nil {
		return nil, fmt.Errorf("encode task handle: %w", err)
	}
	return data, nil
}

// UnmarshalBinary decodes what MarshalBinary encoded, of agents before it was
// msgpack too: theirs is JSON.
func (h *TaskHandle) UnmarshalBinary(data []byte) error {
	unmarshal := codec.Unmarshal
	if bytes.HasPrefix(data, []byte("{")) {
		unmarshal = json.Unmarshal
	}
	var decoded plainHandle
	if err := unmarshal(data, &decoded); err != nil {
		return fmt.Errorf("decode task handle: %w", err)
	}
	if decoded.Config == nil {
		return errors.New("decode task handle: it has no task config")
	}
	*h = TaskHandle(decoded)
	return nil
}
