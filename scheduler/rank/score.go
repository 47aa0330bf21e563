// SPDX-License-Identifier: MPL-2.0

package rank

import "math"

// Names of the scorers in the placement metrics.
const (
	ScoreFit          = "binpack"
	ScoreDevices      = "devices"
	ScorePreemption   = "preemption"
	ScoreAntiAffinity = "job-anti-affinity"
	ScorePenalty      = "node-reschedule-penalty"
	ScoreAffinity     = "node-affinity"
	ScoreSpread       = "allocation-spread"
	// ScoreStranded is ours: no part of the mean, but of the order.
	ScoreStranded = "stranded"
)

// maxFit is the largest value of the fit formulas: two resources, each 10^1 when empty and 10^0 when
// full, give sums between 2 and 20.
const maxFit = 18

// FitScore rates how a node is filled, 0 to 1. freeCPU and freeMemory are the fractions left after the
// placement. Bin-packing prefers full nodes, the spread algorithm empty ones.
func FitScore(freeCPU, freeMemory float64, spread bool) float64 {
	sum := math.Exp(freeCPU*math.Ln10) + math.Exp(freeMemory*math.Ln10)
	if spread {
		return min(max(sum-2, 0), maxFit) / maxFit
	}
	return min(max(20-sum, 0), maxFit) / maxFit
}

// AntiAffinityScore is the penalty for a node that already runs own allocations of a group of count.
func AntiAffinityScore(own, count int) float64 {
	if own == 0 || count == 0 {
		return 0
	}
	return -float64(own+1) / float64(count)
}

// free is the fraction of capacity that is left; a node without the resource counts as full.
func free(capacity, used int64) float64 {
	if capacity <= 0 {
		return 0
	}
	return 1 - float64(used)/float64(capacity)
}
