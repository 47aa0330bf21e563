// SPDX-License-Identifier: MPL-2.0

package shim

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// collectorPoll is how often a collector is looked at where the kernel cannot tell of its end.
const collectorPoll = time.Second

// CollectSpec says what a collector stores where.
type CollectSpec struct {
	wire.Collect
	// Name is for the list of processes.
	Name string
	// Dir is the directory of the log files.
	Dir *os.File
	// Pipes are standard output and errors: of each the end to read and one to write.
	Pipes [2][2]*os.File
	// Messages is where the collector says what goes wrong; nil for nowhere.
	Messages *os.File
}

// Collector is a process that stores what is written into two named pipes, and outlives the one that started it.
type Collector struct {
	pid   int
	since int64
	done  chan struct{}
}

// StartCollector starts a collector. The caller may close the files of the specification.
func StartCollector(spec *CollectSpec) (*Collector, error) {
	prog, err := theProgram()
	if err != nil {
		return nil, err
	}
	env := prog.env
	if env == nil {
		env = os.Environ()
	}
	ready, told, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the collector of logs: %w", err)
	}
	defer ready.Close()
	defer told.Close()
	cmd := &exec.Cmd{
		Path:        prog.path,
		Args:        append(slices.Clip(prog.args), spec.Name),
		Env:         append(slices.Clip(env), wire.CollectVariable+"="+spec.Encode()),
		Dir:         "/",
		ExtraFiles:  []*os.File{spec.Dir, spec.Pipes[0][0], spec.Pipes[0][1], spec.Pipes[1][0], spec.Pipes[1][1], told},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if spec.Messages != nil {
		cmd.Stdout, cmd.Stderr = spec.Messages, spec.Messages
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the collector of logs: %w", err)
	}
	c := &Collector{pid: cmd.Process.Pid, done: make(chan struct{})}
	c.since, _ = proc.StartTime(c.pid) // a child that has ended is still there
	go func() {
		defer close(c.done)
		_ = cmd.Wait()
	}()
	_ = told.Close()
	_ = ready.SetReadDeadline(time.Now().Add(startLimit))
	if _, err := io.ReadFull(ready, make([]byte, 1)); err != nil {
		_ = cmd.Process.Kill()
		return nil, fmt.Errorf("start the collector of logs: %w", err)
	}
	return c, nil
}

// Record is what FindCollector needs.
func (c *Collector) Record() string {
	return strings.Join([]string{strconv.Itoa(c.pid), strconv.FormatInt(c.since, 10), proc.BootID()}, " ")
}

// FindCollector returns the collector that an earlier process has started, nil if it has ended.
func FindCollector(record string) *Collector {
	parts := strings.Split(record, " ")
	if len(parts) != 3 || parts[2] != proc.BootID() {
		return nil
	}
	pid, pidErr := strconv.Atoi(parts[0])
	since, sinceErr := strconv.ParseInt(parts[1], 10, 64)
	if pidErr != nil || sinceErr != nil {
		return nil
	}
	c := &Collector{pid: pid, since: since, done: make(chan struct{})}
	if !c.alive() {
		return nil
	}
	go c.watch()
	return c
}

func (c *Collector) alive() bool {
	st, err := proc.Get(c.pid)
	return err == nil && st.StartTime == c.since && !st.Zombie
}

// watch waits for the end of a process that is no child.
func (c *Collector) watch() {
	defer close(c.done)
	if fd, err := unix.PidfdOpen(c.pid, unix.PIDFD_NONBLOCK); err == nil {
		f := os.NewFile(uintptr(fd), "collector")
		defer f.Close()
		if raw, err := f.SyscallConn(); err == nil && c.alive() {
			err = raw.Read(func(fd uintptr) bool {
				n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
				return n > 0 || err != nil && err != unix.EINTR
			})
			if err == nil {
				return
			}
		}
	}
	ticker := time.NewTicker(collectorPoll)
	defer ticker.Stop()
	for c.alive() {
		<-ticker.C
	}
}

// Done is closed when the collector has ended.
func (c *Collector) Done() <-chan struct{} { return c.done }

// Stop lets the collector store what is still in the pipes, and returns when it has ended; one that does not within the
// limit is killed.
func (c *Collector) Stop(limit time.Duration) {
	c.signal(unix.SIGTERM)
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-c.done:
	case <-t.C:
		c.signal(unix.SIGKILL)
		<-c.done
	}
}

func (c *Collector) signal(sig unix.Signal) {
	select {
	case <-c.done:
	default:
		if c.alive() {
			_ = unix.Kill(c.pid, sig)
		}
	}
}
