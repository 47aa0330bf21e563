// SPDX-License-Identifier: MPL-2.0

package api

// AllocListRequest asks for allocation stubs.
type AllocListRequest struct {
	ReadOptions
	Resources bool `query:"resources"`
	// TaskStates is text because its default is true.
	TaskStates string `query:"task_states"`
}

// AllocRequest names one allocation of a read.
type AllocRequest struct {
	ReadOptions
	AllocID string `path:"alloc_id"`
}

// AllocStopRequest stops an allocation so that it is placed again.
type AllocStopRequest struct {
	WriteOptions
	AllocID         string `path:"alloc_id"`
	NoShutdownDelay bool   `query:"no_shutdown_delay"`
	Reschedule      bool   `query:"reschedule"`
}

// AllocStopResponse names the evaluation that a stop created.
type AllocStopResponse struct {
	EvalID string
	WriteMeta
}

// Allocation operations.
var (
	AllocList = Declare(Op[AllocListRequest, []*AllocListStub]{
		Name: "Alloc.List", HTTP: "GET /v1/allocations", Mode: ModeRead, Reads: ListReads | AllNamespacesList,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List allocations.",
	})
	AllocGet = Declare(Op[AllocRequest, *Allocation]{
		Name: "Alloc.Get", Metric: "alloc.get_alloc", HTTP: "GET /v1/allocation/{alloc_id}", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Read an allocation with its job.",
	})
	AllocStop = Declare(Op[AllocStopRequest, *AllocStopResponse]{
		Name: "Alloc.Stop", HTTP: "PUT /v1/allocation/{alloc_id}/stop", Mode: ModeWrite,
		Need: Need{Namespace: []string{"alloc-lifecycle"}}, Doc: "Stop an allocation and place it again.",
	})
)
