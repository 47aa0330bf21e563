// SPDX-License-Identifier: MPL-2.0

package clienttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/network"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// CreateNetwork implements drivers.Driver for tests whose capabilities have MustCreateNetwork.
func (d *Driver) CreateNetwork(ctx context.Context, allocID string, req *drivers.NetworkRequest) (*drivers.NetworkIsolationSpec, bool, error) {
	if err := d.alive(); err != nil {
		return nil, false, err
	}
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	if takes := d.machine.mu.networkTakes; takes > 0 {
		d.machine.mu.Unlock()
		err := run.Sleep(ctx, takes)
		d.machine.mu.Lock()
		if err != nil {
			return nil, false, err
		}
	}
	path, exists := d.machine.mu.networks[allocID]
	if !exists {
		path = "/driver/" + allocID
		d.machine.mu.networks[allocID] = path
	}
	if err := d.machine.networkErrorLocked(); err != nil {
		return nil, false, err
	}
	labels := map[string]string{"docker_sandbox_container_id": "0123456789abcdef"}
	if req.Hostname != "" {
		labels["docker_sandbox_hostname"] = req.Hostname
	}
	return &drivers.NetworkIsolationSpec{Mode: drivers.NetworkIsolationGroup, Path: path, Labels: labels}, !exists, nil
}

// DestroyNetwork implements drivers.Driver.
func (d *Driver) DestroyNetwork(_ context.Context, allocID string, _ *drivers.NetworkIsolationSpec) error {
	if err := d.alive(); err != nil {
		return err
	}
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	if err := d.machine.networkErrorLocked(); err != nil {
		return err
	}
	delete(d.machine.mu.networks, allocID)
	return nil
}

// FailNetworks makes the next calls that make or end a network fail with the errors. With ErrPluginShutdown the plugin
// ends.
func (m *Machine) FailNetworks(errs ...error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.networkErrors = errs
}

// SlowNetworks makes each call that makes a network take so long.
func (m *Machine) SlowNetworks(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.networkTakes = d
}

func (m *Machine) networkErrorLocked() error {
	if len(m.mu.networkErrors) == 0 {
		return nil
	}
	err := m.mu.networkErrors[0]
	m.mu.networkErrors = m.mu.networkErrors[1:]
	if errors.Is(err, drivers.ErrPluginShutdown) {
		m.crashLocked()
	}
	return err
}

// RestartNetworks gives each allocation a new network, as an engine does that was restarted.
func (m *Machine) RestartNetworks() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, path := range m.mu.networks {
		m.mu.networks[id] = path + "-again"
	}
}

// DriverNetworks returns for which allocations the driver has a network.
func (m *Machine) DriverNetworks() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for id := range m.mu.networks {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Networks makes and connects network namespaces that exist in its books only. They survive the agent.
type Networks struct {
	mu struct {
		sync.Mutex
		namespaces map[string]bool
		attached   map[string]*network.Request
		attaches   int
		fail, torn error
	}
}

// NewNetworks returns an empty one.
func NewNetworks() *Networks {
	n := &Networks{}
	n.mu.namespaces, n.mu.attached = map[string]bool{}, map[string]*network.Request{}
	return n
}

// Fail makes Attach fail with the error, and Tear Check; nil lets them work.
func (n *Networks) Fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.fail = err
}

// Tear makes Check fail once.
func (n *Networks) Tear(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.torn = err
}

// Attached returns what an allocation is connected with, nil when it is not, and how often Attach was called in all.
func (n *Networks) Attached(allocID string) (req *network.Request, attaches int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mu.attached[allocID], n.mu.attaches
}

// Namespaces returns how many namespaces there are.
func (n *Networks) Namespaces() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.mu.namespaces)
}

// CreateNamespace implements alloc.Networks.
func (n *Networks) CreateNamespace(allocID string) (path string, created bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	created = !n.mu.namespaces[allocID]
	n.mu.namespaces[allocID] = true
	return "/client/" + allocID, created, nil
}

// RemoveNamespace implements alloc.Networks.
func (n *Networks) RemoveNamespace(allocID string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.mu.namespaces, allocID)
	return nil
}

// Attach implements alloc.Networks.
func (n *Networks) Attach(_ context.Context, req *network.Request) (*api.AllocNetworkStatus, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.attaches++
	if n.mu.fail != nil {
		return nil, n.mu.fail
	}
	if n.mu.attached[req.AllocID] != nil {
		return nil, errors.New("attached twice")
	}
	n.mu.attached[req.AllocID] = req
	return &api.AllocNetworkStatus{InterfaceName: "eth0", Address: fmt.Sprintf("172.26.64.%d", 1+n.mu.attaches)}, nil
}

// Check implements alloc.Networks.
func (n *Networks) Check(_ context.Context, req *network.Request) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	err := n.mu.torn
	n.mu.torn = nil
	if err == nil && n.mu.attached[req.AllocID] == nil {
		err = errors.New("not attached")
	}
	return err
}

// Detach implements alloc.Networks.
func (n *Networks) Detach(_ context.Context, req *network.Request) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.mu.attached, req.AllocID)
	return nil
}
