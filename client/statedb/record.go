// SPDX-License-Identifier: MPL-2.0

package statedb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/codec"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Keys: alloc/<id>/alloc, alloc/<id>/status, alloc/<id>/network, alloc/<id>/task/<name>/{state,handle,hooks}, plugin/<name>,
// node/<what>. Neither IDs nor task names have slashes.
const (
	prefixAlloc  = "alloc/"
	prefixPlugin = "plugin/"
	prefixNode   = "node/"
)

// AllocStatus is what the client decided about an allocation and has to remember.
type AllocStatus struct {
	// Health is the verdict of the deployment health watcher, nil before it.
	Health *api.AllocDeploymentStatus
	// Started is when the time of max_run_duration began.
	Started time.Time
	// Expired says that max_run_duration was exceeded.
	Expired bool
	// Abandoned says that the client stops or has stopped it because no server was heard of.
	Abandoned bool
	// Moved says that the data of the previous allocation was taken over.
	Moved bool
	// SetupError is set once preparing the allocation failed for good.
	SetupError string
}

// AllocNetwork is a network namespace that is being made, exists, or existed.
type AllocNetwork struct {
	// Mode is that of the group's network.
	Mode string
	// Driver is the driver that makes the namespace, empty if the client does.
	Driver string
	// Spec and Status are nil before the namespace exists and before it is connected.
	Spec   *drivers.NetworkIsolationSpec
	Status *api.AllocNetworkStatus
	// Released is set once the namespace is gone for good.
	Released bool
}

// TaskHandle is what is needed to find a started task again.
type TaskHandle struct {
	// Pending is the task ID of a start that has been tried and not confirmed.
	Pending string
	// Handle is nil before the first start and after the end.
	Handle *drivers.TaskHandle
	// Network is what the driver said of the task's address.
	Network *drivers.NetworkOverride
	// Exit is how the task ended, from then on until it is decided what follows.
	Exit *TaskExit
}

// TaskExit is drivers.ExitResult as it is stored.
type TaskExit struct {
	Code, Signal int
	OOMKilled    bool
	// Message is the failure of the driver, empty for none.
	Message string
}

// NewTaskExit returns the exit to be stored.
func NewTaskExit(r *drivers.ExitResult) *TaskExit {
	e := &TaskExit{Code: r.ExitCode, Signal: r.Signal, OOMKilled: r.OOMKilled}
	if r.Err != nil {
		e.Message = r.Err.Error()
	}
	return e
}

// Result returns the exit as a driver reports it.
func (e *TaskExit) Result() *drivers.ExitResult {
	r := &drivers.ExitResult{ExitCode: e.Code, Signal: e.Signal, OOMKilled: e.OOMKilled}
	if e.Message != "" {
		r.Err = errors.New(e.Message)
	}
	return r
}

// TaskRecord is all that is kept of one task.
type TaskRecord struct {
	State  *api.TaskState
	Handle TaskHandle
	// Hooks is what each hook wants to know after a restart, by hook name.
	Hooks map[string]string
}

// AllocRecord is all that is kept of one allocation.
type AllocRecord struct {
	Alloc  *api.Allocation
	Status AllocStatus
	// Network is the network namespace of the allocation, nil without one.
	Network *AllocNetwork
	Tasks   map[string]*TaskRecord
}

// PutAlloc stores an allocation as the servers sent it.
func (db *DB) PutAlloc(a *api.Allocation) error { return db.encode(prefixAlloc+a.ID+"/alloc", a) }

// PutAllocStatus stores what the client decided about an allocation.
func (db *DB) PutAllocStatus(id string, s *AllocStatus) error {
	return db.encode(prefixAlloc+id+"/status", s)
}

// PutAllocNetwork stores what there is of the network of an allocation.
func (db *DB) PutAllocNetwork(id string, n *AllocNetwork) error {
	return db.encode(prefixAlloc+id+"/network", n)
}

// DeleteAlloc forgets an allocation.
func (db *DB) DeleteAlloc(id string) { db.drop(prefixAlloc + id + "/") }

// PutTaskState stores the state of a task.
func (db *DB) PutTaskState(alloc, task string, s *api.TaskState) error {
	return db.encode(taskKey(alloc, task, "state"), s)
}

// PutTaskHandle stores how to find a started task again.
func (db *DB) PutTaskHandle(alloc, task string, h *TaskHandle) error {
	return db.encode(taskKey(alloc, task, "handle"), storedHandle(h))
}

// PutTaskHooks stores what the hooks of a task want to know after a restart.
func (db *DB) PutTaskHooks(alloc, task string, hooks map[string]string) error {
	return db.encode(taskKey(alloc, task, "hooks"), hooks)
}

func taskKey(alloc, task, what string) string {
	return prefixAlloc + alloc + "/task/" + task + "/" + what
}

func (db *DB) encode(key string, v any) error {
	data, err := codec.Marshal(v)
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	db.put(key, data)
	return nil
}

// handleForm is TaskHandle with the driver's handle in its own binary form.
type handleForm struct {
	Pending string
	Handle  []byte
	Network *drivers.NetworkOverride
	Exit    *TaskExit
}

func storedHandle(h *TaskHandle) *handleForm {
	f := &handleForm{Pending: h.Pending, Network: h.Network, Exit: h.Exit}
	if h.Handle != nil {
		// The form is that of plain fields, which cannot fail.
		f.Handle, _ = h.Handle.MarshalBinary()
	}
	return f
}

func loadHandle(data []byte, h *TaskHandle) error {
	var f handleForm
	if err := codec.Unmarshal(data, &f); err != nil {
		return err
	}
	h.Pending, h.Network, h.Exit = f.Pending, f.Network, f.Exit
	if len(f.Handle) == 0 {
		return nil
	}
	h.Handle = &drivers.TaskHandle{}
	return h.Handle.UnmarshalBinary(f.Handle)
}

// Allocs returns everything that is kept of all allocations. A value that cannot be decoded is reported
// in err and its allocation left out; the others are returned.
func (db *DB) Allocs() ([]*AllocRecord, error) {
	var out []*AllocRecord
	var errs []error
	var cur *AllocRecord
	id, bad := "", false
	finish := func() {
		if cur != nil && cur.Alloc != nil && !bad {
			out = append(out, cur)
		}
		cur, bad = nil, false
	}
	err := db.each(prefixAlloc, func(key string, value []byte) error {
		parts := strings.Split(strings.TrimPrefix(key, prefixAlloc), "/")
		if parts[0] != id {
			finish()
			id, cur = parts[0], &AllocRecord{Tasks: map[string]*TaskRecord{}}
		}
		if cur == nil {
			return nil
		}
		if err := cur.load(parts[1:], bytes.Clone(value)); err != nil {
			errs = append(errs, fmt.Errorf("stored state %s: %w", key, err))
			bad = true
		}
		return nil
	})
	finish()
	return out, errors.Join(append(errs, err)...)
}

func (r *AllocRecord) load(parts []string, value []byte) error {
	switch {
	case len(parts) == 1 && parts[0] == "alloc":
		r.Alloc = &api.Allocation{}
		return codec.Unmarshal(value, r.Alloc)
	case len(parts) == 1 && parts[0] == "status":
		return codec.Unmarshal(value, &r.Status)
	case len(parts) == 1 && parts[0] == "network":
		r.Network = &AllocNetwork{}
		return codec.Unmarshal(value, r.Network)
	case len(parts) != 3 || parts[0] != "task":
		return nil // of a later version
	}
	t := r.Tasks[parts[1]]
	if t == nil {
		t = &TaskRecord{}
		r.Tasks[parts[1]] = t
	}
	switch parts[2] {
	case "state":
		t.State = &api.TaskState{}
		return codec.Unmarshal(value, t.State)
	case "handle":
		return loadHandle(value, &t.Handle)
	case "hooks":
		return codec.Unmarshal(value, &t.Hooks)
	}
	return nil
}

// GetReattach returns the reattach record of a driver's plugin process, nil when there is none.
func (db *DB) GetReattach(driver string) ([]byte, error) { return db.get(prefixPlugin + driver) }

// PutReattach stores the reattach record of a driver's plugin process and returns when it is on disk.
func (db *DB) PutReattach(driver string, record []byte) error {
	db.put(prefixPlugin+driver, record)
	return db.Sync(context.Background())
}

// DeleteReattach forgets the reattach record of a driver.
func (db *DB) DeleteReattach(driver string) error {
	db.put(prefixPlugin+driver, nil)
	return db.Sync(context.Background())
}

// Node returns a value that concerns the node as a whole, nil when there is none.
func (db *DB) Node(what string) ([]byte, error) { return db.get(prefixNode + what) }

// PutNode stores a value that concerns the node as a whole; nil forgets it.
func (db *DB) PutNode(what string, value []byte) { db.put(prefixNode+what, value) }

func (db *DB) get(key string) ([]byte, error) {
	var out []byte
	err := db.each(key, func(k string, value []byte) error {
		if k == key {
			out = bytes.Clone(value)
		}
		return nil
	})
	return out, err
}
