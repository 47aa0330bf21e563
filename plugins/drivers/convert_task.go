// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	driverspb "github.com/nomadlike/nomadlike/plugins/drivers/proto"
)

func taskConfigToProto(in *TaskConfig) *driverspb.TaskConfig {
	if in == nil {
		return nil
	}
	out := &driverspb.TaskConfig{
		Id:                   in.ID,
		Name:                 in.Name,
		MsgpackDriverConfig:  in.DriverConfig,
		Env:                  in.Env,
		DeviceEnv:            in.DeviceEnv,
		Resources:            resourcesToProto(in.Resources),
		User:                 in.User,
		AllocDir:             in.AllocDir,
		StdoutPath:           in.StdoutPath,
		StderrPath:           in.StderrPath,
		TaskGroupName:        in.TaskGroupName,
		JobName:              in.JobName,
		AllocId:              in.AllocID,
		NetworkIsolationSpec: isolationToProto(in.NetworkIsolation),
		JobId:                in.JobID,
		Namespace:            in.Namespace,
		NodeName:             in.NodeName,
		NodeId:               in.NodeID,
		ParentJobId:          in.ParentJobID,
	}
	if in.DNS != nil {
		out.Dns = &driverspb.DNSConfig{
			Servers: in.DNS.Servers, Searches: in.DNS.Searches, Options: in.DNS.Options,
		}
	}
	for _, mount := range in.Mounts {
		out.Mounts = append(out.Mounts, &driverspb.Mount{
			TaskPath:        mount.TaskPath,
			HostPath:        mount.HostPath,
			Readonly:        mount.Readonly,
			PropagationMode: mount.Propagation,
			SelinuxLabel:    mount.SELinuxLabel,
			RequestName:     mount.RequestName,
		})
	}
	for _, device := range in.Devices {
		out.Devices = append(out.Devices, &driverspb.Device{
			TaskPath: device.TaskPath, HostPath: device.HostPath, CgroupPermissions: device.Permissions,
		})
	}
	return out
}

func taskConfigFromProto(in *driverspb.TaskConfig) *TaskConfig {
	if in == nil {
		return nil
	}
	out := &TaskConfig{
		ID:               in.GetId(),
		Name:             in.GetName(),
		DriverConfig:     in.GetMsgpackDriverConfig(),
		Env:              in.GetEnv(),
		DeviceEnv:        in.GetDeviceEnv(),
		Resources:        resourcesFromProto(in.GetResources()),
		User:             in.GetUser(),
		AllocDir:         in.GetAllocDir(),
		StdoutPath:       in.GetStdoutPath(),
		StderrPath:       in.GetStderrPath(),
		TaskGroupName:    in.GetTaskGroupName(),
		JobName:          in.GetJobName(),
		AllocID:          in.GetAllocId(),
		NetworkIsolation: isolationFromProto(in.GetNetworkIsolationSpec()),
		JobID:            in.GetJobId(),
		Namespace:        in.GetNamespace(),
		NodeName:         in.GetNodeName(),
		NodeID:           in.GetNodeId(),
		ParentJobID:      in.GetParentJobId(),
	}
	if dns := in.GetDns(); dns != nil {
		out.DNS = &DNSConfig{
			Servers: dns.GetServers(), Searches: dns.GetSearches(), Options: dns.GetOptions(),
		}
	}
	for _, mount := range in.GetMounts() {
		out.Mounts = append(out.Mounts, &Mount{
			TaskPath:     mount.GetTaskPath(),
			HostPath:     mount.GetHostPath(),
			Readonly:     mount.GetReadonly(),
			Propagation:  mount.GetPropagationMode(),
			SELinuxLabel: mount.GetSelinuxLabel(),
			RequestName:  mount.GetRequestName(),
		})
	}
	for _, device := range in.GetDevices() {
		out.Devices = append(out.Devices, &Device{
			TaskPath:    device.GetTaskPath(),
			HostPath:    device.GetHostPath(),
			Permissions: device.GetCgroupPermissions(),
		})
	}
	return out
}

func resourcesToProto(in *Resources) *driverspb.Resources {
	if in == nil {
		return nil
	}
	out := &driverspb.Resources{
		AllocatedResources: &driverspb.AllocatedTaskResources{
			Cpu:    &driverspb.AllocatedCpuResources{CpuShares: in.CPUShares},
			Memory: &driverspb.AllocatedMemoryResources{MemoryMb: in.MemoryMB, MemoryMaxMb: in.MemoryMaxMB},
		},
	}
	for _, network := range in.Networks {
		out.AllocatedResources.Networks = append(out.AllocatedResources.Networks, &driverspb.NetworkResource{
			Device:        network.Device,
			Cidr:          network.CIDR,
			Ip:            network.IP,
			Mbits:         int32(network.MBits),
			ReservedPorts: portsToProto(network.ReservedPorts),
			DynamicPorts:  portsToProto(network.DynamicPorts),
		})
	}
	for _, port := range in.Ports {
		out.Ports = append(out.Ports, &driverspb.PortMapping{
			Label: port.Label, Value: int32(port.Value), To: int32(port.To), HostIp: port.HostIP,
		})
	}
	if linux := in.Linux; linux != nil {
		out.LinuxResources = &driverspb.LinuxResources{
			CpuPeriod:        linux.CPUPeriod,
			CpuQuota:         linux.CPUQuota,
			CpuShares:        linux.CPUShares,
			MemoryLimitBytes: linux.MemoryLimitBytes,
			OomScoreAdj:      linux.OOMScoreAdj,
			CpusetCpus:       linux.CpusetCpus,
			CpusetCgroup:     linux.CpusetCgroup,
			PercentTicks:     linux.PercentTicks,
		}
	}
	return out
}

func resourcesFromProto(in *driverspb.Resources) *Resources {
	if in == nil {
		return nil
	}
	allocated := in.GetAllocatedResources()
	out := &Resources{
		CPUShares:   allocated.GetCpu().GetCpuShares(),
		MemoryMB:    allocated.GetMemory().GetMemoryMb(),
		MemoryMaxMB: allocated.GetMemory().GetMemoryMaxMb(),
	}
	for _, network := range allocated.GetNetworks() {
		out.Networks = append(out.Networks, &NetworkResource{
			Device:        network.GetDevice(),
			CIDR:          network.GetCidr(),
			IP:            network.GetIp(),
			MBits:         int(network.GetMbits()),
			ReservedPorts: portsFromProto(network.GetReservedPorts()),
			DynamicPorts:  portsFromProto(network.GetDynamicPorts()),
		})
	}
	for _, port := range in.GetPorts() {
		out.Ports = append(out.Ports, &PortMapping{
			Label: port.GetLabel(), Value: int(port.GetValue()), To: int(port.GetTo()), HostIP: port.GetHostIp(),
		})
	}
	if linux := in.GetLinuxResources(); linux != nil {
		out.Linux = &LinuxResources{
			CPUPeriod:        linux.GetCpuPeriod(),
			CPUQuota:         linux.GetCpuQuota(),
			CPUShares:        linux.GetCpuShares(),
			MemoryLimitBytes: linux.GetMemoryLimitBytes(),
			OOMScoreAdj:      linux.GetOomScoreAdj(),
			CpusetCpus:       linux.GetCpusetCpus(),
			CpusetCgroup:     linux.GetCpusetCgroup(),
			PercentTicks:     linux.GetPercentTicks(),
		}
	}
	return out
}

func portsToProto(in []NetworkPort) []*driverspb.NetworkPort {
	var out []*driverspb.NetworkPort
	for _, port := range in {
		out = append(out, &driverspb.NetworkPort{Label: port.Label, Value: int32(port.Value)})
	}
	return out
}

func portsFromProto(in []*driverspb.NetworkPort) []NetworkPort {
	var out []NetworkPort
	for _, port := range in {
		out = append(out, NetworkPort{Label: port.GetLabel(), Value: int(port.GetValue())})
	}
	return out
}
