// SPDX-License-Identifier: MPL-2.0

package logs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/shim/logspec"
	"github.com/nomadlike/nomadlike/internal/shim/rotate"
)

// drainWait is how long Stop waits for writers that a task left behind.
const drainWait = 2 * time.Second

// dirNames lead from the directory of an allocation to that of its logs.
var dirNames = []string{"alloc", "logs"}

// Config says whose output is collected, and how.
type Config struct {
	// AllocDir is the directory of the allocation.
	AllocDir string
	Task     string
	MaxFiles int
	// MaxFileSizeMB is in MiB.
	MaxFileSizeMB int
	// Disabled throws the output away.
	Disabled bool
	// Running says that the task runs, for which everything was prepared at its start.
	Running bool
	// Outlive has a process collect that goes on without this one: for drivers that hand the pipes to their tasks, which
	// would be killed if nobody read them. Where the system cannot do that, this process collects.
	Outlive bool
	// Earlier is the Record of the collector that an earlier agent has started for the task, empty for none. It goes on
	// if the task runs, and ends otherwise.
	Earlier string
	Logger  hclog.Logger
}

// Collector collects the output of one task.
type Collector struct {
	cfg Config
	// process collects; nil if this process does.
	process *process

	mu struct {
		sync.Mutex
		pipes   []*pipe
		stopped bool
	}

	// Stdout and Stderr are what the driver is told to write to.
	Stdout, Stderr string
	// Record is how a later agent finds the process that collects; empty if there is none.
	Record string
}

// Start prepares the collection of a task's output. It goes on with what an earlier collector of the
// same task left.
func Start(cfg Config) (*Collector, error) {
	c := &Collector{cfg: cfg, Stdout: os.DevNull, Stderr: os.DevNull}
	if cfg.Disabled || !cfg.Outlive {
		End(cfg.Earlier)
	}
	if !cfg.Running {
		note := logspec.Spec{
			StdoutPrefix: cfg.Task + ".stdout", StderrPrefix: cfg.Task + ".stderr",
			MaxFiles: cfg.MaxFiles, MaxFileSizeBytes: int64(cfg.MaxFileSizeMB) << 20, Disabled: cfg.Disabled,
		}
		if err := logspec.Write(cfg.AllocDir, dirNames, cfg.Task, note); err != nil {
			return nil, err
		}
	}
	if cfg.Disabled {
		return c, nil
	}
	stdout, stderr, err := pipePaths(cfg.AllocDir, cfg.Task)
	if err != nil {
		return nil, err
	}
	c.Stdout, c.Stderr = stdout, stderr
	if cfg.Outlive {
		err := c.startProcess()
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			cfg.Logger.Warn("output of the task is collected by the agent, and not while that is away", "error", err)
		}
	}
	c.mu.Lock()
	err = c.openStreams()
	c.mu.Unlock()
	if err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// openStreams has this process collect. The lock is held.
func (c *Collector) openStreams() error {
	for _, stream := range []string{"stdout", "stderr"} {
		if err := c.openStream(stream); err != nil {
			return fmt.Errorf("prepare %s of the task: %w", stream, err)
		}
	}
	return nil
}

// openStream makes sure that there is a log file, even for a task that never prints, and opens the pipe.
func (c *Collector) openStream(stream string) error {
	files := rotate.Config{
		Prefix: c.cfg.Task + "." + stream, MaxFiles: c.cfg.MaxFiles, MaxSize: int64(c.cfg.MaxFileSizeMB) << 20,
	}
	dir, err := rotate.OpenDir(c.cfg.AllocDir, dirNames...)
	if err != nil {
		return err
	}
	if !c.cfg.Running {
		var w *rotate.Writer
		if w, err = rotate.New(dir, files); err == nil {
			err = w.Close()
		}
	}
	if err == nil {
		var p *pipe
		if p, err = openPipe(dir, files, filepath.Join(append([]string{c.cfg.AllocDir}, dirNames...)...), "."+c.cfg.Task+"."+stream+".fifo", c.cfg.Running, c.cfg.Logger); p != nil {
			c.mu.pipes = append(c.mu.pipes, p)
			return err
		}
	}
	_ = dir.Close()
	return err
}

// Stop takes what is still in the pipes and closes them. It waits a short time for writers that the
// task left behind.
func (c *Collector) Stop() {
	if c.process != nil {
		c.process.stop()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.stopped = true
	deadline := time.Now().Add(drainWait)
	for _, p := range c.mu.pipes {
		p.finish()
	}
	for _, p := range c.mu.pipes {
		p.wait(deadline)
	}
	c.mu.pipes = nil
}
