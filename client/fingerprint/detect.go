// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
)

// HostNetwork is a named set of addresses that ports may ask for.
type HostNetwork struct {
	Name          string
	CIDR          string
	Interface     string
	ReservedPorts string
}

// Config are the settings that change what is found.
type Config struct {
	// AllocDir is where the disk is measured.
	AllocDir string
	// Interface is the network interface of the node, that of the default route when empty. Loopback
	// makes it the loopback interface.
	Interface       string
	Loopback        bool
	PreferredFamily string
	// NetworkSpeed is in Mbit/s; 0 to find out.
	NetworkSpeed int
	HostNetworks []HostNetwork
	// AllocNetworks may be nil. Bridge says that allocations can be connected to a bridge of the node, Hairpin
	// that they reach themselves by ports of the host.
	AllocNetworks   AllocNetworks
	Bridge, Hairpin bool

	// Totals replace what is measured when they are not 0: MHz and MiB.
	TotalCompute, TotalMemoryMB, TotalDiskMB int

	// ReservableCores limits the cores that tasks may reserve, nil for all; CanReserveCores says whether
	// any can be.
	ReservableCores []uint16
	CanReserveCores bool

	// Reserved is withheld from tasks, in MHz, cores, MiB, MiB and ports such as "22,8000-8100".
	ReservedCPU      int
	ReservedCores    []uint16
	ReservedMemoryMB int
	ReservedDiskMB   int
	ReservedPorts    string

	MinDynamicPort, MaxDynamicPort int

	CgroupVersion    string
	Version          string
	Revision         string
	AdvertiseAddr    string
	ServiceDiscovery bool

	// Allow, unless empty, lists the only fingerprinters to run, Deny those not to.
	Allow, Deny []string
	// DisallowLinkLocal leaves link-local addresses out even if there are no others.
	DisallowLinkLocal bool
}

// Facts is what was found.
type Facts struct {
	Attributes   map[string]string
	Resources    *api.NodeResources
	Reserved     *api.NodeReservedResources
	HostNetworks map[string]*api.NodeHostNetwork
}

// fingerprinter finds one kind of fact. Errors are told to the operator, the rest goes on.
type fingerprinter struct {
	name string
	run  func(cfg *Config, f *Facts) error
	// fixed facts do not change while the agent runs; some, such as a clock rate that was guessed, must
	// not seem to.
	fixed bool
}

// fingerprinters in order: reserved needs what is before it.
var fingerprinters = []fingerprinter{
	{name: "arch", run: arch, fixed: true},
	{name: "host", run: host, fixed: true},
	{name: "signal", run: signals, fixed: true},
	{name: "cgroup", run: cgroup, fixed: true},
	{name: "landlock", run: landlock, fixed: true},
	{name: "nomad", run: product, fixed: true},
	{name: "cpu", run: cpu, fixed: true},
	{name: "memory", run: memory, fixed: true},
	{name: "storage", run: storage, fixed: true},
	{name: "network", run: network},
	{name: "cni", run: cni},
	{name: "bridge", run: bridge},
}

// Detect runs all fingerprinters that the configuration allows.
func Detect(cfg *Config, logger hclog.Logger) *Facts {
	f := &Facts{Attributes: map[string]string{}, Resources: &api.NodeResources{}, Reserved: &api.NodeReservedResources{}}
	f.run(cfg, logger, false)
	return f
}

// Refresh returns the facts with those that may change found anew.
func (f *Facts) Refresh(cfg *Config, logger hclog.Logger) *Facts {
	resources, reserved := *f.Resources, *f.Reserved
	next := &Facts{Attributes: make(map[string]string, len(f.Attributes)), Resources: &resources, Reserved: &reserved}
	maps.Copy(next.Attributes, f.Attributes)
	next.run(cfg, logger, true)
	return next
}

func (f *Facts) run(cfg *Config, logger hclog.Logger, refresh bool) {
	for _, fp := range fingerprinters {
		if refresh && fp.fixed || !cfg.allows(fp.name) {
			continue
		}
		if err := fp.run(cfg, f); err != nil {
			logger.Warn("fact about this node could not be found", "fingerprint", fp.name, "error", err)
		}
	}
	f.reserve(cfg)
}

func (c *Config) allows(name string) bool {
	if len(c.Allow) > 0 && !slices.Contains(c.Allow, name) {
		return false
	}
	return !slices.Contains(c.Deny, name)
}

// reserve applies what the operator withholds.
func (f *Facts) reserve(cfg *Config) {
	f.Resources.MinDynamicPort, f.Resources.MaxDynamicPort = cfg.MinDynamicPort, cfg.MaxDynamicPort
	r := f.Reserved
	r.Memory.MemoryMB, r.Disk.DiskMB = int64(cfg.ReservedMemoryMB), int64(cfg.ReservedDiskMB)
	r.Networks.ReservedHostPorts = strings.TrimSpace(cfg.ReservedPorts)
	r.Cpu.CpuShares = int64(cfg.ReservedCPU)
	r.Cpu.ReservedCpuCores = nil
	if topology := f.Resources.Processors.Topology; topology != nil {
		for _, c := range topology.Cores {
			if c.Disable {
				r.Cpu.ReservedCpuCores = append(r.Cpu.ReservedCpuCores, c.ID)
				r.Cpu.CpuShares += int64(speed(c))
			}
		}
	}
}

// set adds an attribute unless it has no value.
func (f *Facts) set(name, value string) {
	if value != "" {
		f.Attributes[name] = value
	}
}
