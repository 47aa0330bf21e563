// SPDX-License-Identifier: MPL-2.0

package events

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// stream is a broker behind a state machine.
type stream struct {
	t      *testing.T
	store  *state.Store
	f      *fsm.FSM
	broker *Broker
	index  uint64
}

func newStream(t *testing.T, size int) *stream {
	s := &stream{t: t, store: state.New(), broker: New(size), index: 9}
	s.f = fsm.New(s.store, hclog.NewNullLogger(), "test")
	s.store.Subscribe(s.broker.Publish)
	s.store.OnRestore(s.broker.Reset)
	return s
}

func (s *stream) apply(entry []byte) any {
	s.index++
	r := s.f.Apply(&raft.Log{Index: s.index, Data: entry})
	if err, ok := r.(error); ok {
		s.t.Fatal(err)
	}
	return r
}

func (s *stream) namespaceJob(namespace, id string) {
	j := &api.Job{Namespace: namespace, ID: id, Type: api.JobTypeService, TaskGroups: []*api.TaskGroup{{Name: "g"}}}
	s.apply(fsm.JobRegister.Encode(&fsm.JobRegisterRequest{Job: j}))
}

// next returns the next batch, which must be there already.
func next(t *testing.T, sub *Subscription) *api.EventBatch {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b, err := sub.Next(ctx)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func describe(b *api.EventBatch) []string {
	if b == nil {
		return nil
	}
	var list []string
	for _, e := range b.Events {
		list = append(list, fmt.Sprintf("%s %s %s/%s %s", e.Topic, e.Type, e.Namespace, e.Key, strings.Join(e.FilterKeys, ",")))
	}
	slices.Sort(list)
	return list
}

// TestEvents applies commands and looks at the events they make (http-api.md 19).
func TestEvents(t *testing.T) {
	s := newStream(t, 100)
	sub := s.broker.Subscribe(Filter{}, 0)
	job := &api.Job{Namespace: "default", ID: "web", Type: api.JobTypeService, TaskGroups: []*api.TaskGroup{{Name: "g"}}}
	eval := func(id, status string) *api.Evaluation {
		return &api.Evaluation{ID: id, Namespace: "default", JobID: "web", Type: api.JobTypeService, Status: status}
	}
	node := &api.Node{ID: "n1", SecretID: "hush", NodeResources: &api.NodeResources{}}
	alloc := &api.Allocation{
		ID: "a1", Name: "web.g[0]", TaskGroup: "g", NodeID: "n1", DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientPending, DeploymentID: "d1",
		AllocatedResources: &api.AllocatedResources{Tasks: map[string]*api.AllocatedTaskResources{"t": {Cpu: api.AllocatedCpuResources{CpuShares: 7}}}},
	}
	deployment := &api.Deployment{ID: "d1", Namespace: "default", JobID: "web", Status: api.DeploymentRunning, TaskGroups: map[string]*api.DeploymentState{"g": {}}}
	for _, step := range []struct {
		name  string
		entry func() []byte
		want  []string
	}{
		{"node", func() []byte { return fsm.NodeRegister.Encode(&fsm.NodeRegisterRequest{Node: node}) }, []string{"Node NodeRegistration /n1 "}},
		{"node of a new pool", func() []byte {
			return fsm.NodeRegister.Encode(&fsm.NodeRegisterRequest{Node: &api.Node{ID: "n2", NodePool: "p", NodeResources: &api.NodeResources{}}})
		}, []string{"Node NodeRegistration /n2 ", "NodePool NodePoolUpserted /p "}},
		{"register", func() []byte {
			return fsm.JobRegister.Encode(&fsm.JobRegisterRequest{Job: job, Eval: eval("e1", api.EvalStatusPending), Submission: &api.JobSubmission{Source: "x"}})
		}, []string{"Evaluation JobRegistered default/e1 web,", "Job JobRegistered default/web "}},
		{"plan", func() []byte {
			stored := state.Jobs.Get(s.store.Snapshot(), "default", "web")
			deployment.JobCreateIndex = stored.CreateIndex
			return fsm.PlanApply.Encode(&fsm.PlanApplyRequest{Plans: []*fsm.PlanCommit{{EvalID: "e1", Job: stored, Result: &api.PlanResult{
				NodeAllocation: map[string][]*api.Allocation{"n1": {alloc}}, Deployment: deployment,
			}}}})
		}, []string{
			"Allocation PlanResult default/a1 web,d1", "Deployment PlanResult default/d1 web", "Evaluation PlanResult default/e1 web,",
			"Job PlanResult default/web ",
		}},
		{"evaluation done", func() []byte {
			return fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: []*api.Evaluation{eval("e1", api.EvalStatusComplete)}})
		}, []string{"Evaluation EvaluationUpdated default/e1 web,"}},
		{"client update", func() []byte {
			return fsm.AllocsClientUpdate.Encode(&fsm.AllocsClientUpdateRequest{Allocs: []*fsm.AllocUpdate{{ID: "a1", ClientStatus: api.AllocClientRunning}}})
		}, []string{"Allocation AllocationUpdated default/a1 web,d1"}},
		{"health", func() []byte {
			return fsm.AllocsClientUpdate.Encode(&fsm.AllocsClientUpdateRequest{Allocs: []*fsm.AllocUpdate{{ID: "a1", DeploymentStatus: &api.AllocDeploymentStatus{Healthy: new(true)}}}})
		}, []string{"Allocation AllocationUpdated default/a1 web,d1", "Deployment AllocationUpdated default/d1 web"}},
		{"transition", func() []byte {
			return fsm.AllocsDesiredTransition.Encode(&fsm.AllocsDesiredTransitionRequest{Transitions: map[string]api.DesiredTransition{"a1": {Migrate: new(true)}}})
		}, []string{"Allocation AllocationUpdateDesiredStatus default/a1 web,d1"}},
		{"deployment", func() []byte {
			return fsm.DeploymentStatus.Encode(&fsm.DeploymentStatusRequest{Update: &api.DeploymentStatusUpdate{DeploymentID: "d1", Status: api.DeploymentSuccessful}})
		}, []string{"Deployment DeploymentStatusUpdate default/d1 web", "Job DeploymentStatusUpdate default/web "}},
		{"service", func() []byte {
			return fsm.ServicesUpsert.Encode(&fsm.ServicesUpsertRequest{Services: []*api.ServiceRegistration{{ID: "r1", Namespace: "default", ServiceName: "http", JobID: "web", NodeID: "n1"}}})
		}, []string{"Service ServiceRegistration default/r1 web,http"}},
		{"service gone", func() []byte {
			return fsm.ServicesDelete.Encode(&fsm.ServicesDeleteRequest{NodeID: "n1"})
		}, []string{"Service ServiceDeregistration default/r1 web,http"}},
		{"status", func() []byte {
			return fsm.NodeStatusUpdate.Encode(&fsm.NodeStatusUpdateRequest{NodeID: "n1", Status: api.NodeStatusReady})
		}, []string{"Node NodeStreamEvent /n1 "}},
		{"node event", func() []byte {
			return fsm.NodeEvents.Encode(&fsm.NodeEventsRequest{NodeID: "n1", Events: []*api.NodeEvent{{Message: "x"}}})
		}, []string{"Node NodeStreamEvent /n1 "}},
		{"eligibility", func() []byte {
			return fsm.NodeEligibility.Encode(&fsm.NodeEligibilityRequest{NodeID: "n1", Eligibility: api.NodeIneligible})
		}, []string{"Node NodeEligibility /n1 "}},
		{"drain", func() []byte {
			return fsm.NodeDrain.Encode(&fsm.NodeDrainRequest{NodeID: "n1"})
		}, []string{"Node NodeDrain /n1 "}},
		{"pool", func() []byte {
			return fsm.NodePoolUpsert.Encode(&fsm.NodePoolUpsertRequest{Pools: []*api.NodePool{{Name: "q"}}})
		}, []string{"NodePool NodePoolUpserted /q "}},
		{"pool gone", func() []byte { return fsm.NodePoolDelete.Encode(&fsm.NodePoolDeleteRequest{Names: []string{"q"}}) }, []string{"NodePool NodePoolDeleted /q "}},
		{"node gone", func() []byte { return fsm.NodeDeregister.Encode(&fsm.NodeDeregisterRequest{NodeIDs: []string{"n2"}}) }, []string{"Node NodeDeregistration /n2 "}},
		{"stop", func() []byte {
			return fsm.JobDeregister.Encode(&fsm.JobDeregisterRequest{Namespace: "default", JobID: "web", Eval: eval("e2", api.EvalStatusPending)})
		}, []string{"Evaluation JobDeregistered default/e2 web,", "Job JobDeregistered default/web "}},
		{"collected", func() []byte {
			return fsm.EvalsDelete.Encode(&fsm.EvalsDeleteRequest{EvalIDs: []string{"e1"}, AllocIDs: []string{"a1"}})
		}, []string{"Job EvaluationUpdated default/web "}},
		{"stop evaluated", func() []byte {
			return fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: []*api.Evaluation{eval("e2", api.EvalStatusComplete)}})
		}, []string{"Evaluation EvaluationUpdated default/e2 web,", "Job EvaluationUpdated default/web "}},
		{"deployment collected", func() []byte {
			return fsm.DeploymentsDelete.Encode(&fsm.DeploymentsDeleteRequest{IDs: []string{"d1"}})
		}, nil},
		{"collected job", func() []byte {
			return fsm.JobsDelete.Encode(&fsm.JobsDeleteRequest{Jobs: []fsm.JobRef{{Namespace: "default", ID: "web"}}})
		}, []string{"Job JobBatchDeregistered default/web "}},
		{"tables without topic", func() []byte {
			return fsm.SchedulerConfigSet.Encode(&fsm.SchedulerConfigSetRequest{Config: &api.SchedulerConfiguration{}})
		}, nil},
		{"batch", func() []byte {
			return fsm.Batch.Encode(&fsm.BatchRequest{Entries: [][]byte{
				fsm.NodeEligibility.Encode(&fsm.NodeEligibilityRequest{NodeID: "n1", Eligibility: api.NodeEligible}),
				fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: []*api.Evaluation{eval("e9", api.EvalStatusComplete)}}),
			}})
		}, []string{"Evaluation EvaluationUpdated default/e9 web,", "Node NodeEligibility /n1 "}},
	} {
		s.apply(step.entry())
		b := next(t, sub)
		if got := describe(b); !slices.Equal(got, step.want) {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
		if b == nil {
			continue
		}
		for _, e := range b.Events {
			if b.Index != s.index || e.Index != s.index {
				t.Errorf("%s: index %d and %d, want %d", step.name, b.Index, e.Index, s.index)
			}
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "hush") {
				t.Errorf("%s: the secret of the node is told: %s", step.name, text)
			}
			if p, ok := e.Payload.(*AllocationPayload); ok {
				if p.Allocation.Job != nil {
					t.Errorf("%s: the allocation comes with its job", step.name)
				}
				if a := p.Allocation; a.Resources == nil || *a.Resources.CPU != 7 || a.SharedResources == nil || *a.TaskResources["t"].CPU != 7 {
					t.Errorf("%s: the allocation comes without the obsolete forms of its resources", step.name)
				}
				if row := state.Allocs.Get(s.store.Snapshot(), "a1"); row.Resources != nil {
					t.Errorf("%s: making the event changed a row", step.name)
				}
			}
			if p, ok := e.Payload.(*JobPayload); ok && p.Deleted != (step.name == "collected job") {
				t.Errorf("%s: deleted %v", step.name, p.Deleted)
			}
		}
	}
	if a := state.Nodes.Get(s.store.Snapshot(), "n1"); a.SecretID != "hush" {
		t.Error("making events changed a row")
	}
}

// TestRecordedShape compares the JSON of events with recorded ones of the reference.
func TestRecordedShape(t *testing.T) {
	f, err := os.Open("../../api/testdata/recorded/event-stream.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	members := func(raw []byte) []string {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		return slices.Sorted(maps.Keys(m))
	}
	type event struct {
		Topic   string
		Payload json.RawMessage
	}
	payloads := map[string]any{
		TopicJob: &JobPayload{}, TopicEvaluation: &EvaluationPayload{}, TopicAllocation: &AllocationPayload{},
		TopicDeployment: &DeploymentPayload{}, TopicNode: &NodePayload{}, TopicNodePool: &NodePoolPayload{}, TopicService: &ServicePayload{},
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	seen := 0
	for lines.Scan() {
		var batch struct{ Events []json.RawMessage }
		if err := json.Unmarshal(lines.Bytes(), &batch); err != nil {
			t.Fatal(err)
		}
		for _, raw := range batch.Events {
			var e event
			if err := json.Unmarshal(raw, &e); err != nil {
				t.Fatal(err)
			}
			own, err := json.Marshal(payloads[e.Topic])
			if err != nil {
				t.Fatal(err)
			}
			if got, want := members(own), members(e.Payload); !slices.Equal(got, want) {
				t.Errorf("payload of %s has %v, recorded %v", e.Topic, got, want)
			}
			own, err = json.Marshal(&api.Event{})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := members(own), members(raw); !slices.Equal(got, want) {
				t.Errorf("event has %v, recorded %v", got, want)
			}
			seen++
		}
	}
	if seen == 0 {
		t.Error("nothing was compared")
	}
}

func TestFilters(t *testing.T) {
	s := newStream(t, 100)
	s.apply(fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: []*api.Namespace{{Name: "other"}}}))
	for _, e := range []*api.Evaluation{
		{ID: "e1", Namespace: "default", JobID: "web", DeploymentID: "d1"}, {ID: "e2", Namespace: "other", JobID: "web"}, {ID: "e3", Namespace: "default", JobID: "db"},
	} {
		s.apply(fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: []*api.Evaluation{e}}))
	}
	s.apply(fsm.NodeRegister.Encode(&fsm.NodeRegisterRequest{Node: &api.Node{ID: "n1", NodeResources: &api.NodeResources{}}}))
	s.namespaceJob("default", "web")
	topics := func(list ...string) map[string][]string {
		m := map[string][]string{}
		for _, t := range list {
			topic, key, _ := strings.Cut(t, ":")
			m[topic] = append(m[topic], key)
		}
		return m
	}
	for _, test := range []struct {
		name   string
		filter Filter
		want   string
	}{
		{"everything", Filter{}, "e1 e2 e3 n1 web"},
		{"all topics", Filter{Topics: topics("*:*")}, "e1 e2 e3 n1 web"},
		{"one topic", Filter{Topics: topics("Evaluation:*")}, "e1 e2 e3"},
		{"two topics", Filter{Topics: topics("Node:*", "Job:*")}, "n1 web"},
		{"key", Filter{Topics: topics("Evaluation:e2")}, "e2"},
		{"two keys", Filter{Topics: topics("Evaluation:e2", "Evaluation:e3")}, "e2 e3"},
		{"filter key", Filter{Topics: topics("Evaluation:d1")}, "e1"},
		{"key of any topic", Filter{Topics: topics("*:web")}, "e1 e2 web"},
		{"empty key", Filter{Topics: topics("Evaluation:")}, ""},
		{"other case", Filter{Topics: topics("evaluation:*")}, ""},
		{"unknown topic", Filter{Topics: topics("Nothing:*")}, ""},
		{"namespace", Filter{Namespace: "default"}, "e1 e3 n1 web"},
		{"all namespaces", Filter{Namespace: "*"}, "e1 e2 e3 n1 web"},
		{"namespace and topic", Filter{Namespace: "other", Topics: topics("Evaluation:*")}, "e2"},
		{"not allowed", Filter{Allow: func(e *api.Event) bool { return e.Topic != TopicNode }}, "e1 e2 e3 web"},
	} {
		sub := s.broker.Subscribe(test.filter, 0)
		var got []string
		for b := next(t, sub); b != nil; b = next(t, sub) {
			for _, e := range b.Events {
				got = append(got, e.Key)
			}
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("%s: %q, want %q", test.name, text, test.want)
		}
	}
}

// TestLines: readers get the same text as the events' own, whatever their filters leave out, and share it.
func TestLines(t *testing.T) {
	s := newStream(t, 100)
	var evals []*api.Evaluation
	for i := range 6 {
		evals = append(evals, &api.Evaluation{ID: fmt.Sprintf("e%d", i), Namespace: "default", JobID: fmt.Sprintf("j%d", i/2)})
	}
	for range 2 {
		s.apply(fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: evals}))
	}
	for _, keys := range [][]string{{"*"}, {"j0"}, {"j1"}, {"j2"}, {"j0", "j2"}, {"e0", "e5"}, {"e1", "e3"}, {"e5"}, {"none"}} {
		filter := Filter{Topics: map[string][]string{TopicEvaluation: keys}}
		var want strings.Builder
		sub := s.broker.Subscribe(filter, 0)
		for b := next(t, sub); b != nil; b = next(t, sub) {
			line, err := typeinfo.Marshal(b, typeinfo.Response)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&want, "%s\n", line)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 2 { // the second time from what was kept
			got, err := s.broker.Subscribe(filter, 0).NextLines(ctx)
			if string(got) != want.String() || (err == nil) != (len(got) > 0) {
				t.Errorf("%v: %q %v\nwant %q", keys, got, err, want.String())
			}
		}
	}
	first, second := s.broker.Subscribe(Filter{}, s.index), s.broker.Subscribe(Filter{Topics: map[string][]string{"*": {"*"}}}, s.index)
	one, _ := first.NextLines(t.Context())
	two, _ := second.NextLines(t.Context())
	if &one[0] != &two[0] {
		t.Error("two readers of everything got two texts")
	}
}

// TestTextBudget: the text of old commits goes when there is too much of it, is made again when asked for, and goes when
// nobody is left to read it.
func TestTextBudget(t *testing.T) {
	s := newStream(t, 100)
	big := strings.Repeat("x", textBudget/4)
	for i := range 6 {
		s.apply(fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: []*api.Evaluation{{ID: fmt.Sprint(i), StatusDescription: big}}}))
	}
	idle := s.broker.Subscribe(Filter{}, 0)
	for range 2 {
		sub := s.broker.Subscribe(Filter{}, 0)
		for range 6 {
			if lines, err := sub.NextLines(t.Context()); err != nil || len(lines) < len(big) {
				t.Fatalf("%d bytes, %v", len(lines), err)
			}
		}
		if s.broker.mu.text > textBudget+len(big)/2 || s.broker.mu.text < len(big) {
			t.Errorf("%d bytes are kept, the budget is %d", s.broker.mu.text, textBudget)
		}
		sub.Close()
		sub.Close() // does nothing
	}
	idle.Close()
	if s.broker.mu.text != 0 {
		t.Errorf("%d bytes are kept for nobody", s.broker.mu.text)
	}
	for _, b := range s.broker.mu.kept {
		if b.text.all != nil || b.due != 0 {
			t.Errorf("batch of index %d has text, or %d readers", b.index, b.due)
		}
	}
}

// TestLargeCommit: a commit of many changes comes in several lines of the same index, and none is missed.
func TestLargeCommit(t *testing.T) {
	s := newStream(t, 100)
	sub := s.broker.Subscribe(Filter{}, 0)
	defer sub.Close()
	var evals []*api.Evaluation
	for i := range 2*batchChanges + 100 {
		evals = append(evals, &api.Evaluation{ID: fmt.Sprint(i), Namespace: "default", JobID: "j"})
	}
	s.apply(fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: evals}))
	seen := map[string]bool{}
	batches := 0
	for b := next(t, sub); b != nil; b = next(t, sub) {
		batches++
		if b.Index != s.index {
			t.Errorf("index %d, want %d", b.Index, s.index)
		}
		for _, e := range b.Events {
			if seen[e.Key] {
				t.Errorf("event of %s twice", e.Key)
			}
			seen[e.Key] = true
		}
	}
	if batches < 3 || len(seen) != len(evals) {
		t.Errorf("%d batches with %d of %d events", batches, len(seen), len(evals))
	}
}

// TestPartOfABatch: a filter takes some of the events of a commit, and the others stay for others.
func TestPartOfABatch(t *testing.T) {
	s := newStream(t, 100)
	var evals []*api.Evaluation
	for i := range 5 {
		evals = append(evals, &api.Evaluation{ID: fmt.Sprintf("e%d", i), Namespace: "default", JobID: fmt.Sprintf("j%d", i%2)})
	}
	s.apply(fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: evals}))
	for job, want := range map[string]int{"j0": 3, "j1": 2, "*": 5} {
		b := next(t, s.broker.Subscribe(Filter{Topics: map[string][]string{TopicEvaluation: {job}}}, 0))
		if b == nil || len(b.Events) != want {
			t.Errorf("%s: %v, want %d events", job, describe(b), want)
		}
	}
}

func TestStart(t *testing.T) {
	s := newStream(t, 4)
	for i := range 7 { // indexes 10 to 16, of which 13 to 16 are kept
		s.namespaceJob("default", fmt.Sprint(i))
	}
	for _, test := range []struct {
		index uint64
		want  []uint64
	}{
		{0, []uint64{13, 14, 15, 16}},
		{1, []uint64{13, 14, 15, 16}},
		{12, []uint64{13, 14, 15, 16}},
		{13, []uint64{13, 14, 15, 16}},
		{15, []uint64{15, 16}},
		{16, []uint64{16}},
		{17, []uint64{16}},
		{1 << 60, []uint64{16}},
	} {
		sub := s.broker.Subscribe(Filter{}, test.index)
		var got []uint64
		for b := next(t, sub); b != nil; b = next(t, sub) {
			got = append(got, b.Index)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("from %d: %v, want %v", test.index, got, test.want)
		}
	}
	empty := New(0)
	if next(t, empty.Subscribe(Filter{}, 5)) != nil {
		t.Error("an empty broker has events")
	}
}

// TestSlowReader: who does not read while the buffer turns over is told so, and others are not held up.
func TestSlowReader(t *testing.T) {
	s := newStream(t, 4)
	s.broker.patience = 60 // a job is several changes
	slow, quick := s.broker.Subscribe(Filter{}, 0), s.broker.Subscribe(Filter{}, 0)
	change := func(from, to int) {
		for i := from; i < to; i++ {
			s.namespaceJob("default", fmt.Sprint(i))
			if next(t, quick) == nil {
				t.Fatal("the quick reader missed an event")
			}
		}
	}
	patient := s.broker.Subscribe(Filter{}, 0)
	change(0, 6)
	if next(t, patient) == nil {
		t.Error("dropped although few changes are kept")
	}
	patient.Close()
	change(6, 60)
	if _, err := slow.Next(t.Context()); !errors.Is(err, ErrSlow) {
		t.Errorf("slow reader: %v", err)
	}
	slow.Close()
	change(60, 61)
	if n := len(s.broker.mu.kept); n != 4 {
		t.Errorf("%d commits are kept although everybody has read them", n)
	}
}

func TestReset(t *testing.T) {
	s := newStream(t, 10)
	s.namespaceJob("default", "a")
	sub := s.broker.Subscribe(Filter{}, 0)
	var saved strings.Builder
	if err := s.store.Snapshot().Save(&saved); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Restore(strings.NewReader(saved.String())); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Next(t.Context()); !errors.Is(err, ErrReset) {
		t.Errorf("after a restore: %v", err)
	}
	sub = s.broker.Subscribe(Filter{}, 0)
	if next(t, sub) != nil {
		t.Error("events from before the restore")
	}
	s.namespaceJob("default", "b")
	if b := next(t, sub); b == nil || b.Events[0].Key != "b" {
		t.Errorf("first event after the restore: %v", describe(b))
	}
}

// TestWaiting: readers sleep until there is something for them, and end with their context.
func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream(t, 1000)
		ctx, cancel := context.WithCancel(t.Context())
		counts := make([]int, 50)
		errs := make(chan error, len(counts))
		for i := range counts {
			sub := s.broker.Subscribe(Filter{Topics: map[string][]string{TopicJob: {fmt.Sprint(i % 10)}}}, 0)
			go func() {
				for {
					b, err := sub.Next(ctx)
					if err != nil {
						errs <- err
						return
					}
					counts[i] += len(b.Events)
				}
			}()
		}
		synctest.Wait()
		for i := range 100 {
			s.namespaceJob("default", fmt.Sprint(i%10))
			if i%7 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		cancel()
		for range counts {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		for i, n := range counts {
			if n != 10 {
				t.Errorf("reader %d got %d events, want 10", i, n)
			}
		}
	})
}

func BenchmarkPublish(b *testing.B) {
	broker := New(100)
	changes := make([]state.Change, 1000)
	for i := range changes {
		changes[i] = state.Change{Table: "allocs", New: &api.Allocation{ID: "a"}, Index: 1, Msg: "PlanApply"}
	}
	b.ReportAllocs()
	for b.Loop() {
		broker.Publish(changes)
	}
}
