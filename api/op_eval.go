// SPDX-License-Identifier: MPL-2.0

package api

// EvalListRequest asks for evaluations; Status and JobFilter are the legacy filters.
type EvalListRequest struct {
	ReadOptions
	Status    string `query:"status"`
	JobFilter string `query:"job"`
}

// EvalRequest names one evaluation; Related adds stubs of the evaluations linked with it.
type EvalRequest struct {
	ReadOptions
	EvalID  string `path:"eval_id"`
	Related bool   `query:"related"`
}

// EvalCountRequest counts evaluations.
type EvalCountRequest struct{ ReadOptions }

// EvalCountResponse is the number of evaluations.
type EvalCountResponse struct {
	Count int
	ResponseMeta
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
		Name: "Eval.Get", HTTP: "GET /v1/evaluation/{eval_id}", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Read an evaluation.",
	})
	EvalAllocations = Declare(Op[EvalRequest, []*AllocListStub]{
		Name: "Eval.Allocations", HTTP: "GET /v1/evaluation/{eval_id}/allocations", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List the allocations that an evaluation created or changed.",
	})
)
