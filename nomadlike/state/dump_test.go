// SPDX-License-Identifier: MPL-2.0

package state

import (
	"bytes"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func TestSizes(t *testing.T) {
	s := fixture(t, 3, 4, 50)
	sizes, err := s.Snapshot().Sizes()
	if err != nil {
		t.Fatal(err)
	}
	if len(sizes) != len(tables) {
		t.Fatalf("%d tables, want %d", len(sizes), len(tables))
	}
	var sum int64
	rows := map[string]int{}
	for _, z := range sizes {
		if z.Bytes <= 0 {
			t.Errorf("table %s has %d bytes", z.Name, z.Bytes)
		}
		sum += z.Bytes
		rows[z.Name] = z.Rows
	}
	if rows["allocs"] != 50 || rows["nodes"] != 4 || rows["jobs"] != 3 {
		t.Errorf("rows %v", rows)
	}
	// The frames are cut elsewhere, so the whole differs by a few heads of them.
	if whole := int64(len(save(t, s.Snapshot()))); sum < whole*9/10 || sum > whole*11/10 {
		t.Errorf("the tables have %d bytes, the snapshot %d", sum, whole)
	}
}

func TestRedacted(t *testing.T) {
	const secret = "the-secret-of-the-node"
	s := New()
	w := s.Begin(2, "test")
	Nodes.Put(w, &api.Node{ID: "n", Name: "name", SecretID: secret})
	w.Commit()

	var b bytes.Buffer
	if err := s.Snapshot().SaveRedacted(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(save(t, s.Snapshot())), secret) {
		t.Fatal("the secret is not in a snapshot at all")
	}
	if strings.Contains(b.String(), secret) {
		t.Error("the secret is in the redacted snapshot")
	}
	got := New()
	if err := got.Restore(&b); err != nil {
		t.Fatal(err)
	}
	if n := Nodes.Get(got.Snapshot(), "n"); n == nil || n.Name != "name" || n.ModifyIndex != 2 {
		t.Errorf("node %+v after restoring", n)
	}
	if n := Nodes.Get(s.Snapshot(), "n"); n.SecretID != secret {
		t.Error("the store lost the secret too")
	}
	for name, rows := range s.Snapshot().Tables() {
		for row := range rows {
			if n, ok := row.(*api.Node); ok && (name != "nodes" || n.SecretID != "") {
				t.Errorf("table %s has %+v", name, n)
			}
		}
	}
}
