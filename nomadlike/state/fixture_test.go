// SPDX-License-Identifier: MPL-2.0

package state

import (
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/codec/codectest"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

func nodeID(n int) string { return fmt.Sprintf("%08x-node", n*2654435761%(1<<32)) }

// fixture returns a store with rows in every table. Rows hold something in every field, except for the
// few that rules depend on.
func fixture(t testing.TB, jobs, nodes, allocs int) *Store {
	t.Helper()
	f := codectest.New(1)
	s := New()
	w := s.Begin(10, "Fixture")
	Cluster.Put(w, codectest.Fill[ClusterMeta](f))
	SchedulerConfig.Put(w, codectest.Fill[api.SchedulerConfiguration](f))
	AutopilotConfig.Put(w, codectest.Fill[api.AutopilotConfiguration](f))
	Namespaces.Put(w, codectest.Fill[api.Namespace](f))
	NodePools.Put(w, codectest.Fill[api.NodePool](f))
	for n := range nodes {
		Nodes.Put(w, fixtureNode(f, n))
	}
	w.Commit()
	for n := range jobs {
		w = s.Begin(20+uint64(n), "Fixture")
		fixtureJob(w, f, n)
		w.Commit()
	}
	for at := 0; at < allocs; at += 100 {
		w = s.Begin(1000+uint64(at), "Fixture")
		for n := at; n < min(at+100, allocs); n++ {
			fixtureAlloc(w, f, n, jobs, nodes)
		}
		w.Commit()
	}
	return s
}

func fixtureNode(f *codectest.Filler, n int) *api.Node {
	row := codectest.Fill[api.Node](f)
	row.ID, row.Name = nodeID(n), fmt.Sprintf("node-%d", n)
	row.NodeResources.MinDynamicPort, row.NodeResources.MaxDynamicPort = 20000, 32000
	return row
}

func fixtureJob(w *WriteTx, f *codectest.Filler, n int) {
	for version := range uint64(2) {
		j := codectest.Fill[api.Job](f)
		j.Namespace, j.ID, j.Version, j.Type, j.Status = "default", fmt.Sprintf("job-%d", n), version, api.JobTypeService, api.JobStatusPending
		j.Payload = []byte(strings.Repeat("payload", 300))
		j.TaskGroups[0].Name, j.ParentID, j.Stop = "group", "", false
		j.TaskGroups[0].Scaling.ID = fmt.Sprintf("policy-%d", n)
		j.TaskGroups[0].Scaling.Target = map[string]string{"Namespace": "default", "Job": j.ID, "Group": "group"}
		if n > 0 && n%3 == 0 {
			j.ParentID = "job-0"
		}
		Jobs.Put(w, j)
		src := codectest.Fill[api.JobSubmission](f)
		src.Namespace, src.JobID, src.Version = j.Namespace, j.ID, version
		JobSubmissions.Put(w, src)
	}
	id := fmt.Sprintf("job-%d", n)
	events := codectest.Fill[api.JobScalingEvents](f)
	events.Namespace, events.JobID = "default", id
	ScalingEvents.Put(w, events)
	launch := codectest.Fill[api.PeriodicLaunch](f)
	launch.Namespace, launch.JobID = "default", id
	PeriodicLaunches.Put(w, launch)
	e := codectest.Fill[api.Evaluation](f)
	e.ID, e.Namespace, e.JobID, e.Type, e.Status = "eval-"+id, "default", id, api.JobTypeService, api.EvalStatusPending
	e.QueuedAllocations = map[string]int{"group": 9}
	Evals.Put(w, e)
	d := codectest.Fill[api.Deployment](f)
	d.ID, d.Namespace, d.JobID, d.Status = "deployment-"+id, "default", id, api.DeploymentRunning
	Deployments.Put(w, d)
	reg := codectest.Fill[api.ServiceRegistration](f)
	reg.Namespace, reg.JobID = "default", id
	Services.Put(w, reg)
}

// fixtureAlloc puts an allocation; those of one job share their resources and metrics.
func fixtureAlloc(w *WriteTx, f *codectest.Filler, n, jobs, nodes int) {
	id := fmt.Sprintf("job-%d", n%jobs)
	a := codectest.Fill[api.Allocation](f)
	a.ID = fmt.Sprintf("%08x-alloc", (n+1)*2654435761%(1<<32))
	a.Namespace, a.JobID, a.TaskGroup, a.EvalID = "default", id, "group", "eval-"+id
	a.NodeID, a.DeploymentID = nodeID(n%nodes), "deployment-"+id
	a.DesiredStatus = api.AllocDesiredRun
	a.ClientStatus = [...]string{api.AllocClientPending, api.AllocClientRunning, api.AllocClientComplete, api.AllocClientFailed}[n%4]
	a.Job = Jobs.Get(w, "default", id)
	a.AllocatedResources.Shared.Ports[0].Value = 20000 + n%1000
	if n >= jobs {
		for b := range Allocs.By(w, ByJob, "default", id) {
			a.AllocatedResources, a.Metrics = b.AllocatedResources, b.Metrics
			break
		}
	}
	Allocs.Put(w, a)
}

// view is what a table holds, in a form that can be compared.
type view struct {
	Index  uint64
	Rows   []any
	Order  []Key
	Groups map[string]groupView
}

type groupView struct {
	Keys []Key
	Live int
}

// seen returns what the tables of a snapshot hold.
func seen(s *Snapshot) map[string]view {
	views := map[string]view{}
	for i, t := range tables {
		views[t.Name()] = t.(interface{ view(any) view }).view(s.roots[i])
	}
	return views
}

func (t *Table[T]) view(r any) view {
	tab := r.(*root[T])
	v := view{Index: tab.index, Groups: map[string]groupView{}}
	tab.rows.ascend(t.key, nil, func(row *T) bool {
		v.Rows = append(v.Rows, row)
		return true
	})
	if t.created != nil {
		tab.created.ascend(t.created, nil, func(row *T) bool {
			v.Order = append(v.Order, t.key(row))
			return true
		})
	}
	for n := range t.indexes {
		tab.groups[n].ascend(groupKey, nil, func(g *group[T]) bool {
			gv := groupView{Live: g.live}
			g.rows.ascend(t.key, nil, func(row *T) bool {
				gv.Keys = append(gv.Keys, t.key(row))
				return true
			})
			v.Groups[fmt.Sprint(t.indexes[n].name, g.key)] = gv
			return true
		})
	}
	return v
}

// columns is the use of each node that the usage columns know.
type columns struct {
	CPU, Memory, Disk          int64
	UsedCPU, UsedMem, UsedDisk int64
	Allocs                     int
	Ports                      map[string][]uint16
	Cores                      []uint16
	Ready                      bool
	Datacenter, Pool, Class    string
}

func columnsOf(s *usage.Snapshot) map[string]columns {
	all := map[string]columns{}
	for ord := range s.Len() {
		id := s.NodeID(ord)
		if id == "" {
			continue
		}
		c := columns{Ready: s.Ready(ord), Ports: map[string][]uint16{}, Cores: slices.Collect(iter.Seq[uint16](s.UsedCores(ord).All))}
		c.CPU, c.Memory, c.Disk = s.Capacity(ord)
		c.UsedCPU, c.UsedMem, c.UsedDisk, c.Allocs = s.Used(ord)
		if l := s.Layout(ord); l != nil {
			for _, a := range l.Addresses {
				c.Ports[a.IP] = slices.Collect(iter.Seq[uint16](s.UsedPorts(ord, a.IP).All))
			}
		}
		if s.Node(ord) != nil {
			c.Datacenter, c.Pool, c.Class = s.Datacenters()[s.Datacenter(ord)], s.Pools()[s.Pool(ord)], s.Classes()[s.Class(ord)]
		}
		all[id] = c
	}
	return all
}

// compare fails the test for every difference between two states.
func compare(t *testing.T, got, want *Snapshot) {
	t.Helper()
	if got.Index() != want.Index() {
		t.Errorf("index %d, want %d", got.Index(), want.Index())
	}
	gv, wv := seen(got), seen(want)
	for _, name := range slices.Sorted(maps.Keys(wv)) {
		if !reflect.DeepEqual(gv[name], wv[name]) {
			t.Errorf("table %s differs: %s", name, cmp.Diff(wv[name], gv[name]))
		}
	}
	if diff := cmp.Diff(columnsOf(want.Usage()), columnsOf(got.Usage())); diff != "" {
		t.Errorf("usage columns differ: %s", diff)
	}
}
