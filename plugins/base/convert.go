// SPDX-License-Identifier: MPL-2.0

package base

import (
	"fmt"

	basepb "github.com/nomadlike/nomadlike/plugins/base/proto"
)

// infoToProto converts for the wire.
func infoToProto(info *Info) (*basepb.PluginInfoResponse, error) {
	out := &basepb.PluginInfoResponse{
		PluginApiVersions: info.APIVersions,
		PluginVersion:     info.Version,
		Name:              info.Name,
	}
	switch info.Type {
	case TypeDriver:
		out.Type = basepb.PluginType_DRIVER
	case TypeDevice:
		out.Type = basepb.PluginType_DEVICE
	default:
		return nil, fmt.Errorf("plugin has the unknown type %q", info.Type)
	}
	return out, nil
}

// infoFromProto converts from the wire; an unknown type is an error.
func infoFromProto(in *basepb.PluginInfoResponse) (*Info, error) {
	out := &Info{
		APIVersions: in.GetPluginApiVersions(),
		Version:     in.GetPluginVersion(),
		Name:        in.GetName(),
	}
	switch in.GetType() {
	case basepb.PluginType_DRIVER:
		out.Type = TypeDriver
	case basepb.PluginType_DEVICE:
		out.Type = TypeDevice
	default:
		return nil, fmt.Errorf("plugin %q reports the unknown type %d", in.GetName(), in.GetType())
	}
	return out, nil
}

// driverHostToProto converts for the wire; nil stays nil.
func driverHostToProto(in *DriverHost) *basepb.NomadConfig {
	if in == nil {
		return nil
	}
	return &basepb.NomadConfig{Driver: &basepb.NomadDriverConfig{
		ClientMinPort: in.ClientMinPort,
		ClientMaxPort: in.ClientMaxPort,
		Topology:      topologyToProto(in.Topology),
	}}
}

// driverHostFromProto converts from the wire; an absent part stays nil.
func driverHostFromProto(in *basepb.NomadConfig) *DriverHost {
	driver := in.GetDriver()
	if driver == nil {
		return nil
	}
	return &DriverHost{
		ClientMinPort: driver.GetClientMinPort(),
		ClientMaxPort: driver.GetClientMaxPort(),
		Topology:      topologyFromProto(driver.GetTopology()),
	}
}

// topologyToProto converts for the wire. It always returns a message with a
// distance matrix, because plugins in the field dereference both, and one of
// exactly dimension² values, because they index it without looking.
func topologyToProto(in *Topology) *basepb.ClientTopology {
	out := &basepb.ClientTopology{Distances: &basepb.ClientTopologySLIT{}}
	if in == nil {
		return out
	}
	out.NodeIds = in.NodeIDs
	out.OverrideTotalCompute = in.OverrideTotal
	out.OverrideWitholdCompute = in.OverrideWithheld
	out.Distances = distancesToProto(in.Distances)
	for _, core := range in.Cores {
		grade := basepb.CoreGrade_Performance
		if core.Efficiency {
			grade = basepb.CoreGrade_Efficiency
		}
		out.Cores = append(out.Cores, &basepb.ClientTopologyCore{
			SocketId:   core.SocketID,
			NodeId:     core.NodeID,
			CoreId:     core.ID,
			CoreGrade:  grade,
			Disable:    core.Disabled,
			BaseSpeed:  core.BaseSpeed,
			MaxSpeed:   core.MaxSpeed,
			GuessSpeed: core.GuessSpeed,
		})
	}
	return out
}

// distancesToProto flattens a square matrix; one that is not square becomes
// empty.
func distancesToProto(in [][]uint32) *basepb.ClientTopologySLIT {
	out := &basepb.ClientTopologySLIT{Dimension: uint32(len(in))}
	for _, row := range in {
		if len(row) != len(in) {
			return &basepb.ClientTopologySLIT{}
		}
		out.Values = append(out.Values, row...)
	}
	return out
}

// topologyFromProto converts from the wire; nil stays nil.
func topologyFromProto(in *basepb.ClientTopology) *Topology {
	if in == nil {
		return nil
	}
	out := &Topology{
		NodeIDs:          in.GetNodeIds(),
		OverrideTotal:    in.GetOverrideTotalCompute(),
		OverrideWithheld: in.GetOverrideWitholdCompute(),
	}
	dimension := int(in.GetDistances().GetDimension())
	flat := in.GetDistances().GetValues()
	if dimension > 0 && len(flat)%dimension == 0 && len(flat)/dimension == dimension {
		for row := range dimension {
			out.Distances = append(out.Distances, flat[row*dimension:(row+1)*dimension])
		}
	}
	for _, core := range in.GetCores() {
		out.Cores = append(out.Cores, Core{
			SocketID:   core.GetSocketId(),
			NodeID:     core.GetNodeId(),
			ID:         core.GetCoreId(),
			Efficiency: core.GetCoreGrade() == basepb.CoreGrade_Efficiency,
			Disabled:   core.GetDisable(),
			BaseSpeed:  core.GetBaseSpeed(),
			MaxSpeed:   core.GetMaxSpeed(),
			GuessSpeed: core.GetGuessSpeed(),
		})
	}
	return out
}
