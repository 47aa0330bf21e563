// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// Attach takes hold of a task that this or another process started. It succeeds
// for a task that has ended meanwhile: the handle then knows how, or reports
// ErrLost if nobody wrote it down. The error is ErrNotFound if nothing of the
// task is left, or the machine was started anew since.
func Attach(ctx context.Context, state State) (*Handle, error) {
	h := &Handle{state: state, dir: -1, done: make(chan struct{})}
	if state.Version > wire.Version {
		return nil, fmt.Errorf("the task was started by a newer version: its shim speaks version %d, this is %d",
			state.Version, wire.Version)
	}
	dir, err := openState(state.Place)
	if errors.Is(err, fs.ErrNotExist) {
		h.killRest()
		return nil, fmt.Errorf("%w: %s is gone", ErrNotFound, state.Place)
	}
	if err != nil {
		h.killRest()
		return nil, err
	}
	h.dir = dir
	if record, err := readRecord(dir); err == nil {
		h.settle(exitOf(record))
		return h, nil
	}
	if state.BootID != proc.BootID() {
		h.Close()
		return nil, fmt.Errorf("%w: the machine was started anew", ErrNotFound)
	}
	if !h.shimAlive() {
		// It may have written the record since.
		if record, err := readRecord(dir); err == nil {
			h.settle(exitOf(record))
		} else {
			h.settle(h.lost())
		}
		return h, nil
	}
	if err := h.greet(ctx); ctx.Err() != nil {
		h.Close()
		return nil, ctx.Err()
	} else if err != nil {
		// Somebody took the socket away, so the task is out of control: it is
		// better ended than left to run beside its replacement.
		h.killShim()
	}
	go h.watch()
	return h, nil
}

// Reclaim ends whatever an earlier attempt to start a task in a place has left
// there, so that Start can use it. It is for a driver that died between starting
// a task and telling anybody about it.
func Reclaim(ctx context.Context, place Place) error {
	dir, err := openState(place)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	h := &Handle{state: State{Place: place, BootID: proc.BootID()}, dir: dir, done: make(chan struct{})}
	info, err := h.info(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, ErrExited):
		// Nobody listens, so nobody is there.
		removeState(place, dir)
		h.Close()
		return nil
	case err != nil:
		h.Close()
		return fmt.Errorf("end an earlier start of the task: %w", err)
	}
	h.state.Version = info.Version
	h.state.PID, h.state.StartTime = info.PID, info.StartTime
	h.state.ShimPID, h.state.ShimStartTime = info.ShimPID, info.ShimStartTime
	go h.watch()
	return h.Destroy(ctx, true)
}

// greet makes sure that it is the right shim that answers.
func (h *Handle) greet(ctx context.Context) error {
	info, err := h.info(ctx)
	if errors.Is(err, ErrExited) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.ShimPID != h.state.ShimPID || info.ShimStartTime != h.state.ShimStartTime {
		return fmt.Errorf("another shim answers: process %d", info.ShimPID)
	}
	return nil
}
