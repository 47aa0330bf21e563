// SPDX-License-Identifier: MPL-2.0

// Package host manages the plugins of an agent, drivers and devices: which there are, one
// process for each, found again after the agent restarts and started again
// when it dies, and what they say about their health and their tasks.
//
// The Manager owns the processes; each driver has one supervising goroutine
// that owns its state. The package must not import the agent.
package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/device"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// ErrUnknownDriver says that the node has no driver of that name.
var ErrUnknownDriver = errors.New("driver is not known on this node")

// firstFingerprintWait bounds the wait for the first fingerprint of all
// drivers.
const firstFingerprintWait = 50 * time.Second

// Block is a plugin block of the agent's configuration.
type Block struct {
	// Label is the name of an internal driver, or the file name of an external
	// plugin without ".exe".
	Label string

	// Args are added to the command of an external plugin.
	Args []string

	// Config is decoded by the plugin's own schema.
	Config map[string]any
}

// Internal is a driver of the agent's own binary.
type Internal struct {
	Name string

	// Command starts it as a plugin process.
	Command []string

	// Env is added to the environment of the process.
	Env []string

	// Usable says why the driver cannot be used on this machine at present,
	// nil if it can: its process is not started before. It is asked again from
	// time to time. A driver whose plugin block has a config is started in any
	// case, so that mistakes in it come to light. Nil means always.
	Usable func() error

	// RestAfter is for how long the driver may have no tasks before its process is
	// ended, until somebody wants it again; 0 means for ever. It is for drivers
	// that do nothing on their own.
	RestAfter time.Duration
}

// Config says which drivers a Manager manages, and for whom.
type Config struct {
	Logger hclog.Logger

	// Internal are the drivers of the agent's own binary that are enabled. A
	// process is started for each.
	Internal []Internal

	// Dir is the directory of external plugins; it may be missing. Only files
	// that a block refers to are started.
	Dir string

	// Blocks are the plugin blocks of the agent's configuration.
	Blocks []Block

	// Allow, unless empty, lists the only drivers to manage. Deny lists those
	// not to.
	Allow []string
	Deny  []string

	// Driver is what drivers are told of the agent. It must be set.
	Driver *base.DriverHost

	// SocketDir is a directory of the agent for the sockets of its plugins: Run
	// makes it, and removes what plugins of an earlier agent have left there.
	// It must not be shared. Empty means the system's temporary directory,
	// where what is left is not found.
	SocketDir string

	// Store keeps what finds processes again after a restart. Nil keeps
	// nothing.
	Store Store

	// Fingerprint is told each fingerprint of a driver, in order. A driver
	// whose plugin cannot be reached has Err set and is undetected. It must
	// not block. Nil ignores them.
	Fingerprint func(driver string, fingerprint *drivers.Fingerprint)

	// Devices is told all groups of devices that a plugin has, each time that
	// changes; none when it has ended. It must not block. Nil ignores them.
	Devices func(plugin string, groups []*device.Group)

	// Event is told each task event. It must not block. Nil ignores them.
	Event func(driver string, event *drivers.TaskEvent)
}

// Store keeps reattach records, one for each driver name. Its methods may be
// called concurrently.
type Store interface {
	// PutReattach stores a record and returns when it is durable.
	PutReattach(driver string, record []byte) error

	// GetReattach returns a record, or nil if there is none.
	GetReattach(driver string) ([]byte, error)

	// DeleteReattach removes a record; one that does not exist is no error.
	DeleteReattach(driver string) error
}

// Manager manages driver plugins. Make one with New, and Run it.
type Manager struct {
	config Config
	logger hclog.Logger

	// detach is what the end of Run does to the processes.
	detach atomic.Bool

	ready     chan struct{}
	readyOnce sync.Once
	waiting   sync.WaitGroup // for the first word of each driver

	// socketDir is what Run has made of SocketDir.
	socketDir string

	// cleanup are processes that have ended and are being tidied up.
	cleanup sync.WaitGroup

	mu struct {
		sync.Mutex
		supervisors map[string]*supervisor
		devices     []*devices
		discovered  bool // supervisors is complete
		closed      bool
	}
	discovered chan struct{} // closed when mu.discovered is set, or Run ends
}

// New returns a manager that does nothing yet.
func New(config Config) *Manager {
	m := &Manager{
		config:     config,
		logger:     config.Logger.Named("plugins"),
		ready:      make(chan struct{}),
		discovered: make(chan struct{}),
	}
	if m.config.Store == nil {
		m.config.Store = forgetful{}
	}
	m.mu.supervisors = map[string]*supervisor{}
	return m
}

// Run finds the plugins, starts them and keeps them running. It returns nil
// when the context has ended and all plugin processes have been shut down, or
// left alone if Detach was called. It returns an error at once when an external
// plugin cannot be started or any plugin's configuration is not valid.
func (m *Manager) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	defer m.finish()
	leftovers := m.openSockets()
	defer m.closeSockets()
	externals, err := m.discover(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	}
	var group sync.WaitGroup
	failed := make(chan error, len(externals)+len(m.config.Internal))
	chosen := m.choose(externals)
	records := m.records(externals, chosen)
	m.mu.Lock()
	for _, f := range externals {
		if f.info.Type != base.TypeDevice {
			continue
		}
		d := newDevices(m, f)
		m.mu.devices = append(m.mu.devices, d)
		group.Go(func() {
			if err := d.run(ctx); err != nil {
				failed <- err
			}
		})
	}
	for _, s := range chosen {
		m.mu.supervisors[s.name] = s
		m.waiting.Add(1)
		s.first = sync.OnceFunc(m.waiting.Done)
		group.Go(func() {
			if err := s.run(ctx); err != nil {
				failed <- err
			}
		})
	}
	m.mu.discovered = true
	m.mu.Unlock()
	close(m.discovered)
	group.Go(func() { m.clearSockets(leftovers, records) })

	go m.awaitFirst(ctx)
	var fatal []error
	select {
	case <-ctx.Done():
	case err := <-failed:
		fatal = append(fatal, err)
		cancel(err)
	}
	group.Wait()
	close(failed)
	for err := range failed {
		fatal = append(fatal, err)
	}
	m.cleanup.Wait()
	return errors.Join(fatal...)
}

// finish makes Get fail from now on.
func (m *Manager) finish() {
	m.readyOnce.Do(func() { close(m.ready) })
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.closed = true
	if !m.mu.discovered {
		m.mu.discovered = true
		close(m.discovered)
	}
}

// awaitFirst closes ready when every driver has been heard of.
func (m *Manager) awaitFirst(ctx context.Context) {
	defer m.readyOnce.Do(func() { close(m.ready) })
	all := make(chan struct{})
	go func() {
		m.waiting.Wait()
		close(all)
	}()
	patience := time.NewTimer(firstFingerprintWait)
	defer patience.Stop()
	select {
	case <-all:
	case <-patience.C:
		m.logger.Warn("drivers have not sent their first fingerprint", "duration", firstFingerprintWait)
	case <-ctx.Done():
	}
}

// Ready is closed when each driver has sent its first fingerprint or could not
// be started, at the latest 50 seconds after Run, and when Run ends.
func (m *Manager) Ready() <-chan struct{} { return m.ready }

// Detach makes the end of Run leave the plugin processes running, so that the
// next agent reattaches to them.
func (m *Manager) Detach() { m.detach.Store(true) }

// Drivers returns the names of the drivers, sorted. It is complete once Ready.
func (m *Manager) Drivers() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := make([]string, 0, len(m.mu.supervisors))
	for name := range m.mu.supervisors {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Get returns a driver, waiting while its plugin process is being started. The
// result is bound to that process: when it ends, calls return
// drivers.ErrPluginShutdown, and the caller gets the driver anew, recovers its
// tasks and goes on. An error that drivers.IsRecoverable may pass.
func (m *Manager) Get(ctx context.Context, name string) (drivers.Driver, error) {
	select {
	case <-m.discovered:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	s, closed := m.mu.supervisors[name], m.mu.closed
	m.mu.Unlock()
	switch {
	case closed:
		return nil, drivers.ErrPluginShutdown
	case s == nil:
		return nil, fmt.Errorf("%q: %w", name, ErrUnknownDriver)
	}
	return s.get(ctx)
}

// allowed reports whether the operator wants a driver.
func (m *Manager) allowed(name string) bool {
	if len(m.config.Allow) > 0 && !slices.Contains(m.config.Allow, name) {
		return false
	}
	return !slices.Contains(m.config.Deny, name)
}

// forgetful is a Store that keeps nothing.
type forgetful struct{}

func (forgetful) PutReattach(string, []byte) error   { return nil }
func (forgetful) GetReattach(string) ([]byte, error) { return nil, nil }
func (forgetful) DeleteReattach(string) error        { return nil }
