// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/rank"
)

const (
	// nearestMisses is how many of the nodes that lack least an explanation lists.
	nearestMisses = 5
	// namedNodes is how many nodes a suggestion names; more are only counted.
	namedNodes = 3
	// topValues is how many of the values that nodes have instead of the wanted one are listed.
	topValues = 5
)

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

// obstacleSet is the nodes on which the same obstacles stand in the way.
type obstacleSet struct {
	obstacles []*api.PlacementObstacle
	nodes     int
	// names are those of the first of them.
	names []string
	// nearest is one of the nodes that lack least, if room is among the obstacles, and near counts those.
	nearest *api.PlacementMiss
	near    int
}

// explanation collects what stands in the way of one group.
type explanation struct {
	*api.GroupPlacement
	job    *api.Job
	group  *api.TaskGroup
	checks *feasible.Group
	placer *rank.Placer
	// ids number the obstacles in the order of Obstacles, sets finds the nodes with a set of numbers.
	ids    map[obstacleKey]int
	sets   map[string]*obstacleSet
	key    []byte
	misses []*api.PlacementMiss
	// values are what nodes have, by the constraint that none of them satisfies.
	values map[string][]string
}

func (p *pass) explain(tg *api.TaskGroup) *api.GroupPlacement {
	x := &explanation{
		GroupPlacement: &api.GroupPlacement{Group: tg.Name, Missing: max(p.queued[tg.Name], 0), Placed: p.placed(tg)},
		job:            p.job, group: tg, checks: p.newest.group(tg), placer: p.newGroupPlacer(p.newest, tg, "").placer,
		ids: map[obstacleKey]int{}, sets: map[string]*obstacleSet{}, values: map[string][]string{},
	}
	served := p.served(tg)
	index, lost := p.lost[tg.Name]
	if !lost {
		index = -1
	}
	var found []int
	for ord := range p.overlay.Len() {
		node := p.overlay.Node(ord)
		if node == nil {
			continue
		}
		x.Nodes++
		if served[int32(ord)] {
			continue
		}
		found = found[:0]
		for _, reason := range p.newest.nodes.Outside(ord) {
			found = append(found, x.id(api.ObstacleNode, reason))
		}
		noAddress := false
		for _, reason := range x.checks.Obstacles(ord, index) {
			found = append(found, x.id(api.ObstacleConstraint, reason))
			noAddress = noAddress || feasible.IsNetwork(reason)
		}
		for _, reason := range x.placer.Rules(ord) {
			found = append(found, x.id(api.ObstacleConstraint, reason))
		}
		var miss *api.PlacementMiss
		if lacks := x.placer.Shortages(ord); len(lacks) > 0 {
			miss = &api.PlacementMiss{NodeID: node.ID, NodeName: node.Name, NodeClass: node.NodeClass, Lacks: lacks}
			if len(found) == 0 {
				x.misses = append(x.misses, miss)
			}
			for _, s := range lacks {
				if noAddress && strings.HasPrefix(s.Dimension, "network: ") {
					continue // the host network is said to be missing already
				}
				found = append(found, x.id(api.ObstacleRoom, s.Dimension))
			}
		}
		x.count(node, found, miss)
	}
	p.values(x)
	x.finish()
	if x.wanting() {
		p.suggest(x)
	}
	x.Notes = append(p.preferences("", p.job.Spreads, p.job.Affinities), p.groupPreferences("", tg)...)
	return x.GroupPlacement
}

// placed counts the allocations of the group that have a node.
func (p *pass) placed(tg *api.TaskGroup) int {
	n := 0
	for _, r := range p.residents {
		if r.Group == tg.Name {
			n++
		}
	}
	return n
}

// wanting reports whether something has to change: an allocation is missing, or a group that runs once on each node
// that suits it has no such node.
func (x *explanation) wanting() bool {
	return x.Suitable == 0 && (x.Missing > 0 || x.Placed == 0 && perNode(x.job))
}

// perNode reports whether the groups of the job run once on each node.
func perNode(job *api.Job) bool {
	return job.Type == api.JobTypeSystem || job.Type == api.JobTypeSysBatch
}

// served returns the nodes that have what they are to have of a system or sysbatch group: one allocation.
func (p *pass) served(tg *api.TaskGroup) map[int32]bool {
	served := map[int32]bool{}
	if perNode(p.job) {
		for _, r := range p.residents {
			if r.Group == tg.Name {
				served[r.Ord] = true
			}
		}
	}
	return served
}

// id returns the number of an obstacle.
func (x *explanation) id(kind, reason string) int {
	key := obstacleKey{kind, reason}
	id, ok := x.ids[key]
	if !ok {
		id = len(x.Obstacles)
		x.ids[key] = id
		x.Obstacles = append(x.Obstacles, &api.PlacementObstacle{Kind: kind, Reason: reason, Classes: map[string]int{}})
	}
	return id
}

// count notes the obstacles of one node.
func (x *explanation) count(node *api.Node, found []int, miss *api.PlacementMiss) {
	if len(found) == 0 {
		x.Suitable++
		return
	}
	x.key = x.key[:0]
	for _, id := range found {
		o := x.Obstacles[id]
		o.Nodes++
		o.Classes[node.NodeClass]++
		if len(found) == 1 {
			o.Alone++
		}
		x.key = binary.AppendUvarint(x.key, uint64(id))
	}
	set := x.sets[string(x.key)]
	if set == nil {
		set = &obstacleSet{}
		for _, id := range found {
			set.obstacles = append(set.obstacles, x.Obstacles[id])
		}
		x.sets[string(x.key)] = set
	}
	set.nodes++
	if len(set.names) < namedNodes {
		set.names = append(set.names, node.Name)
	}
	if miss == nil {
		return
	}
	order := -1
	if set.nearest != nil {
		order = cmp.Compare(distance(miss), distance(set.nearest))
	}
	switch {
	case order < 0:
		set.nearest, set.near = miss, 1
	case order == 0:
		set.near++
	}
}

// values counts what the nodes have where an unmet constraint looks.
func (p *pass) values(x *explanation) {
	for _, o := range x.Obstacles {
		c := x.checks.Condition(o.Reason)
		if o.Kind != api.ObstacleConstraint || c == nil {
			continue
		}
		left, values := c.Left(), map[string]int{}
		for ord := range p.overlay.Len() {
			node := p.overlay.Node(ord)
			if node == nil || c.Holds(node) {
				continue
			}
			if v, ok := left.Value(node); ok {
				values[v]++
			} else {
				o.Unset++
			}
		}
		frequent := slices.SortedFunc(maps.Keys(values), func(a, b string) int {
			return cmp.Or(cmp.Compare(values[b], values[a]), cmp.Compare(a, b))
		})
		for _, v := range frequent[:min(topValues, len(frequent))] {
			if o.Values == nil {
				o.Values = map[string]int{}
			}
			o.Values[v] = values[v]
		}
		o.OtherValues = max(0, len(frequent)-topValues)
		if o.Nodes == x.Nodes {
			x.values[o.Reason] = frequent
		}
		if len(frequent) == 0 && o.Nodes == x.Nodes {
			o.Similar = p.similar(&left)
		}
	}
}

// similarNodes is among how many nodes a similar attribute is looked for.
const similarNodes = 200

// similar returns the attribute that nodes have and whose name is most like the one that a constraint or a
// preference looks at and that no node has, or "".
func (p *pass) similar(t *feasible.Target) string {
	best, distance, looked := "", 0, 0
	for ord := range p.overlay.Len() {
		node := p.overlay.Node(ord)
		if node == nil {
			continue
		}
		if looked++; looked > similarNodes {
			break
		}
		if name, d := t.Similar(node); name != "" && (best == "" || d < distance || d == distance && name < best) {
			best, distance = name, d
		}
	}
	return best
}

// finish sorts what was found and draws the conclusions.
func (x *explanation) finish() {
	slices.SortFunc(x.Obstacles, func(a, b *api.PlacementObstacle) int {
		return cmp.Or(cmp.Compare(b.Nodes, a.Nodes), cmp.Compare(b.Alone, a.Alone), cmp.Compare(a.Reason, b.Reason))
	})
	slices.SortFunc(x.misses, func(a, b *api.PlacementMiss) int {
		return cmp.Or(cmp.Compare(len(a.Lacks), len(b.Lacks)), cmp.Compare(distance(a), distance(b)), cmp.Compare(a.NodeName, b.NodeName), cmp.Compare(a.NodeID, b.NodeID))
	})
	x.NearestMisses = x.misses[:min(nearestMisses, len(x.misses))]
}

// distance is how much of what is wanted a node lacks, summed over the dimensions.
func distance(m *api.PlacementMiss) float64 {
	sum := 0.0
	for _, s := range m.Lacks {
		sum += float64(s.Short()) / float64(max(s.Wanted, 1))
	}
	return sum
}
