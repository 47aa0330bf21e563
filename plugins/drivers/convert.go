// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"errors"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/nomadlike/nomadlike/plugins/base"
	driverspb "github.com/nomadlike/nomadlike/plugins/drivers/proto"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// pairs maps the values of a Go enumeration to those of the wire and back.
// Values that are unknown on either side become the fallback.
type pairs[G, P comparable] struct {
	toWire   map[G]P
	fromWire map[P]G
	fallback G
}

func newPairs[G, P comparable](fallback G, toWire map[G]P) pairs[G, P] {
	fromWire := make(map[P]G, len(toWire))
	for g, p := range toWire {
		fromWire[p] = g
	}
	return pairs[G, P]{toWire: toWire, fromWire: fromWire, fallback: fallback}
}

func (p pairs[G, P]) wire(g G) P {
	if v, ok := p.toWire[g]; ok {
		return v
	}
	return p.toWire[p.fallback]
}

func (p pairs[G, P]) local(v P) G {
	if g, ok := p.fromWire[v]; ok {
		return g
	}
	return p.fallback
}

var (
	healthStates = newPairs(HealthUndetected, map[HealthState]driverspb.FingerprintResponse_HealthState{
		HealthUndetected: driverspb.FingerprintResponse_UNDETECTED,
		HealthUnhealthy:  driverspb.FingerprintResponse_UNHEALTHY,
		HealthHealthy:    driverspb.FingerprintResponse_HEALTHY,
	})
	taskStates = newPairs(TaskStateUnknown, map[TaskState]driverspb.TaskState{
		TaskStateUnknown: driverspb.TaskState_UNKNOWN,
		TaskStateRunning: driverspb.TaskState_RUNNING,
		TaskStateExited:  driverspb.TaskState_EXITED,
	})
	fsIsolations = newPairs(FSIsolationNone, map[FSIsolation]driverspb.DriverCapabilities_FSIsolation{
		FSIsolationNone:   driverspb.DriverCapabilities_NONE,
		FSIsolationChroot: driverspb.DriverCapabilities_CHROOT,
		FSIsolationImage:  driverspb.DriverCapabilities_IMAGE,
		FSIsolationUnveil: driverspb.DriverCapabilities_UNVEIL,
	})
	isolationModes = newPairs(NetworkIsolationHost,
		map[NetworkIsolationMode]driverspb.NetworkIsolationSpec_NetworkIsolationMode{
			NetworkIsolationHost:  driverspb.NetworkIsolationSpec_HOST,
			NetworkIsolationGroup: driverspb.NetworkIsolationSpec_GROUP,
			NetworkIsolationTask:  driverspb.NetworkIsolationSpec_TASK,
			NetworkIsolationNone:  driverspb.NetworkIsolationSpec_NONE,
		})
)

func capabilitiesToProto(in *Capabilities) *driverspb.DriverCapabilities {
	out := &driverspb.DriverCapabilities{
		SendSignals:          in.SendSignals,
		Exec:                 in.Exec,
		FsIsolation:          fsIsolations.wire(in.FSIsolation),
		MustCreateNetwork:    in.MustCreateNetwork,
		DisableLogCollection: in.DisableLogCollection,
		DynamicWorkloadUsers: in.DynamicWorkloadUsers,
	}
	if in.MountConfigs == MountConfigsNone {
		out.MountConfigs = driverspb.DriverCapabilities_NO_MOUNTS
	}
	for _, mode := range in.NetworkIsolationModes {
		out.NetworkIsolationModes = append(out.NetworkIsolationModes, isolationModes.wire(mode))
	}
	return out
}

func capabilitiesFromProto(in *driverspb.DriverCapabilities) *Capabilities {
	out := &Capabilities{
		SendSignals:          in.GetSendSignals(),
		Exec:                 in.GetExec(),
		FSIsolation:          fsIsolations.local(in.GetFsIsolation()),
		MustCreateNetwork:    in.GetMustCreateNetwork(),
		DisableLogCollection: in.GetDisableLogCollection(),
		DynamicWorkloadUsers: in.GetDynamicWorkloadUsers(),
	}
	if in.GetMountConfigs() == driverspb.DriverCapabilities_NO_MOUNTS {
		out.MountConfigs = MountConfigsNone
	}
	for _, mode := range in.GetNetworkIsolationModes() {
		out.NetworkIsolationModes = append(out.NetworkIsolationModes, isolationModes.local(mode))
	}
	return out
}

func fingerprintToProto(in *Fingerprint) *driverspb.FingerprintResponse {
	out := &driverspb.FingerprintResponse{
		Attributes:        values.AttributesToProto(in.Attributes),
		Health:            healthStates.wire(in.Health),
		HealthDescription: in.HealthDescription,
	}
	if in.Err != nil {
		out.Err = in.Err.Error()
	}
	return out
}

func fingerprintFromProto(in *driverspb.FingerprintResponse) *Fingerprint {
	out := &Fingerprint{
		Attributes:        values.AttributesFromProto(in.GetAttributes()),
		Health:            healthStates.local(in.GetHealth()),
		HealthDescription: base.Abridge(in.GetHealthDescription()),
	}
	if in.GetErr() != "" {
		out.Err = errors.New(base.Abridge(in.GetErr()))
	}
	return out
}

func eventToProto(in *TaskEvent) *driverspb.DriverTaskEvent {
	return &driverspb.DriverTaskEvent{
		TaskId:      in.TaskID,
		AllocId:     in.AllocID,
		TaskName:    in.TaskName,
		Timestamp:   timestamppb.New(in.Timestamp),
		Message:     in.Message,
		Annotations: in.Annotations,
	}
}

// maxAnnotations is how many annotations of an event are taken.
const maxAnnotations = 64

func eventFromProto(in *driverspb.DriverTaskEvent) *TaskEvent {
	var annotations map[string]string
	for _, name := range slices.Sorted(maps.Keys(in.GetAnnotations())) {
		if len(annotations) == maxAnnotations {
			break
		}
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[base.Abridge(name)] = base.Abridge(in.GetAnnotations()[name])
	}
	return &TaskEvent{
		TaskID:      in.GetTaskId(),
		AllocID:     in.GetAllocId(),
		TaskName:    in.GetTaskName(),
		Timestamp:   timeFromProto(in.GetTimestamp()),
		Message:     base.Abridge(in.GetMessage()),
		Annotations: annotations,
	}
}

// timeFromProto converts from the wire; a time that is absent or beyond the year 9999 is the zero time.
func timeFromProto(in *timestamppb.Timestamp) time.Time {
	if !in.IsValid() {
		return time.Time{}
	}
	return in.AsTime()
}

func handleToProto(in *TaskHandle) *driverspb.TaskHandle {
	if in == nil {
		return nil
	}
	return &driverspb.TaskHandle{
		Version:     int32(in.Version),
		Config:      taskConfigToProto(in.Config),
		State:       taskStates.wire(in.State),
		DriverState: in.DriverState,
	}
}

func handleFromProto(in *driverspb.TaskHandle) *TaskHandle {
	if in == nil {
		return nil
	}
	return &TaskHandle{
		Version:     int(in.GetVersion()),
		Config:      taskConfigFromProto(in.GetConfig()),
		State:       taskStates.local(in.GetState()),
		DriverState: in.GetDriverState(),
	}
}

func isolationToProto(in *NetworkIsolationSpec) *driverspb.NetworkIsolationSpec {
	if in == nil {
		return nil
	}
	out := &driverspb.NetworkIsolationSpec{
		Mode: isolationModes.wire(in.Mode), Path: in.Path, Labels: in.Labels,
	}
	if in.Hosts != nil {
		out.HostsConfig = &driverspb.HostsConfig{Hostname: in.Hosts.Hostname, Address: in.Hosts.Address}
	}
	return out
}

func isolationFromProto(in *driverspb.NetworkIsolationSpec) *NetworkIsolationSpec {
	if in == nil {
		return nil
	}
	out := &NetworkIsolationSpec{
		Mode: isolationModes.local(in.GetMode()), Path: in.GetPath(), Labels: in.GetLabels(),
	}
	if hosts := in.GetHostsConfig(); hosts != nil {
		out.Hosts = &HostsConfig{Hostname: hosts.GetHostname(), Address: hosts.GetAddress()}
	}
	return out
}

func overrideToProto(in *NetworkOverride) *driverspb.NetworkOverride {
	if in == nil {
		return nil
	}
	out := &driverspb.NetworkOverride{Addr: in.IP, AutoAdvertise: in.AutoAdvertise}
	if len(in.PortMap) > 0 {
		out.PortMap = make(map[string]int32, len(in.PortMap))
		for label, port := range in.PortMap {
			out.PortMap[label] = int32(port)
		}
	}
	return out
}

func overrideFromProto(in *driverspb.NetworkOverride) *NetworkOverride {
	if in == nil {
		return nil
	}
	out := &NetworkOverride{IP: in.GetAddr(), AutoAdvertise: in.GetAutoAdvertise()}
	if len(in.GetPortMap()) > 0 {
		out.PortMap = make(map[string]int, len(in.GetPortMap()))
		for label, port := range in.GetPortMap() {
			out.PortMap[label] = int(port)
		}
	}
	return out
}

// exitToProto converts for the wire. It never returns nil, because hosts
// dereference the message; the error of the result travels elsewhere.
func exitToProto(in *ExitResult) *driverspb.ExitResult {
	if in == nil {
		return &driverspb.ExitResult{}
	}
	return &driverspb.ExitResult{
		ExitCode: int32(in.ExitCode), Signal: int32(in.Signal), OomKilled: in.OOMKilled,
	}
}

// exitFromProto converts from the wire. An absent result is a zero one.
func exitFromProto(in *driverspb.ExitResult) *ExitResult {
	return &ExitResult{
		ExitCode: int(in.GetExitCode()), Signal: int(in.GetSignal()), OOMKilled: in.GetOomKilled(),
	}
}

func statusToProto(in *TaskStatus) *driverspb.InspectTaskResponse {
	return &driverspb.InspectTaskResponse{
		Task: &driverspb.TaskStatus{
			Id:          in.ID,
			Name:        in.Name,
			State:       taskStates.wire(in.State),
			StartedAt:   timestamppb.New(in.StartedAt),
			CompletedAt: timestamppb.New(in.CompletedAt),
			Result:      exitToProto(in.Exit),
		},
		Driver:          &driverspb.TaskDriverStatus{Attributes: in.DriverAttributes},
		NetworkOverride: overrideToProto(in.NetworkOverride),
	}
}

func statusFromProto(in *driverspb.InspectTaskResponse) *TaskStatus {
	task := in.GetTask()
	return &TaskStatus{
		ID:               task.GetId(),
		Name:             task.GetName(),
		State:            taskStates.local(task.GetState()),
		StartedAt:        timeFromProto(task.GetStartedAt()),
		CompletedAt:      timeFromProto(task.GetCompletedAt()),
		Exit:             exitFromProto(task.GetResult()),
		DriverAttributes: in.GetDriver().GetAttributes(),
		NetworkOverride:  overrideFromProto(in.GetNetworkOverride()),
	}
}
