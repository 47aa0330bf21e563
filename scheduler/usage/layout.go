// SPDX-License-Identifier: MPL-2.0

package usage

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// Range of dynamic ports of a node that states none.
const (
	DefaultMinDynamicPort = 20000
	DefaultMaxDynamicPort = 32000
)

// DefaultHostNetwork is the host network of a port that names none.
const DefaultHostNetwork = "default"

// Layout is what a node offers besides plain sums: its addresses with their reserved ports, the range
// of dynamic ports, the cores that may be reserved and the devices. It is compiled once per registration and shared.
type Layout struct {
	// Addresses in the order of the node; several may belong to one host network.
	Addresses []Address
	// MinPort and MaxPort bound dynamic ports, both inclusive.
	MinPort, MaxPort uint16
	// Cores that tasks may reserve, ascending.
	Cores []Core
	// Devices are the device groups in the order of the node.
	Devices []DeviceGroup
	// CoreMHz is the mean speed of Cores, used to rank a node before cores are chosen.
	CoreMHz int64
}

// Address is one host address of a node and the host network it belongs to.
type Address struct {
	Network  string
	IP       string
	Device   string
	reserved *IDSet
}

// Core is one core that tasks may reserve; MHz is its speed.
type Core struct {
	ID   uint16
	Numa uint8
	MHz  int64
}

// Reserved reports whether the operator withheld the port on the address.
func (a *Address) Reserved(port uint16) bool { return a.reserved.Has(port) }

// ReservedSet returns the withheld ports of the address.
func (a *Address) ReservedSet() *IDSet { return a.reserved }

// HasNetwork reports whether an address belongs to the host network.
func (l *Layout) HasNetwork(name string) bool {
	for i := range l.Addresses {
		if l.Addresses[i].Network == name {
			return true
		}
	}
	return false
}

// AddressOf returns the address with that IP, or nil.
func (l *Layout) AddressOf(ip string) *Address {
	for i := range l.Addresses {
		if l.Addresses[i].IP == ip {
			return &l.Addresses[i]
		}
	}
	return nil
}

// HasCore reports whether the core may be reserved.
func (l *Layout) HasCore(id uint16) bool {
	_, ok := slices.BinarySearchFunc(l.Cores, id, func(c Core, id uint16) int { return int(c.ID) - int(id) })
	return ok
}

func newLayout(n *api.Node) *Layout {
	l := &Layout{MinPort: DefaultMinDynamicPort, MaxPort: DefaultMaxDynamicPort}
	r := n.NodeResources
	if r == nil {
		return l
	}
	if r.MinDynamicPort > 0 && r.MinDynamicPort <= 65535 {
		l.MinPort = uint16(r.MinDynamicPort)
	}
	if r.MaxDynamicPort > 0 && r.MaxDynamicPort <= 65535 {
		l.MaxPort = uint16(r.MaxDynamicPort)
	}
	global := ""
	if n.ReservedResources != nil {
		global = n.ReservedResources.Networks.ReservedHostPorts
	}
	l.addAddresses(r, global)
	l.addCores(n)
	l.Devices = deviceGroups(r.Devices)
	return l
}

func (l *Layout) addAddresses(r *api.NodeResources, global string) {
	var globalSet *IDSet
	if global != "" {
		globalSet = parsePorts(global)
	}
	for _, network := range r.NodeNetworks {
		if network == nil {
			continue
		}
		for _, a := range network.Addresses {
			address := Address{Network: a.Alias, IP: a.Address, Device: network.Device, reserved: globalSet}
			if address.Network == "" {
				address.Network = DefaultHostNetwork
			}
			if a.ReservedPorts != "" && a.ReservedPorts != global {
				address.reserved = parsePorts(global + "," + a.ReservedPorts)
			}
			l.Addresses = append(l.Addresses, address)
		}
	}
	if len(l.Addresses) > 0 {
		return
	}
	for _, network := range r.Networks {
		if network != nil && network.IP != "" {
			l.Addresses = append(l.Addresses, Address{
				Network: DefaultHostNetwork, IP: network.IP, Device: network.Device, reserved: globalSet,
			})
		}
	}
}

func (l *Layout) addCores(n *api.Node) {
	speeds := map[uint16]api.NodeProcessorCore{}
	if topology := n.NodeResources.Processors.Topology; topology != nil {
		for _, c := range topology.Cores {
			if !c.Disable {
				speeds[c.ID] = c
			}
		}
	}
	var mean int64
	if total := n.NodeResources.Cpu.TotalCpuCores; total > 0 {
		mean = n.NodeResources.Cpu.CpuShares / int64(total)
	}
	ids := n.NodeResources.Cpu.ReservableCpuCores
	if ids == nil {
		for id := range speeds {
			ids = append(ids, id)
		}
	}
	var sum int64
	for _, id := range ids {
		if n.ReservedResources != nil && slices.Contains(n.ReservedResources.Cpu.ReservedCpuCores, id) {
			continue
		}
		core := Core{ID: id, MHz: mean}
		if c, ok := speeds[id]; ok {
			core.Numa = c.NodeID
			if mhz := coreSpeed(c); mhz > 0 {
				core.MHz = mhz
			}
		}
		sum += core.MHz
		l.Cores = append(l.Cores, core)
	}
	slices.SortFunc(l.Cores, func(a, b Core) int { return int(a.ID) - int(b.ID) })
	l.Cores = slices.CompactFunc(l.Cores, func(a, b Core) bool { return a.ID == b.ID })
	if len(l.Cores) > 0 {
		l.CoreMHz = sum / int64(len(l.Cores))
	}
}

// coreSpeed is the sustained speed of a core in MHz, the best known of base, guessed and maximum.
func coreSpeed(c api.NodeProcessorCore) int64 {
	for _, mhz := range [3]uint64{c.BaseSpeed, c.GuessSpeed, c.MaxSpeed} {
		if mhz > 0 {
			return int64(mhz)
		}
	}
	return 0
}

// capacity is what a node can give to allocations: its resources less the reserved ones.
func capacity(n *api.Node) (cpu, memory, disk int64) {
	r := n.NodeResources
	if r == nil {
		return 0, 0, 0
	}
	cpu, memory, disk = r.Cpu.CpuShares, r.Memory.MemoryMB, r.Disk.DiskMB
	if cpu == 0 && r.Processors.Topology != nil {
		for _, c := range r.Processors.Topology.Cores {
			if !c.Disable {
				cpu += coreSpeed(c)
			}
		}
	}
	if n.ReservedResources != nil {
		cpu -= n.ReservedResources.Cpu.CpuShares
		memory -= n.ReservedResources.Memory.MemoryMB
		disk -= n.ReservedResources.Disk.DiskMB
	}
	return max(cpu, 0), max(memory, 0), max(disk, 0)
}

// parsePorts reads text such as "22,8000-8100". A client does not start with another one; what does not parse here is
// skipped.
func parsePorts(text string) *IDSet {
	epoch := nextEpoch()
	s := (*IDSet)(nil).writable(epoch)
	ranges, _ := api.ParsePorts(text)
	for _, r := range ranges {
		for port := int(r.From); port <= int(r.To); port++ {
			if !s.Has(uint16(port)) {
				s.add(epoch, uint16(port))
			}
		}
	}
	return s
}
