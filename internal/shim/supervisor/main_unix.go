// SPDX-License-Identifier: MPL-2.0

//go:build unix

package supervisor

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/pages"
	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// trimAfter is how long after its start, and after much output, the shim gives memory back.
const trimAfter = time.Second

// supervisor is the state of the shim. Only the owner, the goroutine that runs
// main, touches it; others use do.
type supervisor struct {
	spec    *wire.Spec
	self    int
	since   int64
	program launcher

	pid       int
	startTime int64
	at        time.Time
	reaped    bool
	status    syscall.WaitStatus
	oomBefore uint64

	// stopping is true once the task is to end, and killAt then says when it
	// will be killed; killed says that it was.
	stopping bool
	killed   bool
	killAt   time.Time
	deadline *time.Timer
	sessions map[int]*session

	listener *os.File
	output   *output
	draft    *os.File

	signals  chan os.Signal
	requests chan func()
	// exited is closed when exit is final.
	exited chan struct{}
	exit   wire.Exit
	// delivered gets a value for each connection that was told the exit.
	delivered chan struct{}
	// closing counts goroutines that still have something to tell a client.
	// Only the owner adds to it.
	closing sync.WaitGroup
}

// Main runs the shim in a process that was started for it, and ends it.
func Main() {
	if os.Getenv(insideVariable) != "" {
		inside()
	}
	if text := os.Getenv(wire.CollectVariable); text != "" {
		collectLogs(text)
	}
	spec, err := readSpec()
	if err != nil {
		fail(wire.StageSetup, "read the task specification", err)
	}
	s := &supervisor{
		spec:      spec,
		self:      os.Getpid(),
		deadline:  time.NewTimer(time.Hour),
		sessions:  make(map[int]*session),
		signals:   make(chan os.Signal, 8),
		requests:  make(chan func()),
		exited:    make(chan struct{}),
		delivered: make(chan struct{}, 16),
	}
	s.deadline.Stop()
	s.since, _ = proc.StartTime(s.self)
	s.prepare()
	s.launch()
	s.supervise()
	s.finish()
	os.Exit(0)
}

// readSpec reads the specification.
func readSpec() (*wire.Spec, error) {
	in := os.NewFile(wire.FDSpec, "spec")
	b, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	_ = in.Close()
	spec, err := wire.DecodeSpec(b)
	if err != nil {
		return nil, err
	}
	mine := map[int]bool{
		wire.FDReport:   true,
		wire.FDState:    true,
		wire.FDLogs:     spec.Logs != wire.LogDiscard,
		wire.FDLogs + 1: spec.Logs == wire.LogCopy,
	}
	if spec.Root != nil {
		for n := range spec.Root.Dirs {
			mine[wire.FDRoot+n] = true
		}
	}
	keepOnly(mine)
	return spec, nil
}

// keepOnly keeps the given descriptors from the task, and closes those that the
// agent inherited from whoever started it and passed on without knowing. They
// are the ones that are not closed on execution: the runtime's own are.
func keepOnly(mine map[int]bool) {
	fds, err := sysfs.Numbers("/dev/fd")
	if err != nil {
		for fd := 3; fd < 256; fd++ {
			fds = append(fds, fd)
		}
	}
	for _, fd := range fds {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		switch {
		case fd < 3 || err != nil || flags&unix.FD_CLOEXEC != 0:
		case mine[fd]:
			unix.CloseOnExec(fd)
		default:
			_ = unix.Close(fd)
		}
	}
}

// prepare does all that can fail before there is a task.
func (s *supervisor) prepare() {
	if err := unix.Fchdir(wire.FDState); err != nil {
		fail(wire.StageSetup, "enter the state directory", err)
	}
	_ = unix.Close(wire.FDState)
	signal.Notify(s.signals, unix.SIGCHLD, unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	adoptOrphans()
	var err error
	if s.listener, err = listen(); err != nil {
		fail(wire.StageSetup, "open the control socket", err)
	}
	if s.draft, err = reserveRecord(); err != nil {
		fail(wire.StageSetup, "reserve room for the exit record", err)
	}
	if s.output, err = newOutput(s.spec); err != nil {
		fail(wire.StageSetup, "open the task output", err)
	}
}

// launch starts the task and reports, once, how that went.
func (s *supervisor) launch() {
	report := wire.Started{Version: wire.Version, ShimStartTime: s.since}
	report.Warnings = s.output.warnings
	s.program = launcher{spec: s.spec}
	if err := s.program.joinNetwork(); err != nil {
		fail(wire.StageSetup, "join the network namespace "+s.spec.NetNS, err)
	}
	s.oomBefore = s.oomKills()
	s.at = time.Now()
	pid, warnings, err := s.program.start(&command{
		path: s.spec.Path,
		args: s.spec.Args,
		env:  s.spec.Env,
		fds:  s.output.taskFDs(),
	})
	report.Warnings = append(report.Warnings, warnings...)
	if s.spec.Root != nil {
		// They would keep the mounts behind them busy.
		for n := range s.spec.Root.Dirs {
			_ = unix.Close(wire.FDRoot + n)
		}
	}
	if err != nil {
		if setup, ok := errors.AsType[*setupError](err); ok {
			fail(wire.StageSetup, setup.what, setup.err)
		}
		fail(wire.StageExec, "execute "+s.spec.Path, err)
	}
	s.pid = pid
	// A task that has ended already is still there until it is collected.
	s.startTime = startTimeOf(pid)
	s.output.start()
	report.PID, report.StartTime, report.At = pid, s.startTime, s.at.UnixNano()
	if err := send(&report); err != nil {
		// The driver has gone and never heard of this task: nobody would
		// ever stop it.
		s.kill()
	}
	go s.accept()
}

// supervise serves until the task has ended.
func (s *supervisor) supervise() {
	trim := time.NewTimer(trimAfter)
	for !s.reaped {
		select {
		case sig := <-s.signals:
			switch sig {
			case unix.SIGCHLD:
				s.reap()
			case unix.SIGTERM, unix.SIGINT:
				s.stop(syscall.Signal(s.spec.StopSignal), time.Duration(s.spec.StopGrace))
			}
		case f := <-s.requests:
			f()
		case <-s.deadline.C:
			s.kill()
		case <-trim.C:
			pages.SmallHeap()
			pages.GiveBack()
		case <-s.output.much:
			trim.Reset(trimAfter)
		}
	}
}

// do runs f as the owner. It reports whether f ran; it does not once the shim
// is about to leave.
func (s *supervisor) do(f func()) bool {
	ran := make(chan struct{})
	select {
	case s.requests <- func() { f(); close(ran) }:
		<-ran
		return true
	case <-s.exited:
		return false
	}
}

// send reports to the driver and closes the way to it.
func send(report *wire.Started) error {
	out := os.NewFile(wire.FDReport, "report")
	_, err := out.Write(report.Encode())
	return errors.Join(err, out.Close())
}

// fail reports that there is no task and ends the shim.
func fail(stage wire.Stage, what string, err error) {
	report := wire.Started{Version: wire.Version, Stage: stage, Error: what + ": " + err.Error()}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		report.Errno = int(errno)
	}
	_ = send(&report)
	os.Exit(1)
}

// say writes a line to the shim's own log.
func say(what string) {
	_, _ = os.Stderr.WriteString(time.Now().UTC().Format(time.RFC3339) + " shim: " + what + "\n")
}
