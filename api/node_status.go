// SPDX-License-Identifier: MPL-2.0

package api

// Ready reports whether the node takes new allocations: status ready, eligible and not draining.
func (n *Node) Ready() bool {
	return n.Status == NodeStatusReady && !n.Drain && n.DrainStrategy == nil &&
		n.SchedulingEligibility == NodeEligible
}

// TerminalStatus reports whether the node counts as gone.
func (n *Node) TerminalStatus() bool { return n.Status == NodeStatusDown }

// InPool reports whether the node is a candidate for jobs of the pool.
func (n *Node) InPool(pool string) bool { return pool == NodePoolAll || n.NodePool == pool }
