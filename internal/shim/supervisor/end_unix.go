// SPDX-License-Identifier: MPL-2.0

//go:build unix

package supervisor

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/cgroup"
	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// Limits of the work after the end of a task. A process that hangs in the
// kernel cannot be killed; the exit is not held back for it any longer.
const (
	clearLimit  = 5 * time.Second
	drainLimit  = 2 * time.Second
	tellLimit   = time.Second
	killAgain   = time.Second
	clearPause  = 5 * time.Millisecond
	recordPause = time.Second
)

// reap collects every child that has ended and reports whether any is left.
func (s *supervisor) reap() (left bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return false
		case pid == 0:
			return true
		case pid == s.pid && !s.reaped:
			s.reaped, s.status = true, status
		default:
			if session := s.sessions[pid]; session != nil {
				delete(s.sessions, pid)
				session.status <- status
			}
		}
	}
}

// signal sends a signal to the task's process.
func (s *supervisor) signal(sig syscall.Signal) error {
	if s.reaped {
		return unix.ESRCH
	}
	return unix.Kill(s.pid, sig)
}

// stop asks the task to end and sees to it that it does within the grace. A
// later, shorter grace counts; a later, longer one does not.
func (s *supervisor) stop(sig syscall.Signal, grace time.Duration) {
	if s.reaped {
		return
	}
	if sig == 0 || sig == unix.SIGKILL || grace <= 0 {
		s.kill()
		return
	}
	_ = s.signal(sig)
	if at := time.Now().Add(grace); !s.stopping || at.Before(s.killAt) {
		s.stopping, s.killAt = true, at
		s.deadline.Reset(grace)
	}
}

// kill ends the task's process and its group; what else belongs to the task is
// ended by clear once the process is gone.
func (s *supervisor) kill() {
	if s.reaped {
		return
	}
	s.stopping, s.killed = true, true
	_ = unix.Kill(-s.pid, unix.SIGKILL)
	_ = unix.Kill(s.pid, unix.SIGKILL)
	s.killAt = time.Now().Add(killAgain)
	s.deadline.Reset(killAgain)
}

// finish brings everything to an end after the task's process was collected.
func (s *supervisor) finish() {
	s.exit = wire.Exit{At: time.Now().UnixNano()}
	s.exit.Code, s.exit.Signal = codes(s.status)
	s.exit.OOM = !s.killed && s.exit.Signal == int(unix.SIGKILL) && s.oomKills() > s.oomBefore
	s.clear()
	s.output.drain(drainLimit)
	s.exit.LogDropped, s.exit.LogErrno = s.output.dropped()
	err := writeRecord(s.draft, &s.exit)
	close(s.exited)
	s.farewell()
	if err != nil {
		s.linger(err)
	}
}

// clear ends whatever the task left behind.
func (s *supervisor) clear() {
	deadline := time.Now().Add(clearLimit)
	if s.spec.CgroupOwned != "" {
		if err := cgroup.Kill(s.spec.CgroupOwned, deadline); err != nil {
			say("end the processes in " + s.spec.CgroupOwned + ": " + err.Error())
		}
	}
	for s.reap() {
		s.killRest()
		if !time.Now().Before(deadline) {
			say("some processes of the task could not be ended")
			return
		}
		select {
		case <-s.signals:
		case <-time.After(clearPause):
		}
	}
}

// farewell gives those who are connected the time to be told.
func (s *supervisor) farewell() {
	told := make(chan struct{})
	go func() {
		s.closing.Wait()
		close(told)
	}()
	select {
	case <-told:
	case <-time.After(tellLimit):
	}
}

// linger stays for as long as the exit is known to nobody: neither could it be
// written nor was anyone there to be told. If the state directory is gone there
// is no way to find this shim any more, and so nobody who will ask.
func (s *supervisor) linger(err error) {
	say("write the exit record: " + err.Error())
	for err != nil && !errors.Is(err, os.ErrNotExist) {
		select {
		case <-s.delivered:
			return
		case <-time.After(recordPause):
		}
		err = writeRecord(s.draft, &s.exit)
	}
}

func (s *supervisor) oomKills() uint64 {
	if s.spec.CgroupMemory == "" {
		return 0
	}
	n, _ := cgroup.OOMKills(s.spec.CgroupMemory)
	return n
}

// codes returns the exit code and the signal of an end, the code of a signal
// being 128 plus its number.
func codes(status syscall.WaitStatus) (code, signal int) {
	if status.Signaled() {
		return 128 + int(status.Signal()), int(status.Signal())
	}
	return status.ExitStatus(), 0
}

func startTimeOf(pid int) int64 {
	t, _ := proc.StartTime(pid)
	return t
}
