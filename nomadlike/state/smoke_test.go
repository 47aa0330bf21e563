// SPDX-License-Identifier: MPL-2.0

package state

import (
	"context"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func TestSmoke(t *testing.T) {
	s := New()
	w := s.Begin(10, "x")
	Jobs.Put(w, &api.Job{ID: "j", Namespace: "default", TaskGroups: []*api.TaskGroup{{Name: "g"}}})
	Evals.Put(w, &api.Evaluation{ID: "e1", JobID: "j", Namespace: "default", Status: "pending"})
	w.Commit()
	if j := Jobs.Get(s.Snapshot(), "default", "j"); j == nil || j.Status != "pending" {
		t.Fatal(j)
	}
	tx := s.Read()
	for range Allocs.By(tx, ByNode, "n1") {
	}
	done := make(chan error)
	go func() { done <- tx.Watch(context.Background()) }()
	w = s.Begin(11, "y")
	Allocs.Put(w, &api.Allocation{ID: "a1", JobID: "j", Namespace: "default", NodeID: "n1", TaskGroup: "g", ClientStatus: "pending", DesiredStatus: "run"})
	w.Commit()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if j := Jobs.Get(s.Snapshot(), "default", "j"); j.Status != "running" {
		t.Fatal(j)
	}
	if sm := JobSummaries.Get(s.Snapshot(), "default", "j"); sm.Summary["g"].Starting != 1 {
		t.Fatal(sm)
	}
}
