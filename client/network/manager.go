// SPDX-License-Identifier: MPL-2.0

package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-version"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
)

// ErrUnsupported says that there are no network namespaces on this system.
var ErrUnsupported = errors.New("network namespaces are not supported on this operating system")

// The names of what is made on the host (drivers.md 11.2 to 11.4).
const (
	// bridgeList is the name of the network that bridge mode connects to.
	bridgeList = "nomad"
	// interfaceName is that of the first interface inside a namespace.
	interfaceName = "eth0"
	// cacheDir is where the CNI library remembers what it has connected, dataDir where addresses are.
	cacheDir = "/var/lib/cni"
	dataDir  = "/var/run/cni"
	// adminChain takes the rules by which the operator lets traffic to allocations pass.
	adminChain = "NOMAD-ADMIN"
	// forwardChain is where the plugin of the firewall lets packets of single addresses pass.
	forwardChain = "CNI-FORWARD"
)

// Tries of connecting a namespace, and the pause between them.
const (
	attachTries = 3
	attachPause = time.Second
)

// checks is the first version of the bridge plugin whose CHECK can be trusted.
var checks = version.Must(version.NewVersion("1.3.0"))

// Config says how allocations are connected; the names are those of the client block.
type Config struct {
	// Path lists the directories with CNI plugins, ConfigDir has the networks of the operator.
	Path      []string
	ConfigDir string
	// Bridge is the name of the node's bridge, Subnet and SubnetIPv6 its addresses; the latter may be empty.
	Bridge, Subnet, SubnetIPv6 string
	Hairpin                    bool
	// BindHostIP makes mapped ports listen on their address of the host only.
	BindHostIP bool
	Logger     hclog.Logger
}

// Manager connects network namespaces. Its methods may be called from anywhere.
type Manager struct {
	cfg     Config
	plugins *plugins
	cni     libcni.CNI
	calls   *calls
}

// New returns a manager; nothing is called before it is used.
func New(cfg Config) *Manager {
	exec := &invoke.DefaultExec{RawExec: &invoke.RawExec{Stderr: io.Discard}}
	m := &Manager{
		cfg: cfg, plugins: newPlugins(cfg.Path),
		cni: libcni.NewCNIConfigWithCacheDir(cfg.Path, cacheDir, exec),
	}
	m.calls = newCalls(m.sweep)
	return m
}

// Port is a port of the host that leads into the namespace.
type Port struct {
	HostIP       string
	Value, Inner int
}

// Request is one allocation and its namespace.
type Request struct {
	AllocID string
	// Mode is that of the group's network: bridge or cni/<name>.
	Mode string
	// Namespace is the path of the network namespace.
	Namespace string
	Ports     []Port
	// Args are handed to the plugins; those whose value has a semicolon cannot be and are left out.
	Args [][2]string
}

// Isolated reports whether a mode gives the allocation a network namespace.
func Isolated(mode string) bool { return mode != "" && mode != api.NetworkModeHost }

// Connected reports whether a mode connects the namespace to anything.
func Connected(mode string) bool { return Isolated(mode) && mode != api.NetworkModeNone }

// Attach connects the namespace and returns its address. What is left of a failed try is removed.
func (m *Manager) Attach(ctx context.Context, req *Request) (*api.AllocNetworkStatus, error) {
	list, err := m.list(req.Mode)
	if err != nil {
		return nil, err
	}
	var first error
	for try := 1; ; try++ {
		var got *api.AllocNetworkStatus
		err := m.calls.attach(ctx, list.Name, func(ctx context.Context) (err error) {
			got, err = m.attach(ctx, list, req)
			return err
		})
		if err == nil {
			return got, nil
		}
		if first == nil {
			first = err
		}
		if try == attachTries || !pause(ctx) {
			return nil, fmt.Errorf("connect the network namespace to %q: %w", list.Name, first)
		}
	}
}

// attach is one try.
func (m *Manager) attach(ctx context.Context, list *libcni.NetworkConfigList, req *Request) (*api.AllocNetworkStatus, error) {
	if req.Mode == api.NetworkModeBridge {
		if err := m.admit(); err != nil {
			return nil, fmt.Errorf("let traffic to the bridge %q pass: %w", m.cfg.Bridge, err)
		}
	}
	runtime := m.runtime(req)
	result, err := m.cni.AddNetworkList(ctx, list, runtime)
	if err == nil {
		return status(result)
	}
	if e := m.cni.DelNetworkList(ctx, list, runtime); e != nil {
		m.cfg.Logger.Debug("remains of a failed connection cannot be removed", "alloc_id", req.AllocID, "error", e)
	}
	return nil, err
}

// pause waits between tries; false when the context has ended.
func pause(ctx context.Context) bool {
	return run.Sleep(ctx, attachPause+rand.N(attachPause)) == nil
}

// Check returns an error if the namespace is not connected as Attach has left it. Where the installed plugins
// cannot tell, it is assumed to be.
func (m *Manager) Check(ctx context.Context, req *Request) error {
	v, err := version.NewVersion(m.plugins.versions()["bridge"])
	if err != nil || v.LessThan(checks) {
		return nil //nolint:nilerr // there is no plugin that says its version
	}
	list, err := m.list(req.Mode)
	if err != nil {
		return err
	}
	return m.calls.beside(ctx, func(ctx context.Context) error { return m.cni.CheckNetworkList(ctx, list, m.runtime(req)) })
}

// Detach undoes Attach. It is no error if nothing is left to undo.
func (m *Manager) Detach(ctx context.Context, req *Request) error {
	list, err := m.list(req.Mode)
	if err != nil {
		return err
	}
	if !isNamespace(req.Namespace) {
		// It went down with what held it. Plugins stumble over a file that is left of it, and do without one.
		lost := *req
		lost.Namespace = ""
		req = &lost
	}
	err = m.calls.beside(ctx, func(ctx context.Context) error {
		err := m.cni.DelNetworkList(ctx, list, m.runtime(req))
		if req.Mode != api.NetworkModeBridge {
			return err
		}
		m.calls.untidy.Store(true)
		// A namespace that is gone, or another one of that name, does not tell the plugins which address it had: they
		// leave the rule for it, and stumble over it the next time.
		if m.forget(req.AllocID) && err != nil {
			err = m.cni.DelNetworkList(ctx, list, m.runtime(req))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("disconnect the network namespace from %q: %w", list.Name, err)
	}
	return nil
}

func (m *Manager) runtime(req *Request) *libcni.RuntimeConf {
	args := [][2]string{{"IgnoreUnknown", "true"}}
	for _, a := range req.Args {
		if !strings.Contains(a[0]+a[1], ";") {
			args = append(args, a)
		}
	}
	rt := &libcni.RuntimeConf{ContainerID: req.AllocID, NetNS: req.Namespace, IfName: interfaceName, Args: args}
	var ports []map[string]any
	for _, p := range req.Ports {
		for _, protocol := range []string{"tcp", "udp"} {
			mapping := map[string]any{"hostPort": p.Value, "containerPort": p.Inner, "protocol": protocol}
			if m.cfg.BindHostIP {
				mapping["hostIP"] = p.HostIP
			}
			ports = append(ports, mapping)
		}
	}
	if len(ports) > 0 {
		rt.CapabilityArgs = map[string]any{"portMappings": ports}
	}
	return rt
}

// list is the chain of plugins that a mode stands for.
func (m *Manager) list(mode string) (*libcni.NetworkConfigList, error) {
	if mode == api.NetworkModeBridge {
		return m.bridge()
	}
	name, ok := strings.CutPrefix(mode, cniPrefix)
	if !ok {
		return nil, fmt.Errorf("network mode %q is not known; use host, bridge, none or cni/<name>", mode)
	}
	lists, err := lists(m.cfg.ConfigDir)
	if list := lists[name]; list != nil {
		return list, nil
	}
	return nil, errors.Join(fmt.Errorf("no network %q is configured in %s", name, m.cfg.ConfigDir), err)
}
