// SPDX-License-Identifier: MPL-2.0

package task

import (
	"fmt"
	"os"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// findVolumes resolves the volumes that the task mounts.
func (r *Runner) findVolumes() error {
	r.mounts = nil
	if len(r.task.VolumeMounts) == 0 {
		return nil
	}
	if r.caps.MountConfigs == drivers.MountConfigsNone {
		return fmt.Errorf("task driver %q for %q does not support host volumes", r.task.Driver, r.name)
	}
	for _, m := range r.task.VolumeMounts {
		mount, err := r.hostVolume(m)
		if err != nil {
			return fmt.Errorf("volume %q: %w", m.Volume, err)
		}
		r.mounts = append(r.mounts, mount)
	}
	return nil
}

// hostVolume is what the driver is told of one volume_mount. It is read-only if anybody wants it to be.
func (r *Runner) hostVolume(m *api.VolumeMount) (*drivers.Mount, error) {
	request := r.alloc.Group().Volumes[m.Volume]
	if request == nil {
		return nil, fmt.Errorf("the group has no such volume")
	}
	if request.Type != api.VolumeTypeHost {
		return nil, fmt.Errorf("volumes of type %q are not supported by this client", request.Type)
	}
	source := r.env.Replace(request.Source)
	if request.PerAlloc {
		source += fmt.Sprintf("[%d]", r.alloc.Index())
	}
	volume := r.deps.Node().HostVolumes[source]
	if volume == nil {
		return nil, fmt.Errorf("this node has no host volume %q", source)
	}
	if _, err := os.Stat(volume.Path); err != nil {
		return nil, fmt.Errorf("host volume %q of this node cannot be used: %w", source, err)
	}
	return &drivers.Mount{
		TaskPath: r.env.Replace(m.Destination), HostPath: volume.Path, Propagation: m.PropagationMode,
		Readonly: volume.ReadOnly || request.ReadOnly || m.ReadOnly, SELinuxLabel: m.SELinuxLabel, RequestName: m.Volume,
	}, nil
}
