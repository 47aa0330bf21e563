// SPDX-License-Identifier: MPL-2.0

package taskenv

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// builtins sets the variables of runtime.md 1.1 and 1.2.
func builtins(in *Input, vars map[string]string) {
	set := func(name, value string) {
		if value != "" {
			vars[clean(name)] = value
		}
	}
	a := in.Alloc
	set("NOMAD_ALLOC_DIR", in.Dirs.Alloc)
	set("NOMAD_TASK_DIR", in.Dirs.Task)
	set("NOMAD_SECRETS_DIR", in.Dirs.Secrets)
	set("NOMAD_ALLOC_ID", a.ID)
	set("NOMAD_SHORT_ALLOC_ID", api.ShortID(a.ID))
	set("NOMAD_ALLOC_NAME", a.Name)
	if i := a.Index(); i >= 0 {
		set("NOMAD_ALLOC_INDEX", strconv.Itoa(i))
	}
	set("NOMAD_GROUP_NAME", a.TaskGroup)
	set("NOMAD_JOB_ID", a.JobID)
	set("NOMAD_NAMESPACE", a.Namespace)
	if j := a.Job; j != nil {
		set("NOMAD_JOB_NAME", j.Name)
		set("NOMAD_JOB_PARENT_ID", j.ParentID)
	}
	if in.Task != nil {
		set("NOMAD_TASK_NAME", in.Task.Name)
		resources(a, in.Task.Name, vars)
	}
	set("NOMAD_REGION", in.Region)
	if in.Node != nil {
		set("NOMAD_DC", in.Node.Datacenter)
		set("NOMAD_PARENT_CGROUP", in.Node.CgroupParent)
	}
	ports(in, set)
	legacyNetworks(in, set)
	upstreams(a, vars)
}

func resources(a *api.Allocation, task string, vars map[string]string) {
	if a.AllocatedResources == nil {
		return
	}
	r := a.AllocatedResources.Tasks[task]
	if r == nil {
		return
	}
	vars["NOMAD_MEMORY_LIMIT"] = strconv.FormatInt(r.Memory.MemoryMB, 10)
	if r.Memory.MemoryMaxMB != 0 {
		vars["NOMAD_MEMORY_MAX_LIMIT"] = strconv.FormatInt(r.Memory.MemoryMaxMB, 10)
	}
	vars["NOMAD_CPU_LIMIT"] = strconv.FormatInt(r.Cpu.CpuShares, 10)
	vars["NOMAD_CPU_CORES"] = Cpuset(r.Cpu.ReservedCores)
}

// ports sets the variables of the ports of the group.
func ports(in *Input, set func(name, value string)) {
	if in.Alloc.AllocatedResources == nil {
		return
	}
	for _, p := range in.Alloc.AllocatedResources.Shared.Ports {
		if p == nil {
			continue
		}
		host := strconv.Itoa(p.Value)
		mapped := host
		if p.To > 0 {
			mapped = strconv.Itoa(p.To)
		}
		inside := mapped
		if port, ok := in.DriverPorts[p.Label]; ok && port > 0 {
			inside = strconv.Itoa(port)
		}
		set("NOMAD_PORT_"+p.Label, inside)
		set("NOMAD_HOST_PORT_"+p.Label, host)
		set("NOMAD_IP_"+p.Label, p.HostIP)
		set("NOMAD_HOST_IP_"+p.Label, p.HostIP)
		set("NOMAD_ADDR_"+p.Label, net.JoinHostPort(p.HostIP, host))
		set("NOMAD_HOST_ADDR_"+p.Label, net.JoinHostPort(p.HostIP, host))
		set("NOMAD_ALLOC_PORT_"+p.Label, mapped)
		if n := in.Network; n != nil && n.Address != "" {
			set("NOMAD_ALLOC_INTERFACE_"+p.Label, n.InterfaceName)
			set("NOMAD_ALLOC_IP_"+p.Label, n.Address)
			set("NOMAD_ALLOC_ADDR_"+p.Label, net.JoinHostPort(n.Address, mapped))
		}
	}
}

// legacyNetworks sets the variables of networks that belong to single tasks, the old form.
func legacyNetworks(in *Input, set func(name, value string)) {
	if in.Alloc.AllocatedResources == nil {
		return
	}
	for task, r := range in.Alloc.AllocatedResources.Tasks {
		if r == nil {
			continue
		}
		own := in.Task != nil && task == in.Task.Name
		for _, n := range r.Networks {
			for _, p := range slices.Concat(n.ReservedPorts, n.DynamicPorts) {
				legacyPort(in, set, task, own, n.IP, p)
			}
		}
	}
}

func legacyPort(in *Input, set func(name, value string), task string, own bool, ip string, p *api.Port) {
	host := strconv.Itoa(p.Value)
	if !own {
		set("NOMAD_ADDR_"+task+"_"+p.Label, net.JoinHostPort(ip, host))
		set("NOMAD_IP_"+task+"_"+p.Label, ip)
		set("NOMAD_PORT_"+task+"_"+p.Label, host)
		return
	}
	inside := host
	if p.To > 0 {
		inside = strconv.Itoa(p.To)
	}
	if port, ok := in.DriverPorts[p.Label]; ok && port > 0 {
		inside = strconv.Itoa(port)
	}
	set("NOMAD_PORT_"+p.Label, inside)
	set("NOMAD_HOST_PORT_"+p.Label, host)
	set("NOMAD_IP_"+p.Label, ip)
	set("NOMAD_HOST_IP_"+p.Label, ip)
	set("NOMAD_ADDR_"+p.Label, net.JoinHostPort(ip, host))
	set("NOMAD_HOST_ADDR_"+p.Label, net.JoinHostPort(ip, host))
	if parsed := net.ParseIP(ip); parsed != nil {
		if parsed.To4() != nil {
			set("NOMAD_IPv4_"+p.Label, ip)
		} else {
			set("NOMAD_IPv6_"+p.Label, ip)
		}
	}
}

// upstreams sets the addresses of mesh upstreams, under the name as written and under a name that a
// shell accepts.
func upstreams(a *api.Allocation, vars map[string]string) {
	g := a.Group()
	if g == nil {
		return
	}
	for _, s := range g.Services {
		if s == nil || s.Connect == nil || s.Connect.SidecarService == nil || s.Connect.SidecarService.Proxy == nil {
			continue
		}
		for _, u := range s.Connect.SidecarService.Proxy.Upstreams {
			port := strconv.Itoa(u.LocalBindPort)
			safe := strings.TrimPrefix(clean("NOMAD_META_"+u.DestinationName), "NOMAD_META_")
			for _, name := range []string{u.DestinationName, safe} {
				vars["NOMAD_UPSTREAM_IP_"+name] = "127.0.0.1"
				vars["NOMAD_UPSTREAM_PORT_"+name] = port
				vars["NOMAD_UPSTREAM_ADDR_"+name] = "127.0.0.1:" + port
			}
		}
	}
}

// Cpuset renders core IDs as a cpuset, "1-3,7"; empty for none.
func Cpuset(cores []uint16) string {
	if len(cores) == 0 {
		return ""
	}
	sorted := slices.Clone(cores)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	var b strings.Builder
	for i := 0; i < len(sorted); {
		end := i
		for end+1 < len(sorted) && sorted[end+1] == sorted[end]+1 {
			end++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(sorted[i])))
		if end > i {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(int(sorted[end])))
		}
		i = end + 1
	}
	return b.String()
}
