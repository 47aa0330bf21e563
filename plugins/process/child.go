// SPDX-License-Identifier: MPL-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// drainGrace is how long output of a process that has ended is still read. It
// ends by itself unless a child of the process holds the pipes open.
const drainGrace = time.Second

// child is a plugin process that this process started. Unlike the runner of
// go-plugin it reports the end of the process even while children of the
// process hold its output open.
type child struct {
	name     string
	cmd      *exec.Cmd
	throttle *throttle
	stdout   *stdoutPipe
	stderr   *throttled
	done     chan struct{}
	err      error // set before done is closed

	// process is nil until the command has started.
	process atomic.Pointer[os.Process]
}

var _ runner.Runner = (*child)(nil)

func newChild(spec Spec, env []string, throttle *throttle) *child {
	cmd := exec.Command(spec.Command[0], spec.Command[1:]...)
	cmd.Env = slices.Concat(env, spec.Env)
	setSession(cmd)
	return &child{name: spec.Name, cmd: cmd, throttle: throttle, done: make(chan struct{})}
}

// Start implements runner.Runner.
func (c *child) Start(context.Context) error {
	stdout, stdoutWriter, err := os.Pipe()
	if err != nil {
		return err
	}
	stderr, stderrWriter, err := os.Pipe()
	if err != nil {
		_, _ = stdout.Close(), stdoutWriter.Close()
		return err
	}
	c.stdout = &stdoutPipe{outputPipe: outputPipe{stdout}}
	c.stderr = &throttled{ReadCloser: &outputPipe{stderr}, throttle: c.throttle}
	c.cmd.Stdout, c.cmd.Stderr = stdoutWriter, stderrWriter
	err = c.cmd.Start()
	_, _ = stdoutWriter.Close(), stderrWriter.Close()
	if err != nil {
		_, _ = stdout.Close(), stderr.Close()
		return fmt.Errorf("run %s: %w", c.cmd.Path, err)
	}
	c.process.Store(c.cmd.Process)
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
		time.AfterFunc(drainGrace, func() { _, _ = stdout.Close(), stderr.Close() })
	}()
	return nil
}

// Diagnose implements runner.Runner.
func (c *child) Diagnose(context.Context) string {
	return fmt.Sprintf("%s is not a plugin of this kind, or cannot run on this machine; its own output is in the log",
		c.cmd.Path)
}

// Stdout implements runner.Runner.
func (c *child) Stdout() io.ReadCloser { return c.stdout }

// Stderr implements runner.Runner.
func (c *child) Stderr() io.ReadCloser { return c.stderr }

// Name implements runner.Runner.
func (c *child) Name() string { return c.name }

// ID implements runner.Runner.
func (c *child) ID() string {
	process := c.process.Load()
	if process == nil {
		return ""
	}
	return strconv.Itoa(process.Pid)
}

// Wait implements runner.Runner.
func (c *child) Wait(context.Context) error {
	<-c.done
	return c.err
}

// Kill implements runner.Runner.
func (c *child) Kill(context.Context) error {
	process := c.process.Load()
	if process == nil {
		return nil
	}
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

func (c *child) exited() <-chan struct{} { return c.done }

// PluginToHost implements runner.Runner; both sides see the same addresses.
func (c *child) PluginToHost(network, addr string) (string, string, error) { return network, addr, nil }

// HostToPlugin implements runner.Runner; both sides see the same addresses.
func (c *child) HostToPlugin(network, addr string) (string, string, error) { return network, addr, nil }

// outputPipe is the reading end of a pipe for which being closed from outside
// is a normal end.
type outputPipe struct{ *os.File }

// Read implements io.Reader.
func (p *outputPipe) Read(data []byte) (int, error) {
	n, err := p.File.Read(data)
	if errors.Is(err, os.ErrClosed) {
		err = io.EOF
	}
	return n, err
}
