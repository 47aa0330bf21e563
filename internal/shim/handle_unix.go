// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/cgroup"
	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// Limits of waiting for a shim that does not do what it is told to.
const (
	answerLimit = 10 * time.Second
	stopSlack   = 15 * time.Second
	clearLimit  = 5 * time.Second
	departLimit = 3 * time.Second
	watchPause  = 100 * time.Millisecond
)

// Handle is a hold on a task. Its methods may be called concurrently. It must be
// released with Close, which leaves the task alone, or Destroy, which does not.
type Handle struct {
	state    State
	warnings []string
	// dir is the open state directory.
	dir int

	closing sync.Once
	// done is closed once exit is known; closed is true if it never will be.
	done chan struct{}
	exit Exit

	mu struct {
		sync.Mutex
		// conn is the connection that waits for the exit.
		conn   net.Conn
		closed bool
	}
}

// State returns what Attach needs.
func (h *Handle) State() State { return h.state }

// PID is the process number of the task.
func (h *Handle) PID() int { return h.state.PID }

// StartedAt is when the task started.
func (h *Handle) StartedAt() time.Time { return time.Unix(0, h.state.StartedAt) }

// Warnings are things that the start did without.
func (h *Handle) Warnings() []string { return h.warnings }

// Done is closed when the task has ended.
func (h *Handle) Done() <-chan struct{} { return h.done }

// Exited reports how the task ended, if it has.
func (h *Handle) Exited() (Exit, bool) {
	select {
	case <-h.done:
		return h.exit, true
	default:
		return Exit{}, false
	}
}

// Wait returns how the task ended, once it has. Ending the context ends the
// call, not the task.
func (h *Handle) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-h.done:
		return h.exit, nil
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

// Signal sends a signal to the task's process.
func (h *Handle) Signal(ctx context.Context, sig syscall.Signal) error {
	if _, exited := h.Exited(); exited {
		return ErrExited
	}
	body := (&wire.Signal{Number: int(sig)}).Encode()
	if err := h.request(ctx, wire.KindSignal, body); err != nil {
		return fmt.Errorf("signal the task: %w", err)
	}
	return nil
}

// Stop sends the signal, waits for the task to end, and kills it and everything
// it started after the grace; a grace of 0 kills at once. It returns when the
// task has ended or the context has.
func (h *Handle) Stop(ctx context.Context, sig syscall.Signal, grace time.Duration) error {
	body := (&wire.Signal{Number: int(sig), Grace: int64(grace)}).Encode()
	if err := h.request(ctx, wire.KindStop, body); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// A shim that does not answer has either ended, which watch finds
		// out, or hangs; then there is no reason to wait for the grace.
		grace = 0
	}
	limit := time.NewTimer(max(grace, 0) + stopSlack)
	defer limit.Stop()
	select {
	case <-h.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
	}
	h.killShim()
	select {
	case <-h.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(stopSlack):
		return errors.New("the task cannot be killed; a process hangs in the kernel")
	}
}

// Destroy ends the task if force is set, and removes what is left of it.
// Without force a running task is ErrRunning.
func (h *Handle) Destroy(ctx context.Context, force bool) error {
	if _, exited := h.Exited(); !exited {
		if !force {
			return ErrRunning
		}
		if err := h.Stop(ctx, unix.SIGKILL, 0); err != nil {
			return err
		}
	}
	if owned := h.state.Cgroup.Owned; owned != "" {
		if err := cgroup.Kill(owned, time.Now().Add(clearLimit)); err != nil {
			return fmt.Errorf("end what is left of the task in %s: %w", owned, err)
		}
	}
	h.closing.Do(func() {
		h.disconnect()
		h.awaitDeparture()
		h.removeGroups()
		removeState(h.state.Place, h.dir)
		_ = unix.Close(h.dir)
	})
	return nil
}

// removeGroups removes the control groups of the task. Processes that are not
// collected yet hold on to them for a moment.
func (h *Handle) removeGroups() {
	limit := time.Now().Add(departLimit)
	for _, dir := range h.state.Cgroup.Remove {
		for pause := time.Millisecond; errors.Is(unix.Rmdir(dir), unix.EBUSY) && time.Now().Before(limit); pause *= 2 {
			time.Sleep(min(pause, watchPause))
		}
	}
}

// awaitDeparture waits until the shim has left its directory, which may be on a
// file system that the caller is about to unmount. It has nothing left to do.
func (h *Handle) awaitDeparture() {
	limit := time.Now().Add(departLimit)
	for pause := time.Millisecond; h.shimAlive() && time.Now().Before(limit); pause *= 2 {
		time.Sleep(min(pause, watchPause))
	}
}

// Close lets go of the task, which goes on.
func (h *Handle) Close() {
	h.closing.Do(func() {
		h.disconnect()
		_ = unix.Close(h.dir)
	})
}

// watch waits for the exit and settles it.
func (h *Handle) watch(conn net.Conn) {
	for {
		exit, err := h.awaitExit(conn)
		conn = nil
		if err == nil {
			h.settle(exit)
			return
		}
		if h.isClosed() {
			return
		}
		// Whether the shim is alive has to be known before the record is
		// looked for: it writes the record before it leaves.
		alive := h.shimAlive()
		if record, err := readRecord(h.dir); err == nil {
			h.settle(exitOf(record))
			return
		}
		if !alive {
			h.settle(h.lost())
			return
		}
		time.Sleep(watchPause)
	}
}

// awaitExit waits for the shim to tell the exit, on a connection on which it has
// been asked to, or a new one.
func (h *Handle) awaitExit(conn net.Conn) (Exit, error) {
	asked := conn != nil
	if !asked {
		var err error
		if conn, err = h.connect(net.Dial); err != nil {
			return Exit{}, err
		}
	}
	defer conn.Close()
	if !h.keep(conn) {
		return Exit{}, net.ErrClosed
	}
	if !asked {
		if err := wire.WriteFrame(conn, wire.KindWait, nil); err != nil {
			return Exit{}, err
		}
	}
	kind, body, err := wire.ReadFrame(conn)
	if err != nil {
		return Exit{}, err
	}
	if kind != wire.KindExited {
		return Exit{}, fmt.Errorf("unexpected frame of kind %d", kind)
	}
	record, err := wire.ParseRecord(body)
	if err != nil {
		return Exit{}, err
	}
	return exitOf(record), nil
}

// keep remembers the waiting connection so that Close can end it.
func (h *Handle) keep(conn net.Conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.conn = conn
	return !h.mu.closed
}

func (h *Handle) disconnect() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.closed = true
	if h.mu.conn != nil {
		_ = h.mu.conn.Close()
	}
}

func (h *Handle) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mu.closed
}

func (h *Handle) settle(exit Exit) {
	h.exit = exit
	close(h.done)
}

func exitOf(record *wire.Exit) Exit {
	exit := Exit{
		Code:       record.Code,
		Signal:     record.Signal,
		OOMKilled:  record.OOM,
		At:         time.Unix(0, record.At),
		LogDropped: record.LogDropped,
	}
	if record.LogErrno != 0 {
		exit.LogErr = syscall.Errno(record.LogErrno)
	}
	return exit
}

// lost ends what a shim that was killed may have left and says how that counts:
// the kernel kills the task's process along with its shim.
func (h *Handle) lost() Exit {
	h.killRest()
	return Exit{Code: 128 + int(unix.SIGKILL), Signal: int(unix.SIGKILL), At: time.Now(), Err: ErrLost}
}

// killShim kills a shim that hangs, and by that its task.
func (h *Handle) killShim() {
	if h.shimAlive() {
		_ = unix.Kill(h.state.ShimPID, unix.SIGKILL)
	}
	h.killRest()
}

// killRest ends the processes of a task that has no shim any more.
func (h *Handle) killRest() {
	if h.state.BootID != proc.BootID() {
		return
	}
	if owned := h.state.Cgroup.Owned; owned != "" {
		_ = cgroup.Kill(owned, time.Now().Add(clearLimit))
	}
	if same(h.state.PID, h.state.StartTime) {
		_ = unix.Kill(-h.state.PID, unix.SIGKILL)
		_ = unix.Kill(h.state.PID, unix.SIGKILL)
	}
	killOrphans(&h.state, time.Now().Add(clearLimit))
}

func (h *Handle) shimAlive() bool {
	return h.state.BootID == proc.BootID() && same(h.state.ShimPID, h.state.ShimStartTime)
}

// same reports whether a process is still the one that was started then.
func same(pid int, startTime int64) bool {
	now, err := proc.StartTime(pid)
	if err == nil {
		return now == startTime
	}
	// Where start times are not known, the number has to do.
	return errors.Is(err, errors.ErrUnsupported) && unix.Kill(pid, 0) == nil
}
