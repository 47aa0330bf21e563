// SPDX-License-Identifier: MPL-2.0

package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/archive"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/raftlog"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

const secret = "the-secret-of-the-node"

var at = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

// entries are a log: a configuration, a node, a namespace and a batch of both.
func entries() []*raft.Log {
	node := func(id string) []byte {
		return fsm.NodeRegister.Encode(&fsm.NodeRegisterRequest{Node: &api.Node{ID: id, Name: id, SecretID: secret}, Time: at.UnixNano()})
	}
	ns := func(name string) []byte {
		return fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: []*api.Namespace{{Name: name}}})
	}
	conf := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "127.0.0.1:4647"}}})
	return []*raft.Log{
		{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: conf},
		{Index: 2, Term: 1, Type: raft.LogCommand, Data: node("node-1"), AppendedAt: at},
		{Index: 3, Term: 1, Type: raft.LogCommand, Data: ns("team-a")},
		{Index: 4, Term: 2, Type: raft.LogCommand, Data: fsm.Batch.Encode(&fsm.BatchRequest{Entries: [][]byte{node("node-2"), ns("team-b")}})},
		{Index: 5, Term: 2, Type: raft.LogNoop},
	}
}

// dataDir makes the data directory of an agent with those entries.
func dataDir(t *testing.T, logs []*raft.Log) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "server", "raft"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := raftlog.Open(filepath.Join(dir, "server", "raft", "raft.db"), raftlog.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.StoreLogs(logs), s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string) *Data {
	t.Helper()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestInfo(t *testing.T) {
	dir := dataDir(t, entries())
	for _, at := range []string{dir, filepath.Join(dir, "server"), filepath.Join(dir, "server", "raft")} {
		i, err := open(t, at).Info()
		if err != nil {
			t.Fatal(err)
		}
		if i.First != 1 || i.Last != 5 || i.Length() != 5 || i.Path != filepath.Join(dir, "server", "raft", "raft.db") {
			t.Errorf("info of %s: %+v", at, i)
		}
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no raft store (raft.db or wal/) found in") {
		t.Errorf("error %v for a directory without a log", err)
	}
}

func TestInUse(t *testing.T) {
	dir := dataDir(t, entries())
	s, err := raftlog.Open(filepath.Join(dir, "server", "raft", "raft.db"), raftlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "in use by another agent") {
		t.Errorf("error %v while an agent has the log", err)
	}
}

func TestLogs(t *testing.T) {
	var out []string
	err := open(t, dataDir(t, entries())).Logs(func(l *raft.Log) error {
		data, err := EntryJSON(l)
		if err == nil && !json.Valid(data) {
			t.Errorf("entry %d is no JSON: %s", l.Index, data)
		}
		out = append(out, string(data))
		return err
	}, func(first, last uint64) { t.Errorf("the entries %d to %d are said to be missing", first, last) })
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`"Address":"127.0.0.1:4647"`, `"Command":"NodeRegister","Payload":`, `"Command":"NamespaceUpsert"`, `"Command":"NamespaceUpsert"`, `"Type":"LogNoop"`,
	} {
		if !strings.Contains(out[i], want) {
			t.Errorf("entry %d is %s, want one with %s", i+1, out[i], want)
		}
	}
	if all := strings.Join(out, "\n"); strings.Contains(all, secret) || !strings.Contains(all, `"SecretID":"<redacted>"`) {
		t.Errorf("a secret is shown:\n%s", all)
	}
}

// TestLogsAroundSnapshot: where a snapshot was restored raft leaves entries out, however many.
func TestLogsAroundSnapshot(t *testing.T) {
	logs := slices.Delete(entries(), 2, 3)
	logs = append(logs, &raft.Log{Index: 1 << 60, Term: 3, Type: raft.LogNoop}, &raft.Log{Index: 1<<60 + 1, Term: 3, Type: raft.LogNoop})
	var shown, gaps []uint64
	err := open(t, dataDir(t, logs)).Logs(func(l *raft.Log) error {
		shown = append(shown, l.Index)
		return nil
	}, func(first, last uint64) { gaps = append(gaps, first, last) })
	if err != nil || !slices.Equal(shown, []uint64{1, 2, 4, 5, 1 << 60, 1<<60 + 1}) || !slices.Equal(gaps, []uint64{3, 3, 6, 1<<60 - 1}) {
		t.Errorf("the entries are %d, those missing %d, error %v", shown, gaps, err)
	}
}

// stateJSON returns the tables of a state.
func stateJSON(t *testing.T, s *state.Snapshot, filter string) (map[string][]map[string]any, error) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteState(&b, s, filter); err != nil {
		return nil, err
	}
	var out map[string][]map[string]any
	if err := json.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	return out, nil
}

func TestState(t *testing.T) {
	d := open(t, dataDir(t, entries()))
	for _, c := range []struct {
		last       int64
		at         uint64
		nodes, nss int
	}{{0, 5, 2, 3}, {-1, 4, 2, 3}, {3, 3, 1, 2}, {2, 2, 1, 1}, {-3, 2, 1, 1}} {
		s, at, err := d.State(c.last)
		if err != nil {
			t.Fatal(err)
		}
		got, err := stateJSON(t, s, "")
		if err != nil {
			t.Fatal(err)
		}
		if at != c.at || len(got["nodes"]) != c.nodes || len(got["namespaces"]) != c.nss {
			t.Errorf("state at %d: index %d, %d nodes, %d namespaces, want %+v", c.last, at, len(got["nodes"]), len(got["namespaces"]), c)
		}
	}
	for _, last := range []int64{6, -5} {
		if _, _, err := d.State(last); err == nil || !strings.Contains(err.Error(), "the newest one is 5") {
			t.Errorf("state at %d: error %v", last, err)
		}
	}
}

func TestStateFilter(t *testing.T) {
	s, _, err := open(t, dataDir(t, entries())).State(0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := stateJSON(t, s, `Name == "node-2"`)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || len(got["nodes"]) != 1 || got["nodes"][0]["ID"] != "node-2" {
		t.Errorf("filtered state %v", got)
	}
	if got, err := stateJSON(t, s, `Name == "nobody"`); err != nil || len(got) != 0 {
		t.Errorf("state without a match: %v, %v", got, err)
	}
	for _, bad := range []string{`Name ==`, `Nonsense == "x"`} {
		if _, err := stateJSON(t, s, bad); err == nil {
			t.Errorf("filter %q was taken", bad)
		}
	}
}

// putSnapshot stores the state of an index as raft does.
func putSnapshot(t *testing.T, raftDir string, index uint64, s *state.Snapshot) {
	t.Helper()
	store, err := raft.NewFileSnapshotStore(raftDir, 3, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	_, trans := raft.NewInmemTransport("a")
	sink, err := store.Create(1, index, 1, raft.Configuration{}, 1, trans)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Save(sink), sink.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestStateFromSnapshot reads a log whose beginning was compacted.
func TestStateFromSnapshot(t *testing.T) {
	whole := open(t, dataDir(t, entries()))
	three, _, err := whole.State(3)
	if err != nil {
		t.Fatal(err)
	}
	dir := dataDir(t, entries()[3:])
	putSnapshot(t, filepath.Join(dir, "server", "raft"), 3, three)
	d := open(t, dir)
	s, at, err := d.State(0)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := stateJSON(t, s, ""); err != nil || at != 5 || len(got["nodes"]) != 2 || len(got["namespaces"]) != 3 {
		t.Errorf("index %d, state %v, error %v", at, got, err)
	}
	if _, at, err := d.State(3); err != nil || at != 3 {
		t.Errorf("state of the snapshot: index %d, error %v", at, err)
	}
	if _, _, err := d.State(2); err == nil || !strings.Contains(err.Error(), "entries 1 to 3 are gone") {
		t.Errorf("error %v for a state before the snapshot", err)
	}
}

func TestDamagedEntry(t *testing.T) {
	logs := entries()
	logs[2].Data = []byte("nonsense")
	d := open(t, dataDir(t, logs))
	if _, _, err := d.State(0); err == nil || !strings.Contains(err.Error(), "raft entry 3") {
		t.Errorf("error %v, want one about entry 3", err)
	}
	err := d.Logs(func(l *raft.Log) error {
		_, err := EntryJSON(l)
		return err
	}, nil)
	if err == nil || !strings.Contains(err.Error(), "entry 3") {
		t.Errorf("error %v, want one about entry 3", err)
	}
}

func TestArchive(t *testing.T) {
	s, _, err := open(t, dataDir(t, entries())).State(0)
	if err != nil {
		t.Fatal(err)
	}
	var saved bytes.Buffer
	if err := s.Save(&saved); err != nil {
		t.Fatal(err)
	}
	meta := &raft.SnapshotMeta{Version: 1, ID: "2-5-1", Index: 5, Term: 2, Size: int64(saved.Len())}
	path := filepath.Join(t.TempDir(), "backup.snap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(archive.Write(f, meta, &saved, at), f.Close()); err != nil {
		t.Fatal(err)
	}
	a, err := ReadArchive(path)
	if err != nil {
		t.Fatal(err)
	}
	if a.Meta.ID != "2-5-1" || state.Nodes.Get(a.State, "node-1") == nil {
		t.Errorf("archive %+v", a.Meta)
	}
	var redacted, copied bytes.Buffer
	if err := a.WriteRedacted(&redacted, at); err != nil {
		t.Fatal(err)
	}
	got, err := archive.Read(&redacted, &copied)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "2-5-1" || got.Size != int64(copied.Len()) || strings.Contains(copied.String(), secret) {
		t.Errorf("redacted archive: %+v, secret %t", got, strings.Contains(copied.String(), secret))
	}
	if err := CheckArchive(path); err != nil {
		t.Error(err)
	}
	if err := os.Truncate(path, 200); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadArchive(path); !errors.Is(err, archive.ErrDamaged) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v for a cut archive", err)
	}
	if err := CheckArchive(path); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("error %v for a cut archive", err)
	}
}

// TestForeignArchive has a state that this version cannot read.
func TestForeignArchive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup.snap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	meta := &raft.SnapshotMeta{Version: 1, ID: "2-5-1", Index: 5, Term: 2, Size: 9}
	if err := errors.Join(archive.Write(f, meta, strings.NewReader("elsewhere"), at), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := CheckArchive(path); err != nil {
		t.Errorf("the archive is whole: %v", err)
	}
	a, err := ReadArchive(path)
	if err != nil || a.Meta.Index != 5 || a.State != nil || a.StateErr == nil {
		t.Fatalf("archive %+v, error %v", a, err)
	}
	if err := a.WriteRedacted(&bytes.Buffer{}, at); !errors.Is(err, a.StateErr) {
		t.Errorf("redacting: error %v", err)
	}
}
