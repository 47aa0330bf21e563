// SPDX-License-Identifier: MPL-2.0

package api

// TerminalStatus reports whether the evaluation is done: complete, failed or canceled.
func (e *Evaluation) TerminalStatus() bool {
	switch e.Status {
	case EvalStatusComplete, EvalStatusFailed, EvalStatusCanceled:
		return true
	}
	return false
}

// ShouldEnqueue reports whether the evaluation belongs into the broker.
func (e *Evaluation) ShouldEnqueue() bool { return e.Status == EvalStatusPending }

// ShouldBlock reports whether the evaluation waits for capacity.
func (e *Evaluation) ShouldBlock() bool { return e.Status == EvalStatusBlocked }
