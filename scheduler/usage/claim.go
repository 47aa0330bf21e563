// SPDX-License-Identifier: MPL-2.0

package usage

import (
	"iter"

	"github.com/nomadlike/nomadlike/api"
)

// Claim is what one allocation takes from its node. CPU is in MHz and includes the speed of its
// reserved cores, MemoryMB and DiskMB are MiB; ports, cores and devices are read from the resources behind it.
type Claim struct {
	CPU      int64
	MemoryMB int64
	DiskMB   int64

	resources *api.AllocatedResources
}

// Port is one host port of a Claim.
type Port struct {
	Label string
	IP    string
	Value uint16
	// Shared is set for ignore_collision: the port may be in use.
	Shared bool
}

// Counts reports whether the allocation takes anything from its node: until its client status is
// terminal it does, also when the servers want it stopped.
func Counts(a *api.Allocation) bool {
	return a != nil && a.NodeID != "" && !a.ClientTerminalStatus()
}

// ClaimOf returns what the allocation takes by its allocated resources. Tasks that never run at the
// same time share CPU and memory: max(prestart + prestart sidecars, main + poststart + prestart
// sidecars, poststop); reserved cores are added in full (scheduler.md 5.2).
func ClaimOf(a *api.Allocation) Claim { return ClaimOfResources(a.AllocatedResources) }

// ClaimOfResources is ClaimOf for the resources alone.
func ClaimOfResources(r *api.AllocatedResources) Claim {
	if r == nil {
		return Claim{}
	}
	var prestart, sidecar, main, poststop phase
	for name, task := range r.Tasks {
		if task == nil {
			continue
		}
		p := &main
		if lc := r.TaskLifecycles[name]; lc != nil {
			switch {
			case lc.Hook == api.HookPrestart && lc.Sidecar:
				p = &sidecar
			case lc.Hook == api.HookPrestart:
				p = &prestart
			case lc.Hook == api.HookPoststop:
				p = &poststop
			}
		}
		p.cpu += task.Cpu.CpuShares
		p.memory += task.Memory.MemoryMB
	}
	return Claim{
		CPU:       max(prestart.cpu+sidecar.cpu, main.cpu+sidecar.cpu, poststop.cpu),
		MemoryMB:  max(prestart.memory+sidecar.memory, main.memory+sidecar.memory, poststop.memory),
		DiskMB:    int64(r.Shared.DiskMB),
		resources: r,
	}
}

type phase struct{ cpu, memory int64 }

// Ports yields the host ports of the claim.
func (c Claim) Ports() iter.Seq[Port] {
	return func(yield func(Port) bool) {
		if c.resources == nil {
			return
		}
		if len(c.resources.Shared.Ports) > 0 {
			for _, p := range c.resources.Shared.Ports {
				if p != nil && !yieldPort(yield, p.Label, p.HostIP, p.Value, p.IgnoreCollision) {
					return
				}
			}
		} else if !yieldNetworks(yield, c.resources.Shared.Networks) {
			return
		}
		for _, task := range c.resources.Tasks {
			if task != nil && !yieldNetworks(yield, task.Networks) {
				return
			}
		}
	}
}

func yieldNetworks(yield func(Port) bool, networks []*api.NetworkResource) bool {
	for _, n := range networks {
		if n == nil {
			continue
		}
		for _, ports := range [2][]*api.Port{n.ReservedPorts, n.DynamicPorts} {
			for _, p := range ports {
				if p != nil && !yieldPort(yield, p.Label, n.IP, p.Value, p.IgnoreCollision) {
					return false
				}
			}
		}
	}
	return true
}

func yieldPort(yield func(Port) bool, label, ip string, value int, shared bool) bool {
	if value <= 0 || value > 65535 {
		return true
	}
	return yield(Port{Label: label, IP: ip, Value: uint16(value), Shared: shared})
}

// Cores yields the ids of the reserved cores of the claim.
func (c Claim) Cores() iter.Seq[uint16] {
	return func(yield func(uint16) bool) {
		if c.resources == nil {
			return
		}
		for _, task := range c.resources.Tasks {
			if task == nil {
				continue
			}
			for _, core := range task.Cpu.ReservedCores {
				if !yield(core) {
					return
				}
			}
		}
	}
}

// row is the use of one node: sums over the allocations that count.
type row struct {
	cpu, memory, disk int64
	allocs            int32
	ports             *portTable
	cores             *IDSet
	devices           *deviceTable
}

func (r *row) add(epoch uint64, c Claim) {
	r.cpu += c.CPU
	r.memory += c.MemoryMB
	r.disk += c.DiskMB
	r.allocs++
	for p := range c.Ports() {
		r.ports = r.ports.writable(epoch)
		r.ports.set(epoch, p.IP).add(epoch, p.Value)
	}
	for core := range c.Cores() {
		r.cores = r.cores.writable(epoch)
		r.cores.add(epoch, core)
	}
	for d := range c.Devices() {
		r.devices = r.devices.writable(epoch)
		r.devices.add(d)
	}
}

func (r *row) remove(epoch uint64, c Claim) {
	r.cpu -= c.CPU
	r.memory -= c.MemoryMB
	r.disk -= c.DiskMB
	r.allocs--
	for p := range c.Ports() {
		r.ports = r.ports.writable(epoch)
		r.ports.set(epoch, p.IP).remove(epoch, p.Value)
	}
	for core := range c.Cores() {
		r.cores = r.cores.writable(epoch)
		r.cores.remove(epoch, core)
	}
	for d := range c.Devices() {
		r.devices = r.devices.writable(epoch)
		r.devices.remove(d)
	}
	if r.allocs == 0 {
		r.ports, r.cores, r.devices = nil, nil, nil
	}
}

// portTable holds the ports in use of one node, per host address.
type portTable struct {
	epoch uint64
	byIP  []addressPorts
}

type addressPorts struct {
	ip  string
	set *IDSet
}

func (t *portTable) of(ip string) *IDSet {
	if t == nil {
		return nil
	}
	for i := range t.byIP {
		if t.byIP[i].ip == ip {
			return t.byIP[i].set
		}
	}
	return nil
}

func (t *portTable) writable(epoch uint64) *portTable {
	if t == nil {
		return &portTable{epoch: epoch}
	}
	if t.epoch == epoch {
		return t
	}
	return &portTable{epoch: epoch, byIP: append([]addressPorts(nil), t.byIP...)}
}

// set returns the writable port set of the address; the receiver must be writable in epoch.
func (t *portTable) set(epoch uint64, ip string) *IDSet {
	for i := range t.byIP {
		if t.byIP[i].ip == ip {
			t.byIP[i].set = t.byIP[i].set.writable(epoch)
			return t.byIP[i].set
		}
	}
	s := (*IDSet)(nil).writable(epoch)
	t.byIP = append(t.byIP, addressPorts{ip: ip, set: s})
	return s
}
