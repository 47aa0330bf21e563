// SPDX-License-Identifier: MPL-2.0

package api

import (
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// TestValidateAsRecorded compares with what the reference's validate endpoint answered.
func TestValidateAsRecorded(t *testing.T) {
	for _, name := range []string{"validate-job", "validate-job-invalid"} {
		var request JobValidateRequest
		var want JobValidateResponse
		for file, v := range map[string]any{name + ".request": &request, name: &want} {
			if err := typeinfo.Unmarshal(readRecording(t, file), v); err != nil {
				t.Fatal(err)
			}
		}
		request.Job.Canonicalize()
		request.Job.AddImpliedConstraints()
		invalid, warnings := request.Job.Validate(DefaultLimits())
		got := JobValidateResponse{DriverConfigValidated: true, Warnings: warnings.String()}
		if invalid != nil {
			got.ValidationErrors, got.Error = invalid.Texts, invalid.Error()
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, want)
		}
	}
}

func TestValidateRegisterAsRecorded(t *testing.T) {
	job := &Job{ID: "rec-bad", Type: "nope", Datacenters: []string{"dc1"}}
	job.Canonicalize()
	err, _ := job.Validate(DefaultLimits())
	if want := "2 errors occurred:\n\t* Invalid job type: \"nope\"\n\t* Missing job task groups\n\n"; err == nil || err.Error() != want {
		t.Errorf("got %q", err)
	}
}

func TestValidationErrorOrNil(t *testing.T) {
	var none *ValidationError
	if err := none.OrNil(); err != nil {
		t.Errorf("got %v", err)
	}
	some := &ValidationError{Texts: []string{"x"}}
	var target *ValidationError
	if err := some.OrNil(); !errors.As(err, &target) || err.Error() != "1 error occurred:\n\t* x\n\n" {
		t.Errorf("got %v", err)
	}
	if got := (Warnings{{Message: "a"}, {Message: "b"}}).String(); got != "2 warnings:\n\n* a\n* b" {
		t.Errorf("got %q", got)
	}
}

type editJob = func(j *Job, g *TaskGroup, t *Task)

// rule is one way to get a job wrong, and the only complaint that it must give.
type rule struct {
	name string
	edit editJob
	path string // of the one error, J G T for job, group and task; "" for a job that is fine
	text string // part of its message
}

func TestValidateRules(t *testing.T) {
	for _, r := range slices.Concat(jobRules, placementRules, groupRules, policyRules, networkRules, volumeRules, taskRules, serviceRules) {
		t.Run(r.name, func(t *testing.T) {
			err, _ := plainJob(r.edit).Validate(DefaultLimits())
			if r.path == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			want := expandPath(r.path)
			if len(err.Fields) != 1 || err.Fields[0].Path != want || !strings.Contains(err.Fields[0].Message, r.text) {
				t.Errorf("got  %q\nwant %s: …%s…", err.Fields, want, r.text)
			}
			if !strings.Contains(err.Error(), err.Fields[0].Message) {
				t.Errorf("the message is not in the text %q", err.Error())
			}
		})
	}
}

func expandPath(p string) string {
	short, rest, _ := strings.Cut(p, ".")
	full := map[string]string{"J": "job", "G": `job.group["g"]`, "T": `job.group["g"].task["t"]`}[short]
	if rest == "" {
		return full
	}
	return full + "." + rest
}

var jobRules = []rule{
	{"plain", nil, "", ""},
	{"id missing", func(j *Job, _ *TaskGroup, _ *Task) { j.ID, j.Name = "", "n" }, "J.id", "Missing job ID"},
	{"id with space", func(j *Job, _ *TaskGroup, _ *Task) { j.ID = "a b" }, "J.id", "contains a space"},
	{"meta with null", func(j *Job, _ *TaskGroup, _ *Task) { j.Meta = map[string]string{"a": "b\x00"} }, "J.meta", `meta "a" contains a null character`},
	{"meta of a group with null", func(_ *Job, g *TaskGroup, _ *Task) { g.Meta = map[string]string{"a\x00": "b"} }, "G.meta", "null character"},
	{"meta of a task with null", func(_ *Job, _ *TaskGroup, t *Task) { t.Meta = map[string]string{"a": "\x00"} }, "T.meta", "null character"},
	{"env with null", func(_ *Job, _ *TaskGroup, t *Task) { t.Env = map[string]string{"A": "\x00"} }, "T.env", `env "A" contains a null character`},
	{"id with null", func(j *Job, _ *TaskGroup, _ *Task) { j.ID, j.Name = "a\x00b", "n" }, "J.id", "null character"},
	{"id with slash", func(j *Job, _ *TaskGroup, _ *Task) { j.ID = "a/b" }, "", ""},
	{"name with null", func(j *Job, _ *TaskGroup, _ *Task) { j.Name = "a\x00" }, "J.name", "null character"},
	{"core type", func(j *Job, _ *TaskGroup, _ *Task) { j.Type = "_core" }, "J.type", "Invalid job type"},
	{"empty datacenter", func(j *Job, _ *TaskGroup, _ *Task) { j.Datacenters = []string{"a", ""} }, "J.datacenters", "non-empty"},
	{"groups missing", func(j *Job, _ *TaskGroup, _ *Task) { j.TaskGroups = nil }, "J.group", "Missing job task groups"},
	{"groups of one name", func(j *Job, g *TaskGroup, _ *Task) { j.TaskGroups = []*TaskGroup{g, typeinfo.Copy(g)} }, "J", `task group "g" redefined`},
	{"priority 0", func(j *Job, _ *TaskGroup, _ *Task) { j.Priority = new(0) }, "J.priority", "between [1, 100]"},
	{"priority 101", func(j *Job, _ *TaskGroup, _ *Task) { j.Priority = new(101) }, "J.priority", "between [1, 100]"},
	{"counts beyond the largest number", func(j *Job, g *TaskGroup, _ *Task) {
		other := typeinfo.Copy(g)
		other.Name = "h"
		g.Count, other.Count = new(1<<62+1<<61), new(1<<62+1<<61)
		j.TaskGroups = append(j.TaskGroups, other)
	}, "J", "job_max_count"},
	{"too many", func(_ *Job, g *TaskGroup, _ *Task) { g.Count = new(50001) }, "J", "job_max_count"},
	{"payload", func(j *Job, _ *TaskGroup, _ *Task) { j.Payload = []byte("x") }, "J.payload", "payload"},
	{"ui description", func(j *Job, _ *TaskGroup, _ *Task) { j.UI = &JobUI{Description: strings.Repeat("x", 1001)} }, "J.ui.description", "1000"},
	{"periodic service", func(j *Job, _ *TaskGroup, _ *Task) { j.Periodic = &Periodic{Specs: []string{"@daily"}} }, "J.periodic", "batch"},
	{"periodic batch", batch(func(j *Job) { j.Periodic = &Periodic{Specs: []string{"*/5 0-3 L JAN-mar 5#3 2030"}} }), "", ""},
	{"periodic without spec", batch(func(j *Job) { j.Periodic = &Periodic{} }), "J.periodic", "Must specify a spec"},
	{"periodic disabled", batch(func(j *Job) { j.Periodic = &Periodic{Enabled: new(false)} }), "", ""},
	{"periodic with both", batch(func(j *Job) { j.Periodic = &Periodic{Spec: "@daily", Specs: []string{"@daily"}} }), "J.periodic", "Only cron or crons"},
	{"periodic time zone", batch(func(j *Job) { j.Periodic = &Periodic{Spec: "@daily", TimeZone: "Mars/Olympus"} }), "J.periodic.time_zone", "Mars"},
	{"periodic type", batch(func(j *Job) { j.Periodic = &Periodic{SpecType: "test", Specs: []string{"x"}} }), "J.periodic", "specification type"},
	{"parameterized service", func(j *Job, _ *TaskGroup, _ *Task) { j.ParameterizedJob = &ParameterizedJob{} }, "J.parameterized", "batch"},
	{"parameterized payload", batch(func(j *Job) { j.ParameterizedJob = &ParameterizedJob{Payload: "x"} }), "J.parameterized.payload", `"forbidden"`},
	{"parameterized meta", batch(func(j *Job) {
		j.ParameterizedJob = &ParameterizedJob{MetaRequired: []string{"a"}, MetaOptional: []string{"a"}}
	}), "J.parameterized.meta_optional", "disjoint"},
	{"system count", func(j *Job, g *TaskGroup, _ *Task) { j.Type = "system"; g.Count = new(2) }, "G.count", "Count cannot exceed 1"},
	{"system affinity", func(j *Job, _ *TaskGroup, _ *Task) {
		j.Type = "system"
		j.Affinities = []*Affinity{{LTarget: "x", RTarget: "y"}}
	}, "J.affinity", "System jobs"},
	{"system spread in group", func(j *Job, g *TaskGroup, _ *Task) { j.Type = "system"; g.Spreads = []*Spread{{Attribute: "x"}} }, "G.spread", "System jobs"},
	{"system affinity in task", func(j *Job, _ *TaskGroup, t *Task) {
		j.Type = "system"
		t.Affinities = []*Affinity{{LTarget: "x", RTarget: "y"}}
	}, "T.affinity", "System jobs"},
}

func batch(edit func(*Job)) editJob {
	return func(j *Job, _ *TaskGroup, _ *Task) { j.Type = JobTypeBatch; edit(j) }
}

func constrained(c Constraint) editJob {
	return func(j *Job, _ *TaskGroup, _ *Task) { j.Constraints = []*Constraint{&c} }
}

func preferring(a Affinity) editJob {
	return func(_ *Job, _ *TaskGroup, t *Task) { t.Affinities = []*Affinity{&a} }
}

func spreading(s Spread) editJob {
	return func(_ *Job, g *TaskGroup, _ *Task) { g.Spreads = []*Spread{&s} }
}

var placementRules = []rule{
	{"constraint without value", constrained(Constraint{LTarget: "${node.class}"}), "J.constraint[0].value", `Operator "=" requires an RTarget`},
	{"constraint without attribute", constrained(Constraint{RTarget: "x"}), "J.constraint[0].attribute", "No LTarget"},
	{"constraint on a literal", constrained(Constraint{LTarget: "x", RTarget: "x"}), "", ""},
	{"constraint on meta", constrained(Constraint{LTarget: "${meta.a-b}", RTarget: "x"}), "", ""},
	{"constraint on env", constrained(Constraint{LTarget: "${env.HOME}", RTarget: "x"}), "J.constraint[0].attribute", "unsupported attribute"},
	{"constraint not closed", constrained(Constraint{LTarget: "${attr.x", RTarget: "x"}), "J.constraint[0].attribute", "unsupported attribute"},
	{"constraint operator", constrained(Constraint{LTarget: "x", RTarget: "x", Operand: "~"}), "J.constraint[0].operator", `Unknown constraint type "~"`},
	{"set_contains without value", constrained(Constraint{LTarget: "x", Operand: "set_contains_any"}), "J.constraint[0].value", "requires an RTarget"},
	{"is_set", constrained(Constraint{LTarget: "${attr.x}", Operand: "is_set"}), "", ""},
	{"is_set with value", constrained(Constraint{LTarget: "x", Operand: "is_not_set", RTarget: "x"}), "J.constraint[0].value", "does not support"},
	{"regexp", constrained(Constraint{LTarget: "x", Operand: "regexp", RTarget: "("}), "J.constraint[0].value", "failed to compile"},
	{"version", constrained(Constraint{LTarget: "x", Operand: "version", RTarget: ">= 1.2, < 2.0-beta1, ~> 1.3"}), "", ""},
	{"version of no version", constrained(Constraint{LTarget: "${attr.x}", Operand: "version", RTarget: "> 2.0, < 1.0"}), "J.constraint[0].value", "contradicts itself"},
	{"bad version", constrained(Constraint{LTarget: "x", Operand: "version", RTarget: "new"}), "J.constraint[0].value", "Version constraint is invalid"},
	{"semver", constrained(Constraint{LTarget: "x", Operand: "semver", RTarget: ">= 1.8.0-dev+x"}), "", ""},
	{"bad semver", constrained(Constraint{LTarget: "x", Operand: "semver", RTarget: "~> 1.2"}), "J.constraint[0].value", "Semver constraint is invalid"},
	{"distinct_hosts", constrained(Constraint{Operand: "distinct_hosts", RTarget: "false"}), "", ""},
	{"distinct_hosts value", constrained(Constraint{Operand: "distinct_hosts", RTarget: "maybe"}), "J.constraint[0].value", "true or false"},
	{"distinct_property", constrained(Constraint{LTarget: "${meta.rack}", Operand: "distinct_property", RTarget: "2"}), "", ""},
	{"distinct_property 0", constrained(Constraint{LTarget: "${meta.rack}", Operand: "distinct_property", RTarget: "0"}), "J.constraint[0].value", "1 or greater"},
	{"distinct_property text", constrained(Constraint{LTarget: "${meta.rack}", Operand: "distinct_property", RTarget: "x"}), "J.constraint[0].value", "uint64"},
	{"distinct in group", func(_ *Job, g *TaskGroup, _ *Task) { g.Constraints = []*Constraint{{Operand: "distinct_hosts"}} }, "", ""},
	{"distinct in task", func(_ *Job, _ *TaskGroup, t *Task) { t.Constraints = []*Constraint{{Operand: "distinct_hosts"}} }, "T.constraint[0].operator", "disallowed"},
	{"distinct in device", func(_ *Job, _ *TaskGroup, t *Task) {
		t.Resources = &Resources{Devices: []*RequestedDevice{{Name: "gpu", Constraints: []*Constraint{{Operand: "distinct_property", LTarget: "${device.model}"}}}}}
	}, `T.resources.device["gpu"].constraint[0].operator`, "disallowed"},
	{"affinity", preferring(Affinity{LTarget: "${env.X}", RTarget: "x", Weight: new(-100)}), "", ""},
	{"affinity weight 0", preferring(Affinity{LTarget: "x", RTarget: "x", Weight: new(0)}), "T.affinity[0].weight", "cannot be zero"},
	{"affinity weight 101", preferring(Affinity{LTarget: "x", RTarget: "x", Weight: new(101)}), "T.affinity[0].weight", "[-100,100]"},
	{"affinity operator", preferring(Affinity{LTarget: "x", Operand: "is_set"}), "T.affinity[0].operator", "Unknown affinity operator"},
	{"affinity unknown operator", preferring(Affinity{LTarget: "x", Operand: "?"}), "T.affinity[0].operator", "Unknown affinity operator"},
	{"affinity attribute", preferring(Affinity{RTarget: "x"}), "T.affinity[0].attribute", "No LTarget"},
	{"spread", spreading(Spread{Attribute: "x", SpreadTarget: []*SpreadTarget{{Value: "a", Percent: 50}, {Value: "b", Percent: 50}}}), "", ""},
	{"spread attribute", spreading(Spread{}), "G.spread[0].attribute", "Missing spread attribute"},
	{"spread weight", spreading(Spread{Attribute: "x", Weight: new(0)}), "G.spread[0].weight", "positive weight"},
	{"spread target twice", spreading(Spread{Attribute: "x", SpreadTarget: []*SpreadTarget{{Value: "a"}, {Value: "a"}}}), `G.spread[0].target["a"]`, "already defined"},
	{"spread percent", spreading(Spread{Attribute: "x", SpreadTarget: []*SpreadTarget{{Value: "a", Percent: -1}}}), `G.spread[0].target["a"].percent`, "between 0 and 100"},
	{"spread sum", spreading(Spread{Attribute: "x", SpreadTarget: []*SpreadTarget{{Value: "a", Percent: 60}, {Value: "b", Percent: 41}}}), "G.spread[0].target", "got 101%"},
}

var groupRules = []rule{
	{"count negative", func(_ *Job, g *TaskGroup, _ *Task) { g.Count = new(-1) }, "G.count", "negative"},
	{"count 0", func(_ *Job, g *TaskGroup, _ *Task) { g.Count = new(0) }, "", ""},
	{"no tasks", func(_ *Job, g *TaskGroup, _ *Task) { g.Tasks = nil }, "G.task", "Missing tasks"},
	{"gateway without tasks", func(_ *Job, g *TaskGroup, _ *Task) {
		g.Tasks, g.Networks = nil, []*NetworkResource{{Mode: "bridge"}}
		g.Services = []*Service{{Name: "gw", PortLabel: "8080", Connect: &Connect{Gateway: &Gateway{}}}}
	}, "", ""},
	{"tasks of one name", func(_ *Job, g *TaskGroup, t *Task) { g.Tasks = append(g.Tasks, typeinfo.Copy(t)) }, "G", `Task "t" redefined`},
	{"only lifecycle tasks", func(_ *Job, _ *TaskGroup, t *Task) { t.Lifecycle = &Lifecycle{Hook: "prestart"} }, "G.task", "not a lifecycle task"},
	{"two leaders", func(_ *Job, g *TaskGroup, t *Task) {
		t.Leader = true
		g.Tasks = append(g.Tasks, &Task{Name: "u", Driver: "x", Leader: true})
	}, "G.task", "one task may be marked as leader"},
	{"shutdown delay", func(_ *Job, g *TaskGroup, _ *Task) { g.ShutdownDelay = new(-time.Second) }, "G.shutdown_delay", "positive"},
	{"max_run_duration service", func(_ *Job, g *TaskGroup, _ *Task) { g.MaxRunDuration = new(time.Hour) }, "G.max_run_duration", "batch and sysbatch"},
	{"max_run_duration 0", func(j *Job, g *TaskGroup, _ *Task) { j.Type = "batch"; g.MaxRunDuration = new(time.Duration(0)) }, "G.max_run_duration", "greater than zero"},
	{"max_run_duration batch", func(j *Job, g *TaskGroup, _ *Task) { j.Type = "batch"; g.MaxRunDuration = new(time.Hour) }, "", ""},
	{"disk", func(_ *Job, g *TaskGroup, t *Task) {
		g.EphemeralDisk = &EphemeralDisk{SizeMB: new(9)}
		t.LogConfig = &LogConfig{MaxFiles: new(1), MaxFileSizeMB: new(1)}
	}, "G.ephemeral_disk.size", "at least 10"},
	{"disk smaller than logs", func(_ *Job, g *TaskGroup, _ *Task) { g.EphemeralDisk = &EphemeralDisk{SizeMB: new(100)} }, "T.logs", "less than requested disk"},
	{"disk larger than logs", func(_ *Job, g *TaskGroup, _ *Task) { g.EphemeralDisk = &EphemeralDisk{SizeMB: new(101)} }, "", ""},
	{"disk without logs", func(_ *Job, g *TaskGroup, t *Task) {
		g.EphemeralDisk = &EphemeralDisk{SizeMB: new(10)}
		t.LogConfig = &LogConfig{Disabled: true}
	}, "", ""},
	{"lost_after", func(_ *Job, g *TaskGroup, _ *Task) { g.Disconnect = &Disconnect{LostAfter: -1} }, "G.disconnect.lost_after", "negative"},
	{"stop_on_client_after", func(_ *Job, g *TaskGroup, _ *Task) { g.Disconnect = &Disconnect{StopOnClientAfter: new(-time.Second)} }, "G.disconnect.stop_on_client_after", "negative"},
	{"both disconnect times", func(_ *Job, g *TaskGroup, _ *Task) {
		g.Disconnect = &Disconnect{LostAfter: time.Second, StopOnClientAfter: new(time.Second)}
	}, "G.disconnect", "cannot both be set"},
	{"stop_on_client_after in system", func(j *Job, g *TaskGroup, _ *Task) {
		j.Type = "system"
		g.Disconnect = &Disconnect{StopOnClientAfter: new(time.Second)}
	}, "G.disconnect.stop_on_client_after", "service and batch"},
	{"reconcile", func(_ *Job, g *TaskGroup, _ *Task) { g.Disconnect = &Disconnect{Reconcile: "x"} }, "G.disconnect.reconcile", "longest_running"},
	{"scaling", func(_ *Job, g *TaskGroup, _ *Task) { g.Scaling = &ScalingPolicy{Max: new(5)} }, "", ""},
	{"scaling without max", func(_ *Job, g *TaskGroup, _ *Task) { g.Scaling = &ScalingPolicy{} }, "G.scaling.max", "Missing maximum"},
	{"scaling count", func(_ *Job, g *TaskGroup, _ *Task) {
		g.Count = new(6)
		g.Scaling = &ScalingPolicy{Min: new(1), Max: new(5)}
	}, "G.scaling.max", "greater than the maximum"},
	{"scaling below", func(_ *Job, g *TaskGroup, _ *Task) {
		g.Count = new(1)
		g.Scaling = &ScalingPolicy{Min: new(2), Max: new(5)}
	}, "G.scaling.min", "less than the minimum"},
	{"scaling system", func(j *Job, g *TaskGroup, _ *Task) { j.Type = "system"; g.Scaling = &ScalingPolicy{Max: new(1)} }, "G.scaling", "System jobs"},
	{"scaling type", func(_ *Job, g *TaskGroup, _ *Task) { g.Scaling = &ScalingPolicy{Max: new(1), Type: "vertical_cpu"} }, "G.scaling.type", "horizontal"},
	{"consul partitions", func(_ *Job, g *TaskGroup, t *Task) {
		g.Consul, t.Consul = &Consul{Partition: "a"}, &Consul{Partition: "b"}
	}, "G.consul.partition", "differs"},
	{"consul cluster", func(_ *Job, g *TaskGroup, _ *Task) { g.Consul = &Consul{Cluster: "x"} }, "G.consul.cluster", "default"},
}

// TestConstraintConflicts: what no node could ever satisfy is refused, and nothing else.
func TestConstraintConflicts(t *testing.T) {
	on := func(operator, value string) *Constraint {
		return &Constraint{LTarget: "${attr.x}", Operand: operator, RTarget: value}
	}
	for _, test := range []struct {
		a, b     *Constraint
		conflict bool
	}{
		{on("=", "a"), on("=", "b"), true},
		{on("=", "a"), on("is", "a"), false},
		{on("=", "a"), &Constraint{LTarget: "${attr.y}", Operand: "=", RTarget: "b"}, false},
		{on("=", "a"), on("!=", "a"), true},
		{on("=", "a"), on("!=", "b"), false},
		{on("=", "a"), on("regexp", "^b"), true},
		{on("=", "a"), on("regexp", "a|b"), false},
		{on("=", "5"), on("<", "4"), true},
		{on("=", "5"), on(">=", "5"), false},
		{on("=", "v5"), on("<", "4"), false},
		{on(">", "8"), on("<", "4"), true},
		{on(">=", "4"), on("<=", "4"), false},
		{on(">", "4"), on("<=", "4"), true},
		{on(">", "1.2.3"), on("<", "1.1.0"), false},
		{on("is_not_set", ""), on("=", "a"), true},
		{on("is_not_set", ""), on("is_set", ""), true},
		{on("is_not_set", ""), on("!=", "a"), false},
		{on("=", "a"), on("set_contains", "b"), false},
		{on("=", "${node.class}"), on("=", "b"), false},
		{on("version", ">= 1"), on("version", "< 1"), true},
		{on("version", ">= 1"), on("version", "<= 1.0.0"), false},
		{on("version", ">= 1.10"), on("version", "< 1.9"), true},
		{on("version", "~> 1.2"), on("semver", ">= 2.0.0"), true},
		{on("version", "~> 1.2"), on("version", "> 1.9"), false},
		{on("version", "~> 1"), on("version", "> 5"), false},
		{on("version", "~> 1.2.3"), on("version", ">= 1.3"), true},
		{on("version", ">= 1.3.0-beta1"), on("version", "< 1.2"), false},
		{on("version", "1.2"), on("version", "!= 1.2"), false},
		{on("=", "1.2"), on("version", "~> 1.3"), true},
		{on("=", "1.2"), on("version", "<= 1.2.0"), false},
		{on("=", "new"), on("version", "~> 1.3"), false},
	} {
		for _, pair := range [][2]*Constraint{{test.a, test.b}, {test.b, test.a}} {
			c := newChecker("job")
			validateConflicts(c, validateConflicts(c, nil, pair[:1]), pair[1:])
			if err := c.err(); (err != nil) != test.conflict {
				t.Errorf("%q and %q: %v", pair[0].text(), pair[1].text(), err)
			} else if err != nil && err.Fields[0].Path != "job.constraint[0].value" {
				t.Errorf("path %q", err.Fields[0].Path)
			}
		}
	}
}

// TestManyConstraints makes sure that constraints are not all compared with each other: four times as many must not
// take sixteen times the memory.
func TestManyConstraints(t *testing.T) {
	used := func(n int) uint64 {
		job := &Job{ID: "j", TaskGroups: []*TaskGroup{{Name: "g", Tasks: []*Task{{Name: "t", Driver: "exec"}}}}}
		for i := range n {
			job.Constraints = append(job.Constraints, &Constraint{LTarget: "${attr.a}", RTarget: ">= 1." + strconv.Itoa(i), Operand: OpVersion})
		}
		job.Canonicalize()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err, _ := job.Validate(DefaultLimits()); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	used(10) // what is made once
	if few, many := used(500), used(2000); many > 8*few {
		t.Errorf("500 constraints take %d bytes, 2000 take %d", few, many)
	}
}

// TestCheckCount: a job has at most job_max_count allocations, and a bounded number where that sets no limit.
func TestCheckCount(t *testing.T) {
	for _, test := range []struct {
		limit int
		total int64
		text  string
	}{
		{5, 5, ""},
		{5, 6, "job_max_count of 5"},
		{0, MaxTotalCount, ""},
		{0, MaxTotalCount + 1, "the most that a job can have"},
		{2 * MaxTotalCount, 2 * MaxTotalCount, ""},
	} {
		err := Limits{MaxCount: test.limit}.CheckCount(test.total)
		if (err == nil) != (test.text == "") || err != nil && !strings.Contains(err.Error(), test.text) {
			t.Errorf("%d with a limit of %d: %v", test.total, test.limit, err)
		}
	}
}
