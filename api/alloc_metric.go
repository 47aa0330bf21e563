// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// AllocMetric is the AllocMetric object of the HTTP API, see http-types.md.
type AllocMetric struct {
	// NodesEvaluated: Counts.
	NodesEvaluated int
	// NodesFiltered: Counts.
	NodesFiltered int
	// NodesInPool: Counts.
	NodesInPool int
	// NodesExhausted: Counts.
	NodesExhausted int
	// NodePool: Pool looked at.
	NodePool string
	// NodesAvailable: Ready nodes per datacenter.
	NodesAvailable map[string]int
	// ClassFiltered: Filtered per node class / per constraint text.
	ClassFiltered map[string]int
	// ConstraintFiltered: Filtered per node class / per constraint text.
	ConstraintFiltered map[string]int
	// ClassExhausted: Exhausted per class / per dimension (`cpu`, `memory`, `disk`, `network: …`, `devices`, …).
	ClassExhausted map[string]int
	// DimensionExhausted: Exhausted per class / per dimension (`cpu`, `memory`, `disk`, `network: …`, `devices`, …).
	DimensionExhausted map[string]int
	// QuotaExhausted: Enterprise.
	QuotaExhausted []string
	// ResourcesExhausted: Per task.
	ResourcesExhausted map[string]*Resources
	// Scores: Obsolete, `null` in reads.
	Scores map[string]float64
	// ScoreMetaData: `[{NodeID, Scores:{name: float}, NormScore}]`, best first.
	ScoreMetaData []*NodeScoreMeta
	// AllocationTime: Time spent.
	AllocationTime time.Duration
	// CoalescedFailures: Further identical failures.
	CoalescedFailures int
	// Placement is everything that stands in the way of a failed placement and what would help, as
	// JobPlacement has it. It is no part of the contract: plans and reads of single evaluations carry it when
	// asked to explain, computed for what still waits as things are at that time. Nothing of it is stored.
	Placement *GroupPlacement `json:",omitempty"`
}

// NodeScoreMeta is the score of one candidate node, by scorer name and normalised.
type NodeScoreMeta struct {
	NodeID    string
	Scores    map[string]float64
	NormScore float64
}
