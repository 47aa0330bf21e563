// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
)

// volumeHandlers serve the lists of volumes and plugins, of which there are none yet.
func (e *Env) volumeHandlers(set *opset.Set) {
	handleRead(e, set, api.VolumeList, func(tx *readTx, r *api.VolumeListRequest) ([]*api.HostVolumeStub, error) {
		switch r.Type {
		case "", "host", "csi":
			return none[api.HostVolumeStub](tx)
		}
		return nil, notFound("resource not found")
	})
	handleRead(e, set, api.HostVolumeGet, func(_ *readTx, r *api.HostVolumeRequest) (*api.HostVolume, error) {
		if err := checkID("host volume", r.VolumeID); err != nil {
			return nil, err
		}
		return nil, notFound("volume not found")
	})
	handleRead(e, set, api.VolumeClaimList, func(tx *readTx, _ *api.VolumeClaimListRequest) ([]*api.TaskGroupHostVolumeClaim, error) {
		return none[api.TaskGroupHostVolumeClaim](tx)
	})
	handleRead(e, set, api.PluginList, func(tx *readTx, r *api.PluginListRequest) (api.CSIPluginList, error) {
		if r.Type != "" && r.Type != "csi" {
			return nil, nil // Compat: the answer has no body
		}
		return none[api.CSIPluginListStub](tx)
	})
}

// none is the list of a kind of objects that do not exist yet; it refuses what lists refuse.
func none[T any](tx *readTx) ([]*T, error) {
	return list(tx, page[T]{rows: func(func(*T) bool) {}}, func(row *T) *T { return row })
}
