// SPDX-License-Identifier: MPL-2.0

package api

// EvalListRequest asks for evaluations; Status and JobFilter are the legacy filters.
type EvalListRequest struct {
	ReadOptions
	Status    string `query:"status"`
	JobFilter string `query:"job"`
}

// EvalRequest names one evaluation; Related adds stubs of the evaluations linked with it. Explain, an addition to
// the contract, adds everything that stands in the way of what still waits to be placed (AllocMetric.Placement).
type EvalRequest struct {
	ReadOptions
	EvalID  string `path:"eval_id"`
	Related bool   `query:"related"`
	Explain bool   `query:"explain"`
}

// EvalCountRequest counts evaluations.
type EvalCountRequest struct{ ReadOptions }

// EvalCountResponse is the number of evaluations.
type EvalCountResponse struct {
	Count int
	ResponseMeta
}

// EvalDeleteRequest deletes evaluations by ID or by filter, exactly one of them.
type EvalDeleteRequest struct {
	WriteOptions
	EvalIDs []string
	// Filter is a filter expression over the full evaluations.
	Filter string
}

// EvalDeleteResponse tells how many evaluations were deleted.
type EvalDeleteResponse struct {
	Count int
	WriteMeta
}

// Evaluation operations.
var (
	EvalList = Declare(Op[EvalListRequest, []*Evaluation]{
		Name: "Eval.List", HTTP: "GET /v1/evaluations", Mode: ModeRead, Reads: ListReads | AllNamespacesList,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List evaluations.",
	})
	EvalCount = Declare(Op[EvalCountRequest, *EvalCountResponse]{
		Name: "Eval.Count", HTTP: "GET /v1/evaluations/count", Mode: ModeRead,
		Reads: Blocking | Stale | Filtered | Prefixed | AllNamespacesList,
		Need:  Need{Namespace: []string{"read-job"}}, Doc: "Count evaluations.",
	})
	EvalGet = Declare(Op[EvalRequest, *Evaluation]{
		Name: "Eval.Get", Metric: "eval.get_eval", HTTP: "GET /v1/evaluation/{eval_id}", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Read an evaluation.",
	})
	EvalAllocations = Declare(Op[EvalRequest, []*AllocListStub]{
		Name: "Eval.Allocations", HTTP: "GET /v1/evaluation/{eval_id}/allocations", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List the allocations that an evaluation created or changed.",
	})
	EvalDelete = Declare(Op[EvalDeleteRequest, *EvalDeleteResponse]{
		Name: "Eval.Delete", HTTP: "DELETE /v1/evaluations", Mode: ModeWrite,
		Need: Need{Management: true}, Doc: "Delete evaluations while the evaluation broker is paused.",
	})
)
