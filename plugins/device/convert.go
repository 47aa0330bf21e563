// SPDX-License-Identifier: MPL-2.0

package device

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/nomadlike/nomadlike/plugins/base"
	devicepb "github.com/nomadlike/nomadlike/plugins/device/proto"
	"github.com/nomadlike/nomadlike/plugins/values"
)

func fingerprintToProto(in *Fingerprint) *devicepb.FingerprintResponse {
	out := &devicepb.FingerprintResponse{}
	for _, group := range in.Groups {
		wire := &devicepb.DeviceGroup{
			Vendor:     group.Vendor,
			DeviceType: group.Type,
			DeviceName: group.Name,
			Attributes: values.AttributesToProto(group.Attributes),
		}
		for _, device := range group.Devices {
			detected := &devicepb.DetectedDevice{
				ID: device.ID, Healthy: device.Healthy, HealthDescription: device.HealthDescription,
			}
			if device.PCIBusID != "" {
				detected.HwLocality = &devicepb.DeviceLocality{PciBusId: device.PCIBusID}
			}
			wire.Devices = append(wire.Devices, detected)
		}
		out.DeviceGroup = append(out.DeviceGroup, wire)
	}
	return out
}

func fingerprintFromProto(in *devicepb.FingerprintResponse) *Fingerprint {
	out := &Fingerprint{}
	for _, wire := range in.GetDeviceGroup() {
		group := &Group{
			Vendor:     wire.GetVendor(),
			Type:       wire.GetDeviceType(),
			Name:       wire.GetDeviceName(),
			Attributes: values.AttributesFromProto(wire.GetAttributes()),
		}
		for _, detected := range wire.GetDevices() {
			group.Devices = append(group.Devices, &Device{
				ID:                detected.GetID(),
				Healthy:           detected.GetHealthy(),
				HealthDescription: base.Abridge(detected.GetHealthDescription()),
				PCIBusID:          detected.GetHwLocality().GetPciBusId(),
			})
		}
		out.Groups = append(out.Groups, group)
	}
	return out
}

func reservationToProto(in *Reservation) *devicepb.ContainerReservation {
	out := &devicepb.ContainerReservation{Envs: in.Envs}
	for _, mount := range in.Mounts {
		out.Mounts = append(out.Mounts, &devicepb.Mount{
			TaskPath: mount.TaskPath, HostPath: mount.HostPath, ReadOnly: mount.ReadOnly,
		})
	}
	for _, spec := range in.Devices {
		out.Devices = append(out.Devices, &devicepb.DeviceSpec{
			TaskPath: spec.TaskPath, HostPath: spec.HostPath, Permissions: spec.Permissions,
		})
	}
	return out
}

// reservationFromProto converts from the wire; nil stays nil.
func reservationFromProto(in *devicepb.ContainerReservation) *Reservation {
	if in == nil {
		return nil
	}
	out := &Reservation{Envs: in.GetEnvs()}
	for _, mount := range in.GetMounts() {
		out.Mounts = append(out.Mounts, &Mount{
			TaskPath: mount.GetTaskPath(), HostPath: mount.GetHostPath(), ReadOnly: mount.GetReadOnly(),
		})
	}
	for _, spec := range in.GetDevices() {
		out.Devices = append(out.Devices, &Spec{
			TaskPath: spec.GetTaskPath(), HostPath: spec.GetHostPath(), Permissions: spec.GetPermissions(),
		})
	}
	return out
}

func statsToProto(in *Stats) *devicepb.StatsResponse {
	out := &devicepb.StatsResponse{}
	for _, group := range in.Groups {
		wire := &devicepb.DeviceGroupStats{
			Vendor:        group.Vendor,
			Type:          group.Type,
			Name:          group.Name,
			InstanceStats: make(map[string]*devicepb.DeviceStats, len(group.Instances)),
		}
		for id, instance := range group.Instances {
			wire.InstanceStats[id] = &devicepb.DeviceStats{
				Summary:   values.StatToProto(instance.Summary),
				Stats:     values.StatsToProto(instance.Stats),
				Timestamp: timestamppb.New(instance.Timestamp),
			}
		}
		out.Groups = append(out.Groups, wire)
	}
	return out
}

func statsFromProto(in *devicepb.StatsResponse) *Stats {
	out := &Stats{}
	for _, wire := range in.GetGroups() {
		group := &GroupStats{
			Vendor:    wire.GetVendor(),
			Type:      wire.GetType(),
			Name:      wire.GetName(),
			Instances: make(map[string]*InstanceStats, len(wire.GetInstanceStats())),
		}
		for id, stats := range wire.GetInstanceStats() {
			var timestamp time.Time
			if t := stats.GetTimestamp(); t.IsValid() {
				timestamp = t.AsTime()
			}
			group.Instances[id] = &InstanceStats{
				Summary:   values.StatFromProto(stats.GetSummary()),
				Stats:     values.StatsFromProto(stats.GetStats()),
				Timestamp: timestamp,
			}
		}
		out.Groups = append(out.Groups, group)
	}
	return out
}
