// SPDX-License-Identifier: MPL-2.0

package state

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// player makes random changes of a store and of a model of it.
type player struct {
	t     *testing.T
	rand  *rand.Rand
	store *Store
	index uint64

	allocs map[string]*api.Allocation
	evals  map[string]*api.Evaluation
	nodes  map[string]*api.Node
	jobs   map[string]*api.Job
}

func newPlayer(t *testing.T, seed uint64) *player {
	return &player{
		t: t, rand: rand.New(rand.NewPCG(seed, 5)), store: New(), index: 1,
		allocs: map[string]*api.Allocation{}, evals: map[string]*api.Evaluation{},
		nodes: map[string]*api.Node{}, jobs: map[string]*api.Job{},
	}
}

func one[V any](p *player, prefix string, n int) string {
	return fmt.Sprintf("%s%d", prefix, p.rand.IntN(n))
}

// step makes a transaction of some changes. One in five is aborted.
func (p *player) step() {
	p.index++
	w := p.store.Begin(p.index, "Step")
	before := [4]any{maps.Clone(p.allocs), maps.Clone(p.evals), maps.Clone(p.nodes), maps.Clone(p.jobs)}
	for range 1 + p.rand.IntN(5) {
		p.change(w)
	}
	if p.rand.IntN(5) == 0 {
		w.Abort()
		p.allocs, p.evals = before[0].(map[string]*api.Allocation), before[1].(map[string]*api.Evaluation)
		p.nodes, p.jobs = before[2].(map[string]*api.Node), before[3].(map[string]*api.Job)
		return
	}
	w.Commit()
	for j := range Jobs.All(p.store.Snapshot()) { // rules change their status
		p.jobs[j.ID] = j
	}
}

func (p *player) change(w *WriteTx) {
	switch job := one[int](p, "job-", 5); p.rand.IntN(10) {
	case 0:
		n := &api.Node{
			ID: one[int](p, "node-", 6), Datacenter: one[int](p, "dc", 2), NodePool: one[int](p, "pool-", 2), Status: api.NodeStatusReady,
			SchedulingEligibility: api.NodeEligible, NodeResources: &api.NodeResources{Cpu: api.NodeCpuResources{CpuShares: int64(p.rand.IntN(9)) * 1000}},
		}
		Nodes.Put(w, n)
		p.nodes[n.ID] = n
	case 1:
		id := one[int](p, "node-", 6)
		if got := Nodes.Delete(w, id); got != p.nodes[id] {
			p.t.Fatalf("delete node %s: %v, want %v", id, got, p.nodes[id])
		}
		delete(p.nodes, id)
	case 2:
		j := &api.Job{ID: job, Namespace: "default", Type: api.JobTypeService, Status: api.JobStatusPending, Stop: p.rand.IntN(3) == 0, TaskGroups: []*api.TaskGroup{{Name: "a"}, {Name: "b"}}}
		if old := p.jobs[job]; old != nil {
			j.Version = old.Version + 1
			if p.rand.IntN(2) == 0 {
				j.ParentID = old.ParentID
			}
		}
		if job != "job-0" {
			j.ParentID = "job-0"
		}
		Jobs.Put(w, j)
		p.jobs[job] = j
	case 3:
		e := &api.Evaluation{ID: one[int](p, "eval-", 20), Namespace: "default", JobID: job, Type: api.JobTypeService}
		if old := p.evals[e.ID]; old != nil { // an evaluation stays with its job
			e.JobID = old.JobID
		}
		e.Status = []string{api.EvalStatusPending, api.EvalStatusComplete}[p.rand.IntN(2)]
		Evals.Put(w, e)
		p.evals[e.ID] = e
	case 4:
		id := one[int](p, "eval-", 20)
		if got := Evals.Delete(w, id); got != p.evals[id] {
			p.t.Fatalf("delete evaluation %s: %v, want %v", id, got, p.evals[id])
		}
		delete(p.evals, id)
	case 5:
		id := one[int](p, "alloc-", 60)
		if old := p.allocs[id]; old != nil && !old.ClientTerminalStatus() {
			if got := Allocs.Delete(w, id); got != old {
				p.t.Fatalf("delete allocation %s: %v, want %v", id, got, old)
			}
			delete(p.allocs, id)
		}
	default:
		p.putAlloc(w, job)
	}
}

func (p *player) putAlloc(w *WriteTx, job string) {
	a := &api.Allocation{
		ID: one[int](p, "alloc-", 60), Namespace: "default", JobID: job, TaskGroup: []string{"a", "b"}[p.rand.IntN(2)],
		NodeID: one[int](p, "node-", 6), EvalID: one[int](p, "eval-", 20),
		AllocatedResources: &api.AllocatedResources{
			Tasks: map[string]*api.AllocatedTaskResources{"t": {Cpu: api.AllocatedCpuResources{CpuShares: int64(p.rand.IntN(500))}}},
			Shared: api.AllocatedSharedResources{
				DiskMB: p.rand.IntN(50), Ports: []*api.AllocatedPortMapping{{HostIP: "10.0.0.1", Value: 20000 + p.rand.IntN(30)}},
			},
		},
	}
	if old := p.allocs[a.ID]; old != nil { // an allocation stays in its job
		a.JobID, a.TaskGroup, a.NodeID, a.EvalID = old.JobID, old.TaskGroup, old.NodeID, old.EvalID
		if p.rand.IntN(3) > 0 {
			a.AllocatedResources = old.AllocatedResources
		}
	}
	a.DesiredStatus = []string{api.AllocDesiredRun, api.AllocDesiredRun, api.AllocDesiredStop}[p.rand.IntN(3)]
	a.ClientStatus = []string{
		api.AllocClientPending, api.AllocClientRunning, api.AllocClientRunning, api.AllocClientComplete, api.AllocClientFailed, api.AllocClientLost, api.AllocClientUnknown,
	}[p.rand.IntN(7)]
	a.Job = p.jobs[a.JobID]
	Allocs.Put(w, a)
	p.allocs[a.ID] = a
}

func sameRows[T any](t *testing.T, what string, got iter.Seq[*T], want []*T) {
	t.Helper()
	if rows := slices.Collect(got); !slices.Equal(rows, want) {
		t.Fatalf("%s: %d rows %v, want %d %v", what, len(rows), rows, len(want), want)
	}
}

// matching returns the rows of the model that match, in the order of less.
func matching[T any](model map[string]*T, order func(a, b *T) int, match func(*T) bool) []*T {
	var rows []*T
	for _, row := range model {
		if match(row) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, order)
	return rows
}

func (p *player) check(s *Snapshot) {
	t := p.t
	t.Helper()
	byID := func(a, b *api.Allocation) int { return strings.Compare(a.ID, b.ID) }
	all := func(*api.Allocation) bool { return true }
	sameRows(t, "all", Allocs.All(s), matching(p.allocs, byID, all))
	created := matching(p.allocs, func(a, b *api.Allocation) int {
		return cmp.Or(cmp.Compare(a.CreateIndex, b.CreateIndex), byID(a, b))
	}, all)
	sameRows(t, "created", Allocs.Created(s, 0, "", false), created)
	reversed := slices.Clone(created)
	slices.Reverse(reversed)
	sameRows(t, "created backwards", Allocs.Created(s, 0, "", true), reversed)
	if len(created) > 0 {
		at := p.rand.IntN(len(created))
		from := created[at]
		sameRows(t, "created from", Allocs.Created(s, from.CreateIndex, from.ID, false), created[at:])
		sameRows(t, "created backwards from", Allocs.Created(s, from.CreateIndex, from.ID, true), reversed[len(created)-1-at:])
	}
	for n := range 6 {
		id, prefix := fmt.Sprintf("node-%d", n), fmt.Sprintf("alloc-%d", n)
		of := matching(p.allocs, byID, func(a *api.Allocation) bool { return a.NodeID == id })
		sameRows(t, "by node", Allocs.By(s, ByNode, id), of)
		live := 0
		for _, a := range of {
			if !a.TerminalStatus() {
				live++
			}
		}
		if Allocs.Count(s, ByNode, id) != len(of) || Allocs.Live(s, ByNode, id) != live {
			t.Fatalf("node %s: count %d live %d, want %d and %d", id, Allocs.Count(s, ByNode, id), Allocs.Live(s, ByNode, id), len(of), live)
		}
		sameRows(t, "prefix", Allocs.Prefix(s, prefix), matching(p.allocs, byID, func(a *api.Allocation) bool { return strings.HasPrefix(a.ID, prefix) }))
		sameRows(t, "by pool", Nodes.By(s, ByPool, fmt.Sprintf("pool-%d", n)), matching(p.nodes,
			func(a, b *api.Node) int { return strings.Compare(a.ID, b.ID) }, func(a *api.Node) bool { return a.NodePool == fmt.Sprintf("pool-%d", n) }))
	}
	for id := range 60 {
		id := fmt.Sprintf("alloc-%d", id)
		if got := Allocs.Get(s, id); got != p.allocs[id] {
			t.Fatalf("get %s: %v, want %v", id, got, p.allocs[id])
		}
	}
	byJob := func(a, b *api.Job) int { return strings.Compare(a.ID, b.ID) }
	sameRows(t, "jobs of a namespace", Jobs.Prefix(s, "default", ""), matching(p.jobs, byJob, func(*api.Job) bool { return true }))
	sameRows(t, "jobs of another namespace", Jobs.Prefix(s, "defaul", ""), nil)
	sameRows(t, "children", Jobs.By(s, ByParent, "default", "job-0"), matching(p.jobs, byJob, func(j *api.Job) bool { return j.ParentID == "job-0" }))
	if Allocs.Len(s) != len(p.allocs) || Evals.Len(s) != len(p.evals) {
		t.Fatal("wrong numbers of rows")
	}
	p.checkColumns(s)
	p.checkStatuses(s)
}

// checkColumns compares the usage columns with ones that are made anew.
func (p *player) checkColumns(s *Snapshot) {
	p.t.Helper()
	fresh := usage.NewTable()
	for _, n := range p.nodes {
		fresh.UpsertNode(n)
	}
	for _, a := range p.allocs {
		fresh.UpsertAlloc(nil, a)
	}
	want, got := fresh.Snapshot(), s.Usage()
	for n := range 6 {
		id := fmt.Sprintf("node-%d", n)
		wantOrd, ok := want.Ordinal(id)
		gotOrd, known := got.Ordinal(id)
		if ok != known {
			p.t.Fatalf("columns know node %s: %v, want %v", id, known, ok)
		}
		if !ok {
			continue
		}
		wc, wm, wd, wn := want.Used(wantOrd)
		gc, gm, gd, gn := got.Used(gotOrd)
		if wc != gc || wm != gm || wd != gd || wn != gn || got.Node(gotOrd) != p.nodes[id] {
			p.t.Fatalf("columns of %s: %d MHz %d MiB %d MiB %d allocations, want %d %d %d %d", id, gc, gm, gd, gn, wc, wm, wd, wn)
		}
		ports := func(s *usage.Snapshot, ord int) []uint16 {
			return slices.Collect(iter.Seq[uint16](s.UsedPorts(ord, "10.0.0.1").All))
		}
		if !slices.Equal(ports(want, wantOrd), ports(got, gotOrd)) {
			p.t.Fatalf("ports of %s: %v, want %v", id, ports(got, gotOrd), ports(want, wantOrd))
		}
	}
}

// wantStatus is the rule for the status of a job that is none of the special kinds (scheduler.md 2.2), by
// all rows.
func (p *player) wantStatus(j *api.Job) string {
	pending, known := false, j.Stop
	for _, a := range p.allocs {
		if a.JobID == j.ID && !a.TerminalStatus() {
			return api.JobStatusRunning
		}
	}
	for _, e := range p.evals {
		if e.JobID == j.ID {
			known = true
			pending = pending || !e.TerminalStatus()
		}
	}
	switch {
	case pending:
		return api.JobStatusPending
	case known:
		return api.JobStatusDead
	}
	return ""
}

func (p *player) checkStatuses(s *Snapshot) {
	p.t.Helper()
	for _, j := range p.jobs {
		if want := p.wantStatus(j); want != "" && j.Status != want {
			p.t.Fatalf("job %s is %s, want %s", j.ID, j.Status, want)
		}
		if v := JobVersions.Get(s, "default", j.ID, j.Version); v != j {
			p.t.Fatalf("current version of %s is not the row of the job", j.ID)
		}
		sum := JobSummaries.Get(s, "default", j.ID)
		want := map[string]api.TaskGroupSummary{"a": {}, "b": {}}
		for _, a := range p.allocs {
			if a.JobID == j.ID && ofJob(a, j) {
				g := want[a.TaskGroup]
				addStatus(&g, a.ClientStatus, 1)
				want[a.TaskGroup] = g
			}
		}
		if !maps.Equal(sum.Summary, want) {
			p.t.Fatalf("summary of %s: %+v, want %+v", j.ID, sum.Summary, want)
		}
		var children api.JobChildrenSummary
		for _, child := range p.jobs {
			if child.ParentID == j.ID {
				addChild(&children, child.Status, 1)
			}
		}
		if *sum.Children != children {
			p.t.Fatalf("children of %s: %+v, want %+v", j.ID, *sum.Children, children)
		}
	}
}

// TestStoreModel compares the tables, their indexes, the usage columns and what the neighbour rules write
// with a model that looks at all rows.
func TestStoreModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			p := newPlayer(t, seed)
			// Jobs first: summaries begin with their job.
			w := p.store.Begin(2, "Jobs")
			for n := range 5 {
				p.jobs[fmt.Sprintf("job-%d", n)] = &api.Job{ID: fmt.Sprintf("job-%d", n), Namespace: "default", Type: api.JobTypeService, TaskGroups: []*api.TaskGroup{{Name: "a"}, {Name: "b"}}}
				Jobs.Put(w, p.jobs[fmt.Sprintf("job-%d", n)])
			}
			w.Commit()
			p.index = 2
			for j := range Jobs.All(p.store.Snapshot()) {
				p.jobs[j.ID] = j
			}
			var kept []*Snapshot
			var sums [][]byte
			for step := range 400 {
				p.step()
				p.check(p.store.Snapshot())
				if step%100 == 0 {
					kept = append(kept, p.store.Snapshot())
					sums = append(sums, save(t, p.store.Snapshot()))
				}
			}
			for i, s := range kept {
				if string(save(t, s)) != string(sums[i]) {
					t.Errorf("snapshot %d changed after it was taken", i)
				}
			}
			w = p.store.Begin(p.index+1, "Reconcile")
			ReconcileSummaries(w)
			if w.Changed() {
				t.Error("counting the summaries anew found another result")
			}
			w.Abort()
		})
	}
}

func TestIndexesOfReads(t *testing.T) {
	s := New()
	put := func(index uint64, node string) {
		w := s.Begin(index, "Put")
		Allocs.Put(w, &api.Allocation{ID: fmt.Sprintf("a%d", index), Namespace: "default", JobID: "j", NodeID: node})
		w.Commit()
	}
	put(10, "n1")
	put(20, "n2")
	put(30, "n1")
	w := s.Begin(40, "Delete")
	Allocs.Delete(w, "a30")
	w.Commit()
	w = s.Begin(50, "Other")
	Nodes.Put(w, &api.Node{ID: "n"})
	w.Commit()
	for _, test := range []struct {
		name string
		read func(tx *Tx)
		want uint64
	}{
		{"nothing", func(*Tx) {}, 0},
		{"row", func(tx *Tx) { Allocs.Get(tx, "a10") }, 10},
		{"missing row", func(tx *Tx) { Allocs.Get(tx, "none") }, 40},
		{"group", func(tx *Tx) { Allocs.By(tx, ByNode, "n2") }, 20},
		{"group that lost a row", func(tx *Tx) { Allocs.By(tx, ByNode, "n1") }, 40},
		{"count", func(tx *Tx) { Allocs.Count(tx, ByNode, "n2") }, 20},
		{"empty group", func(tx *Tx) { Allocs.By(tx, ByNode, "none") }, 40},
		{"list", func(tx *Tx) { Allocs.All(tx) }, 40},
		{"prefix", func(tx *Tx) { Allocs.Prefix(tx, "a1") }, 40},
		{"created", func(tx *Tx) { Allocs.Created(tx, 0, "", true) }, 40},
		{"number of rows", func(tx *Tx) { Allocs.Len(tx) }, 40},
		{"two", func(tx *Tx) { Allocs.Get(tx, "a10"); Nodes.Get(tx, "n") }, 50},
		{"row behind the snapshot", func(tx *Tx) { Nodes.Get(tx.Unrecorded(), "n") }, 0},
	} {
		tx := s.Read()
		test.read(tx)
		if tx.Index() != test.want {
			t.Errorf("%s: index %d, want %d", test.name, tx.Index(), test.want)
		}
	}
}

func TestChanges(t *testing.T) {
	s := New()
	var got []string
	s.Subscribe(func(changes []Change) {
		for _, c := range changes {
			kind := "put"
			switch {
			case c.Old == nil:
				kind = "new"
			case c.New == nil:
				kind = "deleted"
			}
			got = append(got, fmt.Sprintf("%d %s %s %s", c.Index, c.Msg, kind, c.Table))
		}
	})
	ns := func(desc string) *api.Namespace { return &api.Namespace{Name: "a", Description: desc} }
	for i, step := range []struct {
		name   string
		change func(w *WriteTx)
		want   []string
	}{
		{"new", func(w *WriteTx) { Namespaces.Put(w, ns("1")) }, []string{"new namespaces"}},
		{"again", func(w *WriteTx) { Namespaces.Put(w, ns("2")) }, []string{"put namespaces"}},
		{"twice in one commit", func(w *WriteTx) { Namespaces.Put(w, ns("3")); Namespaces.Put(w, ns("4")) }, []string{"put namespaces"}},
		{"deleted", func(w *WriteTx) { Namespaces.Delete(w, "a") }, []string{"deleted namespaces"}},
		{"deleted again", func(w *WriteTx) { Namespaces.Delete(w, "a") }, nil},
		{"new and deleted", func(w *WriteTx) { Namespaces.Put(w, ns("5")); Namespaces.Delete(w, "a") }, nil},
		{"renamed", func(w *WriteTx) { w.SetMsg("Other"); Namespaces.Put(w, ns("6")) }, []string{"new namespaces"}},
		{"new over a deleted one", func(w *WriteTx) { Namespaces.Delete(w, "a"); Namespaces.Put(w, ns("7")) }, []string{"deleted namespaces", "new namespaces"}},
	} {
		got = nil
		index := uint64(10 + i)
		w := s.Begin(index, step.name)
		step.change(w)
		w.Commit()
		var want []string
		for _, c := range step.want {
			msg := step.name
			if msg == "renamed" {
				msg = "Other"
			}
			want = append(want, fmt.Sprintf("%d %s %s", index, msg, c))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", step.name, got, want)
		}
	}
}

func TestMisuse(t *testing.T) {
	s := New()
	for name, call := range map[string]func(){
		"unknown index": func() { Allocs.By(s.Snapshot(), ByParent, "x") },
		"no order":      func() { Nodes.Created(s.Snapshot(), 0, "", false) },
		"ended twice":   func() { w := s.Begin(5, "x"); w.Commit(); w.Commit() },
		"table twice":   func() { newTable(schema[api.Node]{name: "nodes"}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s went through", name)
				}
			}()
			call()
		}()
	}
	w := s.Begin(6, "x")
	w.Abort()
	w.Abort() // no harm
	s.Begin(7, "x").Commit()
}
