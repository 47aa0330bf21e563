// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"slices"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// unblockMemory is how long an unblock is remembered for evaluations whose scheduling began before it.
const unblockMemory = 15 * time.Minute

// Blocked keeps the evaluations that wait for capacity, at most one a job (for system jobs one a job and
// node), and releases them when something they wait for changed. An evaluation is released by a class of
// nodes that it found eligible or has not seen; one that escaped class caching by every class.
//
// A change that came after the snapshot of an evaluation releases it at once, however late it is put
// here. All methods are safe for concurrent use.
type Blocked struct {
	release func(evals []*api.Evaluation)

	mu struct {
		sync.Mutex
		enabled bool
		evals   map[string]*api.Evaluation
		jobs    map[blockKey]string
		byJob   map[jobKey][]string
		// byNode holds system evaluations that wait for one node.
		byNode map[string]map[string]struct{}
		// escaped and maxPlans are subsets of evals.
		escaped  map[string]struct{}
		maxPlans map[string]struct{}
		// duplicates were superseded and are to be written as canceled.
		duplicates []Canceled
		// unblocks remembers the newest index per class, node or everything.
		unblocks map[unblockKey]unblocked
		newest   uint64 // newest index of any class
	}
}

// everyClass stands for a change that may help every evaluation: no evaluation has seen this class.
const everyClass = ""

// Canceled is an evaluation to be written as canceled, with the reason.
type Canceled struct {
	Eval   *api.Evaluation
	Reason string
}

// blockKey is what only one blocked evaluation exists for.
type blockKey struct {
	jobKey
	nodeID string
}

type unblockKey struct{ class, nodeID string }

type unblocked struct {
	index uint64
	at    time.Time
}

// NewBlocked returns a disabled Blocked that hands released evaluations to release.
func NewBlocked(release func([]*api.Evaluation)) *Blocked {
	b := &Blocked{release: release}
	b.resetLocked()
	return b
}

func (b *Blocked) resetLocked() {
	b.mu.evals = map[string]*api.Evaluation{}
	b.mu.jobs = map[blockKey]string{}
	b.mu.byJob = map[jobKey][]string{}
	b.mu.byNode = map[string]map[string]struct{}{}
	b.mu.escaped = map[string]struct{}{}
	b.mu.maxPlans = map[string]struct{}{}
	b.mu.duplicates = nil
	b.mu.unblocks = map[unblockKey]unblocked{}
	b.mu.newest = 0
}

// perNode reports whether jobs of the type run once on each node, and what their evaluations lack is of a node.
func perNode(kind string) bool { return kind == api.JobTypeSystem || kind == api.JobTypeSysBatch }

// SetEnabled switches tracking on or off; switching off forgets everything.
func (b *Blocked) SetEnabled(enabled bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.enabled == enabled {
		return
	}
	b.mu.enabled = enabled
	b.resetLocked()
}

func blockKeyOf(e *api.Evaluation) blockKey {
	k := blockKey{jobKey: keyOf(e)}
	if perNode(e.Type) {
		k.nodeID = e.NodeID
	}
	return k
}

// Block adds an evaluation or replaces an older version of it. It is released right away when something
// it waits for changed after its snapshot. Of two evaluations of one job the newer one stays.
func (b *Blocked) Block(e *api.Evaluation) {
	b.mu.Lock()
	released := b.blockLocked(e)
	b.mu.Unlock()
	if released {
		b.release([]*api.Evaluation{e})
	}
}

func (b *Blocked) blockLocked(e *api.Evaluation) (released bool) {
	if !b.mu.enabled {
		return false
	}
	if old := b.mu.evals[e.ID]; old != nil {
		if old.ModifyIndex >= e.ModifyIndex {
			return false
		}
		b.removeLocked(old)
	}
	key := blockKeyOf(e)
	if id, ok := b.mu.jobs[key]; ok {
		other := b.mu.evals[id]
		reason := `existing blocked evaluation exists for job "` + e.JobID + `"`
		if newer(other, e) {
			b.mu.duplicates = append(b.mu.duplicates, Canceled{e, reason})
			return false
		}
		b.removeLocked(other)
		b.mu.duplicates = append(b.mu.duplicates, Canceled{other, reason})
	}
	if b.missedLocked(e) {
		return true
	}
	b.mu.evals[e.ID] = e
	b.mu.jobs[key] = e.ID
	b.mu.byJob[key.jobKey] = append(b.mu.byJob[key.jobKey], e.ID)
	if key.nodeID != "" {
		ids := b.mu.byNode[key.nodeID]
		if ids == nil {
			ids = map[string]struct{}{}
			b.mu.byNode[key.nodeID] = ids
		}
		ids[e.ID] = struct{}{}
	}
	if escapes(e) {
		b.mu.escaped[e.ID] = struct{}{}
	}
	if e.TriggeredBy == api.TriggerMaxPlans {
		b.mu.maxPlans[e.ID] = struct{}{}
	}
	return false
}

// escapes reports whether any class of nodes may help the evaluation: its constraints are about single
// nodes, or it waits for something that no class tells, such as a volume.
func escapes(e *api.Evaluation) bool {
	return e.EscapedComputedClass || len(e.MissingNonNodeResources) > 0 || len(e.ClassEligibility) == 0
}

// helps reports whether a change of the class may help the evaluation.
func helps(e *api.Evaluation, class string) bool {
	if escapes(e) {
		return true
	}
	eligible, seen := e.ClassEligibility[class]
	return eligible || !seen
}

// missedLocked reports whether something the evaluation waits for changed after its snapshot.
func (b *Blocked) missedLocked(e *api.Evaluation) bool {
	if b.mu.newest <= e.SnapshotIndex {
		return false
	}
	nodeID := blockKeyOf(e).nodeID
	for key, u := range b.mu.unblocks {
		if u.index <= e.SnapshotIndex {
			continue
		}
		if key.nodeID != "" {
			if key.nodeID == nodeID {
				return true
			}
		} else if helps(e, key.class) {
			return true
		}
	}
	return false
}

func (b *Blocked) removeLocked(e *api.Evaluation) {
	key := blockKeyOf(e)
	delete(b.mu.evals, e.ID)
	delete(b.mu.escaped, e.ID)
	delete(b.mu.maxPlans, e.ID)
	if b.mu.jobs[key] == e.ID {
		delete(b.mu.jobs, key)
	}
	ids := slices.DeleteFunc(b.mu.byJob[key.jobKey], func(id string) bool { return id == e.ID })
	if len(ids) == 0 {
		delete(b.mu.byJob, key.jobKey)
	} else {
		b.mu.byJob[key.jobKey] = ids
	}
	if ids := b.mu.byNode[key.nodeID]; ids != nil {
		delete(ids, e.ID)
		if len(ids) == 0 {
			delete(b.mu.byNode, key.nodeID)
		}
	}
}

// Remove forgets an evaluation that reached a final status by other means or was deleted.
func (b *Blocked) Remove(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.mu.evals[id]; e != nil {
		b.removeLocked(e)
	}
}

// Untrack forgets the evaluations of a job that need nothing any more, because it is stopped or fully
// placed, and queues them for cancellation. A nodeID restricts that to what waits for the node.
func (b *Blocked) Untrack(namespace, jobID, nodeID, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range slices.Clone(b.mu.byJob[jobKey{namespace, jobID}]) {
		e := b.mu.evals[id]
		if nodeID != "" && blockKeyOf(e).nodeID != nodeID {
			continue
		}
		b.removeLocked(e)
		b.mu.duplicates = append(b.mu.duplicates, Canceled{e, reason})
	}
}

// Unblock releases what waits for capacity of the classes; index is the raft index of the change.
// Evaluations whose scheduling saw the change already stay.
func (b *Blocked) Unblock(index uint64, classes ...string) {
	b.unblock(index, classes, nil)
}

// UnblockNode releases system evaluations that wait for the node.
func (b *Blocked) UnblockNode(index uint64, nodeIDs ...string) {
	b.unblock(index, nil, nodeIDs)
}

func (b *Blocked) unblock(index uint64, classes, nodeIDs []string) {
	b.mu.Lock()
	if !b.mu.enabled {
		b.mu.Unlock()
		return
	}
	var released []*api.Evaluation
	for _, class := range classes {
		b.rememberLocked(unblockKey{class: class}, index)
	}
	if len(classes) > 0 {
		for _, e := range b.mu.evals {
			if e.SnapshotIndex < index && slices.ContainsFunc(classes, func(class string) bool { return helps(e, class) }) {
				released = append(released, e)
			}
		}
	}
	for _, nodeID := range nodeIDs {
		b.rememberLocked(unblockKey{nodeID: nodeID}, index)
		for id := range b.mu.byNode[nodeID] {
			if e := b.mu.evals[id]; e.SnapshotIndex < index {
				released = append(released, e)
			}
		}
	}
	b.finishRelease(released)
}

// UnblockAll releases everything, for a change that may help any evaluation.
func (b *Blocked) UnblockAll(index uint64) {
	b.mu.Lock()
	if b.mu.enabled {
		b.rememberLocked(unblockKey{class: everyClass}, index)
	}
	released := make([]*api.Evaluation, 0, len(b.mu.evals))
	for _, e := range b.mu.evals {
		if e.SnapshotIndex < index {
			released = append(released, e)
		}
	}
	b.finishRelease(released)
}

// UnblockMaxPlans releases the evaluations that lost too many races for the same nodes.
func (b *Blocked) UnblockMaxPlans() {
	b.mu.Lock()
	released := make([]*api.Evaluation, 0, len(b.mu.maxPlans))
	for id := range b.mu.maxPlans {
		released = append(released, b.mu.evals[id])
	}
	b.finishRelease(released)
}

// finishRelease unlocks and hands the evaluations over, in the order of the broker.
func (b *Blocked) finishRelease(released []*api.Evaluation) {
	seen := released[:0]
	for _, e := range released {
		if b.mu.evals[e.ID] == e {
			b.removeLocked(e)
			seen = append(seen, e)
		}
	}
	b.mu.Unlock()
	if len(seen) == 0 {
		return
	}
	slices.SortFunc(seen, func(x, y *api.Evaluation) int {
		if before(x, y) {
			return -1
		}
		return 1
	})
	b.release(seen)
}

func (b *Blocked) rememberLocked(key unblockKey, index uint64) {
	if u := b.mu.unblocks[key]; u.index < index {
		b.mu.unblocks[key] = unblocked{index: index, at: time.Now()}
	}
	b.mu.newest = max(b.mu.newest, index)
}

// Remember records a change of the class without releasing anything, for the restore of what an
// earlier leader may have missed.
func (b *Blocked) Remember(index uint64, class string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.enabled {
		b.rememberLocked(unblockKey{class: class}, index)
	}
}

// Prune forgets changes that no evaluation in progress can have missed.
func (b *Blocked) Prune() {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := time.Now().Add(-unblockMemory)
	for key, u := range b.mu.unblocks {
		if u.at.Before(limit) {
			delete(b.mu.unblocks, key)
		}
	}
}

// Duplicates takes at most limit evaluations that are to be written as canceled.
func (b *Blocked) Duplicates(limit int) []Canceled {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(limit, len(b.mu.duplicates))
	batch := b.mu.duplicates[:n:n]
	if b.mu.duplicates = b.mu.duplicates[n:]; len(b.mu.duplicates) == 0 {
		b.mu.duplicates = nil
	}
	return batch
}

// ReturnDuplicates gives back what could not be written.
func (b *Blocked) ReturnDuplicates(list []Canceled) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.enabled {
		b.mu.duplicates = append(b.mu.duplicates, list...)
	}
}

// BlockedStats counts what a Blocked holds.
type BlockedStats struct {
	Total, Escaped, MaxPlans, Duplicates int
}

// Stats counts what is held.
func (b *Blocked) Stats() BlockedStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return BlockedStats{
		Total: len(b.mu.evals), Escaped: len(b.mu.escaped), MaxPlans: len(b.mu.maxPlans),
		Duplicates: len(b.mu.duplicates),
	}
}
