// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
	"time"

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
	conn, err := h.greet(ctx)
	if ctx.Err() != nil {
		if conn != nil {
			_ = conn.Close()
		}
		h.Close()
		return nil, ctx.Err()
	}
	if err != nil {
		// Somebody took the socket away, so the task is out of control: it is
		// better ended than left to run beside its replacement.
		h.killShim()
	}
	go h.watch(conn)
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
	limit := time.Now().Add(departLimit)
	for pause := time.Millisecond; hungUp(err) && ctx.Err() == nil && time.Now().Before(limit); pause *= 2 {
		// It is about to leave: soon nobody listens.
		time.Sleep(min(pause, watchPause))
		info, err = h.info(ctx)
	}
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
	go h.watch(nil)
	return h.Destroy(ctx, true)
}

// hungUp reports whether a connection ended before the answer came.
func hungUp(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// greet makes sure that the shim is the one that is known, and asks it to tell
// the exit, on one connection: each wakes a shim up, and there may be thousands.
// The exit is still to be read from it. There is no connection if the task has
// ended.
func (h *Handle) greet(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	conn, err := h.dial(ctx)
	if err == nil {
		stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
		err = h.meet(conn)
		if !stop() {
			err = ctx.Err()
		}
		if err == nil {
			return conn, nil
		}
		_ = conn.Close()
	}
	if err = h.explain(err); errors.Is(err, ErrExited) {
		err = nil
	}
	return nil, err
}

func (h *Handle) meet(conn net.Conn) error {
	if _, err := conn.Write(wire.AppendFrame(wire.AppendFrame(nil, wire.KindInfo, nil), wire.KindWait, nil)); err != nil {
		return err
	}
	kind, body, err := wire.ReadFrame(conn)
	switch {
	case err != nil:
		return err
	case kind == wire.KindDone:
		return cmp.Or(doneError(body), errNoInfo)
	case kind != wire.KindInfoReply:
		return errNoInfo
	}
	info, err := wire.DecodeInfo(body)
	if err != nil {
		return err
	}
	if info.ShimPID != h.state.ShimPID || info.ShimStartTime != h.state.ShimStartTime {
		return fmt.Errorf("another shim answers: process %d", info.ShimPID)
	}
	return nil
}

// errNoInfo says that a shim does not say who it is.
var errNoInfo = errors.New("the shim does not answer the question who it is")
