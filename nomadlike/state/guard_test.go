// SPDX-License-Identifier: MPL-2.0

//go:build invariants

package state

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

// mutated returns what a store panics with when rows are replaced after change.
func mutated(t *testing.T, change func(s *Store)) (message string) {
	t.Helper()
	s := fixture(t, 2, 2, 10)
	change(s)
	w := s.Begin(7000, "Replace")
	defer func() {
		if p := recover(); p != nil {
			message = fmt.Sprint(p)
		}
		w.Abort()
	}()
	for _, id := range []string{"job-0", "job-1"} {
		j := *Jobs.Get(w, "default", id)
		Jobs.Put(w, &j)
	}
	for i := range 2 {
		n := *Nodes.Get(w, nodeID(i))
		Nodes.Put(w, &n)
	}
	w.Commit()
	return ""
}

func TestGuard(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(s *Store)
		want   string
	}{
		{"nothing", func(*Store) {}, ""},
		{"field", func(s *Store) { Nodes.Get(s.Snapshot(), nodeID(1)).Status = "changed" }, "table nodes"},
		{"deep", func(s *Store) { Jobs.Get(s.Snapshot(), "default", "job-1").TaskGroups[0].Tasks[0].Name = "changed" }, "table job"},
		{"map", func(s *Store) { Nodes.Get(s.Snapshot(), nodeID(0)).Attributes["new"] = "x" }, "table nodes"},
		{"after restore", func(s *Store) {
			var b bytes.Buffer
			if err := s.Snapshot().Save(&b); err != nil {
				t.Fatal(err)
			}
			if err := s.Restore(&b); err != nil {
				t.Fatal(err)
			}
			w := s.Begin(6999, "Put")
			n := *Nodes.Get(w, nodeID(0))
			Nodes.Put(w, &n)
			w.Commit()
			n.Attributes = map[string]string{}
		}, "table nodes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := mutated(t, test.change)
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("panic %.200q, want %q", got, test.want)
			}
		})
	}
}

func TestGuardSamples(t *testing.T) {
	s := fixture(t, 1, 1, 0)
	Nodes.Get(s.Snapshot(), nodeID(0)).Status = "changed"
	defer func() {
		if p := recover(); p == nil {
			t.Error("commits of other rows never noticed")
		}
	}()
	for i := range uint64(1000) {
		w := s.Begin(7000+i, "Other")
		defer w.Abort()
		Evals.Put(w, &api.Evaluation{ID: "e", Type: api.JobTypeCore})
		w.Commit()
	}
}
