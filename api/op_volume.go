// SPDX-License-Identifier: MPL-2.0

package api

// VolumeListRequest asks for volumes of a Type, "host" or "csi"; without one there are none.
type VolumeListRequest struct {
	ReadOptions
	Type     string `query:"type"`
	PluginID string `query:"plugin_id"`
	NodeID   string `query:"node_id"`
	NodePool string `query:"node_pool"`
}

// HostVolumeRequest names one host volume.
type HostVolumeRequest struct {
	ReadOptions
	VolumeID string `path:"volume_id"`
}

// VolumeClaimListRequest asks for the claims that groups hold on host volumes.
type VolumeClaimListRequest struct {
	ReadOptions
	JobID      string `query:"job_id"`
	TaskGroup  string `query:"task_group"`
	VolumeName string `query:"volume_name"`
}

// PluginListRequest asks for volume plugins of a Type.
type PluginListRequest struct {
	ReadOptions
	Type string `query:"type"`
}

// CSIPluginList is a list of plugins; nil for a type of which there are never any.
type CSIPluginList []*CSIPluginListStub

// NoBody reports whether the answer over HTTP is empty.
func (l CSIPluginList) NoBody() bool { return l == nil }

// Volume operations; there are no volumes yet, so the lists are empty.
var (
	VolumeList = Declare(Op[VolumeListRequest, []*HostVolumeStub]{
		Name: "Volume.List", HTTP: "GET /v1/volumes", Mode: ModeRead, Reads: ListReads | AllNamespacesList,
		Need: Need{Namespace: []string{"host-volume-read", "csi-list-volume", "csi-read-volume", "list-jobs"}}, Doc: "List volumes.",
	})
	HostVolumeGet = Declare(Op[HostVolumeRequest, *HostVolume]{
		Name: "HostVolume.Get", HTTP: "GET /v1/volume/host/{volume_id}", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"host-volume-read"}}, Doc: "Read a host volume.",
	})
	VolumeClaimList = Declare(Op[VolumeClaimListRequest, []*TaskGroupHostVolumeClaim]{
		Name: "HostVolume.Claims", HTTP: "ANY /v1/volumes/claims", Mode: ModeRead, Reads: ListReads | AllNamespacesList,
		Need: Need{Namespace: []string{"host-volume-read"}}, Doc: "List the claims on host volumes.",
	})
	PluginList = Declare(Op[PluginListRequest, CSIPluginList]{
		Name: "Plugin.List", HTTP: "GET /v1/plugins", Mode: ModeRead, Reads: Blocking | Stale | Paginated | Filtered | Prefixed,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List volume plugins.",
	})
)
