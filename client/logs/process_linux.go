// SPDX-License-Identifier: MPL-2.0

package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/internal/shim/rotate"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// stopWait is how long a process that collects may take to end, its own wait for writers included.
const stopWait = drainWait + 5*time.Second

// messagesFile is where it says what goes wrong, in the directory of the task.
const messagesFile = "executor.out"

// process is the collection by a process that goes on without this one.
type process struct {
	*shim.Collector
	stopping chan struct{}
	stopOnce sync.Once
}

// End ends what the record tells of, with what is still in the pipes stored. It is no error if there is nothing left.
func End(record string) {
	if earlier := shim.FindCollector(record); earlier != nil {
		earlier.Stop(stopWait)
	}
}

// startProcess finds the process of an earlier agent again, for a task that runs, or starts one.
func (c *Collector) startProcess() error {
	earlier := shim.FindCollector(c.cfg.Earlier)
	if earlier != nil && !c.cfg.Running {
		earlier.Stop(stopWait) // its files may not be the ones that are wanted now
		earlier = nil
	}
	if earlier == nil {
		var err error
		if earlier, err = c.launch(); err != nil {
			return err
		}
	}
	c.process = &process{Collector: earlier, stopping: make(chan struct{})}
	c.Record = earlier.Record()
	go c.replace(c.process)
	return nil
}

// launch opens the pipes and hands them over.
func (c *Collector) launch() (*shim.Collector, error) {
	spec := &shim.CollectSpec{
		Name: "logs of " + filepath.Base(c.cfg.AllocDir) + "/" + c.cfg.Task,
		Collect: wire.Collect{
			StdoutPrefix: c.cfg.Task + ".stdout", StderrPrefix: c.cfg.Task + ".stderr",
			MaxFiles: c.cfg.MaxFiles, MaxFileSize: int64(c.cfg.MaxFileSizeMB) << 20,
		},
	}
	dir, err := rotate.OpenDir(c.cfg.AllocDir, dirNames...)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var opened []*os.File
	defer func() {
		for _, f := range opened {
			_ = f.Close()
		}
	}()
	fd, err := unix.FcntlInt(uintptr(dir.FD()), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("open the log directory: %w", err)
	}
	spec.Dir = os.NewFile(uintptr(fd), "logs")
	opened = append(opened, spec.Dir)
	for i, path := range []string{c.Stdout, c.Stderr} {
		name := filepath.Base(path)
		if err := makePipe(dir.FD(), path, name, c.cfg.Running); err != nil {
			return nil, fmt.Errorf("make pipe: %w", err)
		}
		for end, flag := range []int{unix.O_RDONLY, unix.O_WRONLY} {
			f, err := openEnd(dir.FD(), name, flag)
			if err != nil {
				return nil, fmt.Errorf("open pipe: %w", err)
			}
			spec.Pipes[i][end] = f
			opened = append(opened, f)
		}
	}
	if own, err := rotate.OpenDir(c.cfg.AllocDir, c.cfg.Task); err == nil {
		if spec.Messages, err = own.OpenAppend(messagesFile); err == nil {
			opened = append(opened, spec.Messages)
		}
		_ = own.Close()
	}
	return shim.StartCollector(spec)
}

// replace takes over from a process that has ended although nobody wanted it to.
func (c *Collector) replace(p *process) {
	select {
	case <-p.stopping:
		return
	case <-p.Done():
	}
	select {
	case <-p.stopping:
		return
	default:
	}
	c.cfg.Logger.Warn("process that collects the output of the task has ended, the agent goes on with that")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.stopped {
		return
	}
	c.cfg.Running = true // perhaps, and with the pipes that there are
	if err := c.openStreams(); err != nil {
		c.cfg.Logger.Error("output of the task is not collected any more", "error", err)
	}
}

// stop ends the process.
func (p *process) stop() {
	p.stopOnce.Do(func() {
		close(p.stopping)
		p.Stop(stopWait)
	})
}
