// SPDX-License-Identifier: MPL-2.0

package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/config"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/process"
)

// Deadlines of calls to plugins.
const (
	callTimeout     = time.Minute
	shutdownTimeout = 2 * time.Second
)

// connection is a driver in one plugin process.
type connection struct {
	*drivers.Client
	process *process.Process

	// closing is set before the driver is told to shut down: many drivers
	// then end pending waits as if the tasks had ended.
	closing atomic.Bool

	// fixed says that what the driver can do does not change once it is
	// configured, capabilities is that; nil until it has said so.
	fixed        bool
	capabilities atomic.Pointer[drivers.Capabilities]

	use use
}

// Capabilities implements drivers.Driver. A driver of the agent is asked once:
// each of many tasks wants to know. Other drivers may change their mind.
func (c *connection) Capabilities(ctx context.Context) (*drivers.Capabilities, error) {
	if known := c.capabilities.Load(); known != nil {
		dup := *known
		return &dup, nil
	}
	told, err := c.Client.Capabilities(ctx)
	if err == nil && c.fixed {
		dup := *told
		c.capabilities.Store(&dup)
	}
	return told, err
}

// OfAgent reports whether the driver is one of the agent's own.
func (c *connection) OfAgent() bool { return c.fixed }

// WaitTask implements drivers.Driver.
func (c *connection) WaitTask(ctx context.Context, taskID string) (*drivers.ExitResult, error) {
	exit, err := c.Client.WaitTask(ctx, taskID)
	if c.closing.Load() && ctx.Err() == nil {
		return nil, drivers.ErrPluginShutdown
	}
	return exit, err
}

// alive reports whether the process runs.
func (c *connection) alive() bool {
	select {
	case <-c.process.Exited():
		return false
	default:
		return !c.closing.Load()
	}
}

// shutdown ends the process, politely first. Tasks are not affected.
func (c *connection) shutdown() error {
	c.closing.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	err := c.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		c.process.Kill() // it would not answer a second request either
	}
	c.process.Stop()
	return err
}

// detach leaves the process running.
func (c *connection) detach() {
	c.closing.Store(true)
	c.process.Detach()
}

// encodeConfig encodes a plugin's configuration by its own schema.
func encodeConfig(ctx context.Context, plugin base.Plugin, values map[string]any) ([]byte, error) {
	spec, err := plugin.ConfigSchema(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("get the schema of the configuration: %w", err)
	case spec == nil:
		data, err := config.NoSchema(values)
		if err != nil {
			return nil, &configError{err}
		}
		return data, nil
	}
	schema, err := config.Compile(spec)
	if err != nil {
		return nil, err
	}
	data, err := schema.Encode(values, nil)
	if err != nil {
		return nil, &configError{err}
	}
	return data, nil
}

// configError is a mistake in the configuration of a plugin, which trying
// again does not mend.
type configError struct{ err error }

func (e *configError) Error() string { return "configuration is not valid: " + e.err.Error() }
func (e *configError) Unwrap() error { return e.err }

// launch starts a process and makes the driver in it ready for use.
func (s *supervisor) launch(ctx context.Context) (*connection, error) {
	plugin, err := process.Launch(ctx, process.Spec{
		Name: s.name, Command: s.command, Env: s.env, SocketDir: s.manager.socketDir, Logger: s.manager.logger,
	})
	if err != nil {
		return nil, err
	}
	conn := &connection{Client: plugin.Driver(), process: plugin, fixed: s.own}
	if err := s.prepare(ctx, conn); err != nil {
		plugin.Stop()
		return nil, err
	}
	if err := s.remember(plugin.Record()); err != nil {
		// The driver works; only the next agent will not find it.
		s.logger.Warn("plugin process cannot be recorded for the next start", "error", err)
	}
	return conn, nil
}

// prepare configures a driver that has just been started.
func (s *supervisor) prepare(ctx context.Context, conn *connection) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	apiVersion, err := s.identify(ctx, conn)
	if err != nil {
		return err
	}
	values, err := encodeConfig(ctx, conn, s.config)
	if err != nil {
		return err
	}
	err = conn.SetConfig(ctx, &base.Config{
		Values: values, Driver: s.manager.config.Driver, APIVersion: apiVersion,
	})
	switch {
	case err == nil:
		s.configured = true
	case s.strict && !s.configured && ctx.Err() == nil && !errors.Is(err, drivers.ErrPluginShutdown):
		return &configError{err}
	default:
		return err
	}
	if err := conn.Init(ctx); err != nil {
		return fmt.Errorf("init of plugin failed: %w", err)
	}
	return nil
}

// identify checks that the process is the driver it should be, and returns the
// API version to use.
func (s *supervisor) identify(ctx context.Context, conn *connection) (string, error) {
	info, err := conn.PluginInfo(ctx)
	if err != nil {
		return "", fmt.Errorf("get plugin info: %w", err)
	}
	if _, err := checkInfo(info); err != nil {
		return "", err
	}
	if info.Type != base.TypeDriver || info.Name != s.name {
		return "", fmt.Errorf("plugin is the %s %q, want the driver %q", info.Type, info.Name, s.name)
	}
	return negotiate(info.APIVersions)
}

// reattach connects to the process that an earlier agent left running. It
// returns nil when there is none that is usable as it is.
func (s *supervisor) reattach(ctx context.Context) *connection {
	data, err := s.manager.config.Store.GetReattach(s.name)
	if err != nil {
		s.logger.Warn("record of the plugin process cannot be read", "error", err)
		return nil
	}
	if len(data) == 0 {
		return nil
	}
	var saved savedProcess
	if err := json.Unmarshal(data, &saved); err != nil {
		s.logger.Warn("record of the plugin process is damaged", "error", err)
		return nil
	}
	plugin, err := process.Attach(ctx, s.name, saved.Record, s.manager.logger)
	if err != nil {
		s.logger.Debug("plugin process of the last agent is gone", "pid", saved.Pid, "error", err)
		return nil
	}
	conn := &connection{Client: plugin.Driver(), process: plugin, fixed: s.own}
	if saved.Identity != s.identity() {
		s.logger.Info("plugin or its configuration has changed, its process is replaced", "pid", saved.Pid)
		_ = conn.shutdown() // best effort: it is killed in any case
		return nil
	}
	if err := s.resume(ctx, conn); err != nil {
		s.logger.Warn("plugin process of the last agent is not usable and is replaced",
			"pid", saved.Pid, "error", err)
		plugin.Stop()
		return nil
	}
	s.configured = true // with the same configuration
	s.logger.Info("reattached to plugin process", "pid", saved.Pid)
	return conn
}

// resume makes a driver that has been running ready for use. It is not
// configured again: drivers would lose what they hold.
func (s *supervisor) resume(ctx context.Context, conn *connection) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := s.identify(ctx, conn); err != nil {
		return err
	}
	if err := conn.Init(ctx); err != nil {
		return fmt.Errorf("init of plugin failed: %w", err)
	}
	return nil
}

// savedProcess is the reattach record that is stored: that of the contract, and
// what tells whether the process is still the right one.
type savedProcess struct {
	process.Record
	Identity string
}

func (s *supervisor) remember(record process.Record) error {
	data, err := json.Marshal(savedProcess{Record: record, Identity: s.identity()})
	if err != nil {
		return err
	}
	return s.manager.config.Store.PutReattach(s.name, data)
}

// identity changes when a running process would no longer be what a new one
// is: another program, other arguments, another configuration.
func (s *supervisor) identity() string {
	var program string
	if info, err := os.Stat(s.command[0]); err == nil {
		program = fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
	}
	host := s.manager.config.Driver
	data, err := json.Marshal([]any{s.command, s.env, program, s.config, host.ClientMinPort, host.ClientMaxPort})
	if err != nil {
		return "" // never equal to that of a process with a configuration
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
