// SPDX-License-Identifier: MPL-2.0

package api

import (
	"regexp"
	"testing"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

func TestNewID(t *testing.T) {
	pattern := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if !pattern.MatchString(id) || seen[id] {
			t.Fatalf("got %q", id)
		}
		seen[id] = true
	}
	if got := ShortID("12345678-aaaa"); got != "12345678" {
		t.Errorf("got %q", got)
	}
	if got := ShortID("123"); got != "123" {
		t.Errorf("got %q", got)
	}
}

func TestAllocNames(t *testing.T) {
	if got := AllocName("a/b", "g", 12); got != "a/b.g[12]" {
		t.Errorf("got %q", got)
	}
	for name, want := range map[string]int{"j.g[0]": 0, "j.g[12]": 12, "j[3].g[4]": 4, "j.g": -1, "j.g[]": -1, "j.g[x]": -1, "j.g[-1]": -1, "": -1} {
		if got := (&Allocation{Name: name}).Index(); got != want {
			t.Errorf("%q: got %d", name, got)
		}
	}
	if (*Allocation)(nil).Index() != -1 {
		t.Error("nil allocation")
	}
}

func TestAllocStatus(t *testing.T) {
	for _, test := range []struct {
		desired, client string
		server, clientT bool
	}{
		{"run", "pending", false, false},
		{"run", "running", false, false},
		{"run", "unknown", false, false},
		{"run", "complete", false, true},
		{"run", "failed", false, true},
		{"run", "lost", false, true},
		{"stop", "running", true, false},
		{"evict", "running", true, false},
	} {
		a := &Allocation{DesiredStatus: test.desired, ClientStatus: test.client}
		if a.ServerTerminalStatus() != test.server || a.ClientTerminalStatus() != test.clientT || a.TerminalStatus() != (test.server || test.clientT) {
			t.Errorf("%s, %s", test.desired, test.client)
		}
	}
}

func TestEvalStatus(t *testing.T) {
	for status, want := range map[string][3]bool{
		"pending": {false, true, false}, "blocked": {false, false, true}, "complete": {true, false, false},
		"failed": {true, false, false}, "canceled": {true, false, false},
	} {
		e := &Evaluation{Status: status}
		if got := [3]bool{e.TerminalStatus(), e.ShouldEnqueue(), e.ShouldBlock()}; got != want {
			t.Errorf("%s: got %v", status, got)
		}
	}
}

func TestNodeReady(t *testing.T) {
	ready := Node{Status: "ready", SchedulingEligibility: "eligible"}
	for _, test := range []struct {
		name string
		edit func(*Node)
		want bool
	}{
		{"ready", func(*Node) {}, true},
		{"down", func(n *Node) { n.Status = "down" }, false},
		{"initializing", func(n *Node) { n.Status = "initializing" }, false},
		{"ineligible", func(n *Node) { n.SchedulingEligibility = "ineligible" }, false},
		{"draining", func(n *Node) { n.DrainStrategy = &DrainStrategy{} }, false},
	} {
		n := ready
		test.edit(&n)
		if got := n.Ready(); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}

func TestAsk(t *testing.T) {
	task := func(hook string, sidecar bool, cpu, memory int) *Task {
		t := &Task{Resources: &Resources{CPU: &cpu, MemoryMB: &memory}}
		if hook != "" {
			t.Lifecycle = &Lifecycle{Hook: hook, Sidecar: sidecar}
		}
		return t
	}
	for _, test := range []struct {
		name  string
		tasks []*Task
		want  Ask
	}{
		{"defaults", []*Task{{}}, Ask{CPU: 100, MemoryMB: 300, DiskMB: 300}},
		{"mains add up", []*Task{task("", false, 10, 20), task("", false, 1, 2)}, Ask{CPU: 11, MemoryMB: 22, DiskMB: 300}},
		{"prestart shares with main", []*Task{task("prestart", false, 10, 5), task("", false, 1, 20)}, Ask{CPU: 10, MemoryMB: 20, DiskMB: 300}},
		{"sidecar runs beside both", []*Task{task("prestart", true, 4, 4), task("prestart", false, 10, 5), task("", false, 1, 20)}, Ask{CPU: 14, MemoryMB: 24, DiskMB: 300}},
		{"poststart runs beside main", []*Task{task("poststart", false, 4, 4), task("", false, 1, 20)}, Ask{CPU: 5, MemoryMB: 24, DiskMB: 300}},
		{"poststop runs alone", []*Task{task("poststop", false, 4, 40), task("", false, 1, 20)}, Ask{CPU: 4, MemoryMB: 40, DiskMB: 300}},
		{"cores in full", []*Task{
			{Resources: &Resources{Cores: 2, MemoryMB: new(10)}},
			{Lifecycle: &Lifecycle{Hook: "prestart"}, Resources: &Resources{Cores: 1, MemoryMB: new(10)}},
		}, Ask{MemoryMB: 10, DiskMB: 300, Cores: 3}},
		{"secrets", []*Task{{Resources: &Resources{MemoryMB: new(10), SecretsMB: 5}}}, Ask{CPU: 100, MemoryMB: 15, DiskMB: 300}},
	} {
		if got := (&TaskGroup{Tasks: test.tasks}).Ask(); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
	if got := (&TaskGroup{EphemeralDisk: &EphemeralDisk{SizeMB: new(7)}}).Ask().DiskMB; got != 7 {
		t.Errorf("disk: got %d", got)
	}
}

func TestAccessorsOfNil(t *testing.T) {
	var (
		job   *Job
		group *TaskGroup
		task  *Task
	)
	if job.LookupTaskGroup("g") != nil || group.LookupTask("t") != nil || !job.Stopped() || job.IsPeriodic() || job.IsParameterized() {
		t.Error("lookups")
	}
	if job.PriorityOrDefault() != 50 || group.CountOrDefault() != 0 || (&TaskGroup{}).CountOrDefault() != 1 {
		t.Error("defaults")
	}
	if task.KillTimeoutOrDefault() != DefaultKillTimeout || !task.IsMain() || task.IsSidecar() {
		t.Error("task")
	}
	var update *UpdateStrategy
	var reschedule *ReschedulePolicy
	if !update.IsEmpty() || update.MaxParallelOrDefault() != 0 || reschedule.Enabled() || reschedule.UnlimitedAttempts() {
		t.Error("policies")
	}
	if !(&UpdateStrategy{MaxParallel: new(0)}).IsEmpty() || (&UpdateStrategy{}).IsEmpty() {
		t.Error("update")
	}
	if !(&ReschedulePolicy{Attempts: new(1)}).Enabled() || !(&ReschedulePolicy{Unlimited: new(true)}).Enabled() || (&ReschedulePolicy{}).Enabled() {
		t.Error("reschedule")
	}
}

func TestSpecEqual(t *testing.T) {
	stored, submitted := recordedJob(t, "job-read"), requestJob(t, "jobs-register.request")
	submitted.Canonicalize()
	submitted.AddImpliedConstraints()
	if !SpecEqual(stored, submitted) {
		t.Error("registering the same job again would make a new version")
	}
	changed := typeinfo.Copy(submitted)
	changed.TaskGroups[0].Scaling.Max = new(6)
	if SpecEqual(stored, changed) {
		t.Error("a change was not seen")
	}
	if stored.TaskGroups[0].Scaling.ID == "" {
		t.Error("the comparison changed the job")
	}
	if SpecEqual(nil, stored) || !SpecEqual(nil, nil) {
		t.Error("nil")
	}
}

var sink any

func BenchmarkCopyJob(b *testing.B) {
	job := recordedJob(b, "job-read")
	b.ReportAllocs()
	for b.Loop() {
		sink = typeinfo.Copy(job)
	}
}

// BenchmarkCopyAllocation copies one as the servers do: the job is shared.
func BenchmarkCopyAllocation(b *testing.B) {
	alloc := recordedAlloc(b)
	alloc.Job = nil
	b.ReportAllocs()
	for b.Loop() {
		sink = typeinfo.Copy(alloc)
	}
}

func recordedAlloc(b *testing.B) *Allocation {
	b.Helper()
	alloc := &Allocation{}
	if err := typeinfo.Unmarshal(readRecording(b, "allocation-read"), alloc); err != nil {
		b.Fatal(err)
	}
	return alloc
}

func benchmarkJSON(b *testing.B, v any) {
	b.Helper()
	buf, err := typeinfo.AppendJSON(nil, v, typeinfo.Response)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = typeinfo.AppendJSON(buf[:0], v, typeinfo.Response); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSONJob(b *testing.B) { benchmarkJSON(b, recordedJob(b, "job-read")) }

func BenchmarkAppendJSONAllocation(b *testing.B) { benchmarkJSON(b, recordedAlloc(b)) }

func BenchmarkUnmarshalJob(b *testing.B) {
	data := readRecording(b, "job-read")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var job Job
		if err := typeinfo.Unmarshal(data, &job); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonicalizeJob(b *testing.B) {
	job := recordedJob(b, "job-read")
	b.ReportAllocs()
	for b.Loop() {
		job.Canonicalize()
	}
}

func BenchmarkNewID(b *testing.B) {
	for b.Loop() {
		sink = NewID()
	}
}
