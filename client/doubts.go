// SPDX-License-Identifier: MPL-2.0

package client

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/fingerprint"
)

// doubt is a setting that does nothing on this machine, and why. A configuration may be written for many machines, so
// that it is told and no mistake.
type doubt struct{ setting, reason string }

// doubts returns the settings of a valid configuration that do nothing on the machine with the facts, or leave nothing of it.
func (c *Config) doubts(found *fingerprint.Facts) []doubt {
	var out []doubt
	add := func(setting, reason string, args ...any) {
		out = append(out, doubt{"client." + setting, fmt.Sprintf(reason, args...)})
	}
	if topology := found.Resources.Processors.Topology; topology != nil {
		for _, s := range []struct{ key, cores string }{{"reservable_cores", c.ReservableCores}, {"reserved.cores", c.Reserved.Cores}} {
			cores, _ := fingerprint.ParseCores(s.cores) // it was validated
			cores = slices.DeleteFunc(cores, func(id uint16) bool {
				return slices.ContainsFunc(topology.Cores, func(core api.NodeProcessorCore) bool { return core.ID == id })
			})
			if len(cores) > 0 {
				add(s.key, "this machine has no cores %s", fingerprint.FormatCores(cores))
			}
		}
	}
	has, reserved := found.Resources, found.Reserved
	for _, s := range []struct {
		key, unit       string
		withheld, total int64
	}{
		{"reserved.cpu", "MHz", reserved.Cpu.CpuShares, has.Cpu.CpuShares},
		{"reserved.memory", "MiB", reserved.Memory.MemoryMB, has.Memory.MemoryMB},
		{"reserved.disk", "MiB", reserved.Disk.DiskMB, has.Disk.DiskMB},
	} {
		if s.total > 0 && s.withheld >= s.total {
			add(s.key, "%d %s leave nothing to tasks of the %d that the node has", s.withheld, s.unit, s.total)
		}
	}
	for _, n := range c.HostNetworks {
		if !slices.ContainsFunc(has.NodeNetworks, func(net *api.NodeNetworkResource) bool {
			return slices.ContainsFunc(net.Addresses, func(a api.NodeNetworkAddress) bool { return a.Alias == n.Name })
		}) {
			add(fmt.Sprintf("host_network %q", n.Name), "no address of this machine belongs to it; interfaces and their addresses are looked at again later")
		}
	}
	for _, v := range c.HostVolumes {
		if _, err := os.Stat(v.Path); errors.Is(err, fs.ErrNotExist) {
			add(fmt.Sprintf("host_volume %q", v.Name), "%q does not exist; tasks that mount it fail until it does", v.Path)
		}
	}
	for _, source := range slices.Sorted(maps.Keys(c.ChrootEnv)) {
		if _, err := os.Stat(source); errors.Is(err, fs.ErrNotExist) {
			add("chroot_env", "%q does not exist", source)
		}
	}
	if unknown := c.Template.UnknownFunctions(); len(unknown) > 0 {
		add("template.function_denylist", "templates have no function %s", strings.Join(unknown, ", "))
	}
	return out
}
