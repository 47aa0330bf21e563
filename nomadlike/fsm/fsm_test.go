// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// sink is a raft.SnapshotSink in memory.
type sink struct {
	bytes.Buffer
	closed, cancelled bool
	broken            error
}

func (s *sink) ID() string    { return "1-2-3" }
func (s *sink) Close() error  { s.closed = true; return nil }
func (s *sink) Cancel() error { s.cancelled = true; return nil }
func (s *sink) Write(b []byte) (int, error) {
	if s.broken != nil {
		return 0, s.broken
	}
	return s.Buffer.Write(b)
}

func snapshotOf(t testing.TB, f *FSM) []byte {
	t.Helper()
	snap, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	var s sink
	if err := snap.Persist(&s); err != nil {
		t.Fatal(err)
	}
	if !s.closed || s.cancelled {
		t.Fatal("the snapshot was not closed")
	}
	return s.Bytes()
}

// TestDeterminism applies a log of all commands on three servers, one of which is restored from a snapshot
// half way: their snapshots are the same bytes.
func TestDeterminism(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			a := newAuthor(seed)
			log := a.write(t, 400)
			plain, restored := newFSM(), newFSM()
			for i, entry := range log {
				index := uint64(i) + 2
				plain.apply(index, entry)
				restored.apply(index, entry)
				if i == len(log)/2 {
					saved := snapshotOf(t, restored)
					restored = newFSM()
					if err := restored.Restore(io.NopCloser(bytes.NewReader(saved))); err != nil {
						t.Fatal(err)
					}
				}
			}
			want := snapshotOf(t, a.f)
			if state.Allocs.Len(a.f.store.Read()) < 100 || state.Jobs.Len(a.f.store.Read()) == 0 {
				t.Fatal("the log does too little")
			}
			if !bytes.Equal(snapshotOf(t, plain), want) {
				t.Error("the same log gave other bytes")
			}
			if !bytes.Equal(snapshotOf(t, restored), want) {
				t.Error("the same log, with a snapshot and restore half way, gave other bytes")
			}
		})
	}
}

// TestAnswers checks that applying gives every server the same answers.
func TestAnswers(t *testing.T) {
	log := newAuthor(9).write(t, 200)
	a, b := newFSM(), newFSM()
	refused := 0
	for i, entry := range log {
		index := uint64(i) + 2
		x, y := a.apply(index, entry), b.apply(index, entry)
		errA, okA := x.(error)
		errB, okB := y.(error)
		if okA != okB || okA && errA.Error() != errB.Error() {
			t.Fatalf("entry %d: %v and %v", index, x, y)
		}
		if okA {
			refused++
		}
		if got := a.store.Index(); got != index {
			t.Fatalf("entry %d left the index at %d", index, got)
		}
	}
	if refused == 0 || refused > len(log)/2 {
		t.Errorf("%d of %d entries were refused", refused, len(log))
	}
}

// TestJobsDeleteSparesTheLiving checks that a job that was registered again since its collection was decided stays.
func TestJobsDeleteSparesTheLiving(t *testing.T) {
	f := newFSM()
	for i, id := range []string{"dead", "alive"} {
		job := &api.Job{ID: id, Namespace: "default", Type: api.JobTypeBatch, Stop: id == "dead", TaskGroups: []*api.TaskGroup{{Name: "g"}}}
		if err, ok := f.apply(uint64(i)+2, JobRegister.Encode(&JobRegisterRequest{Job: job})).(error); ok {
			t.Fatal(err)
		}
	}
	f.apply(4, JobsDelete.Encode(&JobsDeleteRequest{Jobs: []JobRef{{"default", "dead"}, {"default", "alive"}, {"default", "none"}}}))
	snap := f.store.Snapshot()
	if state.Jobs.Get(snap, "default", "dead") != nil {
		t.Error("the dead job stayed")
	}
	if state.Jobs.Get(snap, "default", "alive") == nil {
		t.Error("a job that is not dead was removed")
	}
}

// TestNodeEvals: the evaluations of a change of a node are of the node's index after it.
func TestNodeEvals(t *testing.T) {
	f := newFSM()
	evals := []*api.Evaluation{{ID: "e", NodeID: "n", NodeModifyIndex: 1}}
	for i, entry := range [][]byte{
		NodeRegister.Encode(&NodeRegisterRequest{Node: &api.Node{ID: "n", NodeResources: &api.NodeResources{}}, Evals: evals}),
		NodeStatusUpdate.Encode(&NodeStatusUpdateRequest{NodeID: "n", Status: api.NodeStatusReady, Evals: evals}),
		NodeEligibility.Encode(&NodeEligibilityRequest{NodeID: "n", Eligibility: api.NodeIneligible, Evals: evals}),
		NodeDrain.Encode(&NodeDrainRequest{NodeID: "n", Strategy: &api.DrainStrategy{}, Evals: evals}),
		NodeDeregister.Encode(&NodeDeregisterRequest{NodeIDs: []string{"n"}, Evals: evals}),
	} {
		index := uint64(i) + 2
		if err, ok := f.apply(index, entry).(error); ok {
			t.Fatal(err)
		}
		snap := f.store.Snapshot()
		if e := state.Evals.Get(snap, "e"); e.NodeModifyIndex != index {
			t.Errorf("entry %d: the evaluation is of the node's index %d", index, e.NodeModifyIndex)
		}
		if n := state.Nodes.Get(snap, "n"); n != nil && n.ModifyIndex != index {
			t.Errorf("entry %d: the node's index is %d", index, n.ModifyIndex)
		}
	}
}

func TestRefusalChangesNothing(t *testing.T) {
	f := newFSM()
	f.apply(2, NamespaceUpsert.Encode(&NamespaceUpsertRequest{Namespaces: []*api.Namespace{{Name: "a"}}}))
	f.apply(3, NodeRegister.Encode(&NodeRegisterRequest{Node: &api.Node{ID: "n", NodeResources: &api.NodeResources{}}}))
	before := f.store.Snapshot()
	for i, entry := range [][]byte{
		NamespaceDelete.Encode(&NamespaceDeleteRequest{Names: []string{"a", "default"}}),
		Batch.Encode(&BatchRequest{Entries: [][]byte{
			NodeDeregister.Encode(&NodeDeregisterRequest{NodeIDs: []string{"n"}}),
			NodeEvents.Encode(&NodeEventsRequest{NodeID: "n"}),
		}}),
	} {
		index := uint64(10 + i)
		err, _ := f.apply(index, entry).(error)
		if _, classed := errors.AsType[*api.Error](err); !classed {
			t.Fatalf("entry %d: %v, want a refusal with a class", i, err)
		}
		now := f.store.Snapshot()
		if now.Index() != index {
			t.Errorf("entry %d: index %d", i, now.Index())
		}
		if state.Namespaces.Get(now, "a") != state.Namespaces.Get(before, "a") || state.Nodes.Get(now, "n") != state.Nodes.Get(before, "n") {
			t.Errorf("entry %d was refused but changed rows", i)
		}
		if _, known := now.Usage().Ordinal("n"); !known {
			t.Errorf("entry %d was refused but changed the usage columns", i)
		}
	}
}

// TestUnreadableEntries: what this version cannot read stops the machine, with words about what to do.
func TestUnreadableEntries(t *testing.T) {
	batch := func(entry []byte) []byte { return Batch.Encode(&BatchRequest{Entries: [][]byte{entry}}) }
	job := JobRegister.Encode(&JobRegisterRequest{Job: &api.Job{ID: "j"}})
	plan := PlanApply.Encode(&PlanApplyRequest{Time: 1})
	for _, test := range []struct {
		name  string
		entry []byte
		want  []string
	}{
		{"unknown command", []byte{entryFormat, 0x7f, 0xff, 0x80}, []string{"entry 7", "test.db", "command 32767", "upgrade this one"}},
		{"unknown command in a batch", batch([]byte{entryFormat, 0x7f, 0xff, 0x80}), []string{"command 32767", "upgrade this one"}},
		{"newer format", []byte{9, 0, 1, 0x80}, []string{"format 9", "upgrade this one"}},
		{"empty", nil, []string{"cut off"}},
		{"short", []byte{entryFormat, 0}, []string{"cut off"}},
		{"cut payload", job[:len(job)-1], []string{"JobRegister", "test.db", "restore a snapshot"}},
		{"payload of garbage", append(job[:entryHeader:entryHeader], 0xc1), []string{"JobRegister", "restore a snapshot"}},
		{"longer payload", append(slices.Clip(job), 0), []string{"JobRegister", "bytes after"}},
		{"newer plan", append(plan[:entryHeader:entryHeader], 99), []string{"PlanApply", "format"}},
		{"longer plan", append(slices.Clip(plan), 0), []string{"PlanApply", "bytes after"}},
		{"batch in a batch", batch(batch(job)), []string{"batch inside a batch"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFSM()
			err, _ := f.apply(7, test.entry).(error)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
			select {
			case <-f.Failed():
			default:
				t.Fatal("the machine goes on")
			}
			before := f.store.Snapshot()
			if again, _ := f.apply(8, job).(error); !errors.Is(again, err) {
				t.Errorf("the next entry gives %v", again)
			}
			if state.Jobs.Len(f.store.Read()) != 0 || f.store.Snapshot() != before {
				t.Error("an entry was applied after one that could not be read")
			}
			if _, err := f.Snapshot(); err == nil {
				t.Error("a snapshot without the entry was made")
			}
		})
	}
}

func TestOtherEntriesAreIgnored(t *testing.T) {
	f := newFSM()
	if r := f.Apply(&raft.Log{Index: 5, Type: raft.LogBarrier}); r != nil || f.store.Index() != 1 {
		t.Errorf("answer %v, index %d", r, f.store.Index())
	}
}

// TestPanicIsRefused: a command that panics is refused like on every other server, and the store works on.
func TestPanicIsRefused(t *testing.T) {
	type request struct{ Late bool }
	c := Define(60000, "test panics", func(w *state.WriteTx, p *request) (any, error) {
		state.Namespaces.Put(w, &api.Namespace{Name: "half"})
		if !p.Late {
			panic("broken rule")
		}
		return "kept", nil
	})
	defer delete(commands, 60000)
	f := newFSM()
	err, _ := f.apply(5, c.Encode(&request{})).(error)
	if err == nil || !strings.Contains(err.Error(), "broken rule") || f.Err() != nil {
		t.Fatalf("answer %v, machine %v", err, f.Err())
	}
	if state.Namespaces.Get(f.store.Snapshot(), "half") != nil || f.store.Index() != 5 {
		t.Fatal("half of the command was kept")
	}
	f.store.Subscribe(func([]state.Change) { panic("broken subscriber") })
	if r := f.apply(6, c.Encode(&request{Late: true})); r != "kept" {
		t.Errorf("answer %v of a command whose subscriber panicked", r)
	}
	if state.Namespaces.Get(f.store.Snapshot(), "half") == nil {
		t.Error("a command that was committed is not there")
	}
	f.apply(7, c.Encode(&request{Late: true})) // the store is not locked
}

func TestSnapshotErrors(t *testing.T) {
	f := newFSM()
	snap, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	full := &sink{broken: errors.New("disk full")}
	if err := snap.Persist(full); !errors.Is(err, full.broken) || !full.cancelled || full.closed {
		t.Errorf("error %v, cancelled %v, closed %v", err, full.cancelled, full.closed)
	}
	before := f.store.Snapshot()
	if err := f.Restore(io.NopCloser(strings.NewReader("no snapshot"))); err == nil || f.store.Snapshot() != before {
		t.Errorf("restored garbage: %v", err)
	}
}

func TestCommandsAreDistinct(t *testing.T) {
	defer func() {
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "JobRegister") {
			t.Errorf("second command of a code: %v", p)
		}
	}()
	Define(1, "Other", func(*state.WriteTx, *JobRegisterRequest) (any, error) { return nil, nil })
}

// codes is the log's contract: a code never changes its meaning.
var codes = map[string]uint16{
	"JobRegister": 1, "JobDeregister": 2, "JobStability": 3, "JobsDelete": 4, "SummariesReconcile": 5, "JobVersionTag": 6, "ScalingEventNote": 7,
	"JobDispatch": 8, "PeriodicLaunch": 9,
	"EvalsUpsert": 10, "EvalsDelete": 11, "AllocsClientUpdate": 20, "AllocsDesiredTransition": 21, "PlanApply": 30,
	"NodeRegister": 40, "NodeStatusUpdate": 41, "NodeEligibility": 42, "NodeDeregister": 43, "NodeEvents": 44, "NodeDrain": 45,
	"NodePoolUpsert": 50, "NodePoolDelete": 51, "NamespaceUpsert": 60, "NamespaceDelete": 61,
	"DeploymentStatusUpdate": 70, "DeploymentsDelete": 71, "DeploymentPromotion": 72, "DeploymentAllocHealth": 73,
	"SchedulerConfigSet": 80, "ClusterInit": 81, "AutopilotConfigSet": 82, "ClusterRestored": 83,
	"ServicesUpsert": 90, "ServicesDelete": 91, "ServicesSync": 92, "Batch": 100,
}

func TestMetricNames(t *testing.T) {
	for command := range metricNames {
		if _, ok := codes[command]; !ok {
			t.Errorf("there is no command %s to measure as %s", command, metricNames[command])
		}
	}
	seen := map[string]string{}
	for _, c := range commands {
		name := strings.Join(c.key, ".")
		if other := seen[name]; other != "" {
			t.Errorf("commands %s and %s are measured as one, %s", other, c.name, name)
		}
		seen[name] = c.name
	}
	for l, want := range map[*raft.Log]string{
		{Type: raft.LogCommand, Data: JobRegister.Encode(&JobRegisterRequest{})}:   "nomad.fsm.register_job",
		{Type: raft.LogCommand, Data: ServicesSync.Encode(&ServicesSyncRequest{})}: "nomad.fsm.services_sync",
		{Type: raft.LogBarrier}:                       "",
		{Type: raft.LogCommand, Data: []byte("what")}: "",
	} {
		if got := strings.Join(MetricKey(l), "."); got != want {
			t.Errorf("an entry is measured as %q, want %q", got, want)
		}
	}
}

func TestCodesStay(t *testing.T) {
	for code, c := range commands {
		if codes[c.name] != code {
			t.Errorf("command %s has code %d, the list of codes in use says %d", c.name, code, codes[c.name])
		}
	}
	for name, code := range codes {
		if c := commands[code]; c == nil || c.name != name {
			t.Errorf("code %d of command %s has another meaning or none: old logs cannot be read", code, name)
		}
	}
}

// FuzzApply applies entries of any content: they are applied, refused or stop the machine, but nothing
// panics.
func FuzzApply(f *testing.F) {
	a := newAuthor(5)
	for _, entry := range a.write(f, len(Names())) {
		f.Add(entry)
	}
	base := snapshotOf(f, a.f)
	f.Fuzz(func(t *testing.T, entry []byte) {
		var out bytes.Buffer
		m := New(state.New(), hclog.New(&hclog.LoggerOptions{Output: &out}), "test.db")
		if err := m.Restore(io.NopCloser(bytes.NewReader(base))); err != nil {
			t.Fatal(err)
		}
		r := m.apply(1000, entry)
		if strings.Contains(out.String(), "panicked") {
			t.Fatal(out.String())
		}
		if m.Err() != nil {
			return
		}
		if _, refused := r.(error); !refused {
			again := newFSM()
			if err := again.Restore(io.NopCloser(bytes.NewReader(snapshotOf(t, m)))); err != nil {
				t.Fatalf("the state after the entry cannot be restored: %v", err)
			}
		}
	})
}
