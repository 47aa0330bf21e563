// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"cmp"
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// nearestMisses is how many of the nodes that lack least an explanation lists.
const nearestMisses = 5

// Explain says for each group of the job how many allocations find no node, all that stands in the way on
// every node, and the smallest changes that would place one. It schedules the job over the view as it is and
// looks at what is left; nothing is committed.
func Explain(view View, job *api.Job, cfg Config) *api.JobPlacement {
	out := &api.JobPlacement{Namespace: job.Namespace, JobID: job.ID, JobVersion: job.Version, Groups: []*api.GroupPlacement{}}
	p := newPass(WithJob(view, job), &api.Evaluation{
		Namespace: job.Namespace, JobID: job.ID, Type: job.Type, Priority: job.PriorityOrDefault(), TriggeredBy: api.TriggerJobRegister,
	}, cfg)
	p.run(job.Type)
	if p.job == nil {
		return out
	}
	for _, tg := range job.TaskGroups {
		out.Groups = append(out.Groups, p.explain(tg))
	}
	return out
}

// obstacleKey tells obstacles apart.
type obstacleKey struct{ kind, reason string }

// explanation collects what stands in the way of one group.
type explanation struct {
	*api.GroupPlacement
	group     *api.TaskGroup
	obstacles map[obstacleKey]*api.PlacementObstacle
	misses    []*api.PlacementMiss
}

func (p *pass) explain(tg *api.TaskGroup) *api.GroupPlacement {
	x := &explanation{
		GroupPlacement: &api.GroupPlacement{Group: tg.Name, Missing: max(p.queued[tg.Name], 0)},
		group:          tg, obstacles: map[obstacleKey]*api.PlacementObstacle{},
	}
	checks := p.newest.group(tg)
	placer := p.newGroupPlacer(p.newest, tg, "").placer
	served := p.served(tg)
	for ord := range p.overlay.Len() {
		node := p.overlay.Node(ord)
		if node == nil {
			continue
		}
		x.Nodes++
		if served[int32(ord)] {
			continue
		}
		var found []obstacleKey
		for _, reason := range p.newest.nodes.Outside(ord) {
			found = append(found, obstacleKey{api.ObstacleNode, reason})
		}
		for _, reason := range append(checks.Obstacles(ord), placer.Rules(ord)...) {
			found = append(found, obstacleKey{api.ObstacleConstraint, reason})
		}
		lacks := placer.Shortages(ord)
		if len(found) == 0 && len(lacks) > 0 {
			x.misses = append(x.misses, &api.PlacementMiss{NodeID: node.ID, NodeName: node.Name, NodeClass: node.NodeClass, Lacks: lacks})
		}
		for _, s := range lacks {
			found = append(found, obstacleKey{api.ObstacleRoom, s.Dimension})
		}
		x.count(node, found)
	}
	x.finish()
	return x.GroupPlacement
}

// served returns the nodes that have what they are to have of a system or sysbatch group: one allocation.
func (p *pass) served(tg *api.TaskGroup) map[int32]bool {
	served := map[int32]bool{}
	if p.job.Type == api.JobTypeSystem || p.job.Type == api.JobTypeSysBatch {
		for _, r := range p.residents {
			if r.Group == tg.Name {
				served[r.Ord] = true
			}
		}
	}
	return served
}

// count notes the obstacles of one node.
func (x *explanation) count(node *api.Node, found []obstacleKey) {
	if len(found) == 0 {
		x.Suitable++
		return
	}
	for _, key := range found {
		o := x.obstacles[key]
		if o == nil {
			o = &api.PlacementObstacle{Kind: key.kind, Reason: key.reason, Classes: map[string]int{}}
			x.obstacles[key] = o
			x.Obstacles = append(x.Obstacles, o)
		}
		o.Nodes++
		o.Classes[node.NodeClass]++
		if len(found) == 1 {
			o.Alone++
		}
	}
}

// finish sorts what was found and draws the conclusions.
func (x *explanation) finish() {
	slices.SortFunc(x.Obstacles, func(a, b *api.PlacementObstacle) int {
		return cmp.Or(cmp.Compare(b.Nodes, a.Nodes), cmp.Compare(b.Alone, a.Alone), cmp.Compare(a.Reason, b.Reason))
	})
	slices.SortFunc(x.misses, func(a, b *api.PlacementMiss) int {
		return cmp.Or(cmp.Compare(len(a.Lacks), len(b.Lacks)), cmp.Compare(distance(a), distance(b)), cmp.Compare(a.NodeID, b.NodeID))
	})
	x.NearestMisses = x.misses[:min(nearestMisses, len(x.misses))]
	if x.Missing > 0 && x.Suitable == 0 {
		x.suggest()
	}
}

// distance is how much of what is wanted a node lacks, summed over the dimensions.
func distance(m *api.PlacementMiss) float64 {
	sum := 0.0
	for _, s := range m.Lacks {
		sum += float64(s.Short()) / float64(max(s.Wanted, 1))
	}
	return sum
}
