// SPDX-License-Identifier: MPL-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// dialTimeout bounds the first contact with a process that may be gone.
const dialTimeout = 5 * time.Second

// stranger is a plugin process that another process started.
type stranger struct {
	process *os.Process
	done    chan struct{}
}

var _ runner.AttachedRunner = (*stranger)(nil)

// findStranger returns the process if it is alive and something listens at the
// address, which tells it from another process that got its ID.
func findStranger(pid int, addr net.Addr) (*stranger, error) {
	conn, err := net.DialTimeout(addr.Network(), addr.String(), dialTimeout)
	if err != nil {
		return nil, fmt.Errorf("plugin process %d does not answer: %w", pid, err)
	}
	_ = conn.Close()
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, fmt.Errorf("find plugin process %d: %w", pid, err)
	}
	s := &stranger{process: process, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		awaitExit(process)
	}()
	return s, nil
}

// Wait implements runner.AttachedRunner.
func (s *stranger) Wait(context.Context) error {
	<-s.done
	return nil
}

// Kill implements runner.AttachedRunner.
func (s *stranger) Kill(context.Context) error {
	if err := s.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// ID implements runner.AttachedRunner.
func (s *stranger) ID() string { return strconv.Itoa(s.process.Pid) }

func (s *stranger) exited() <-chan struct{} { return s.done }

// PluginToHost implements runner.AttachedRunner; both sides see the same
// addresses.
func (s *stranger) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin implements runner.AttachedRunner; both sides see the same
// addresses.
func (s *stranger) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}
