// SPDX-License-Identifier: MPL-2.0

package api

import (
	"reflect"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

func recordedJob(t testing.TB, name string) *Job {
	t.Helper()
	var job Job
	if err := typeinfo.Unmarshal(readRecording(t, name), &job); err != nil {
		t.Fatal(err)
	}
	return &job
}

func requestJob(t testing.TB, name string) *Job {
	t.Helper()
	var request JobRegisterRequest
	if err := typeinfo.Unmarshal(readRecording(t, name), &request); err != nil {
		t.Fatal(err)
	}
	return request.Job
}

func diffForm(t testing.TB, job *Job, form typeinfo.Form, want []byte) {
	t.Helper()
	got, err := typeinfo.Marshal(job, form)
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range diffJSON(t, want, got) {
		t.Error(difference)
	}
}

// TestCanonicalizeInputAsRecorded turns the recorded answer of the parse endpoint into the one with
// canonicalisation.
func TestCanonicalizeInputAsRecorded(t *testing.T) {
	job := recordedJob(t, "jobs-parse")
	job.CanonicalizeInput()
	diffForm(t, job, typeinfo.Canonical, readRecording(t, "jobs-parse-canonicalize"))
}

// TestCanonicalizeAsRecorded takes recorded register requests to what a read of the job answered.
func TestCanonicalizeAsRecorded(t *testing.T) {
	for request, read := range map[string]string{
		"jobs-register.request":     "job-read",
		"job-plan-periodic.request": "job-read-periodic",
	} {
		t.Run(read, func(t *testing.T) {
			job, want := requestJob(t, request), recordedJob(t, read)
			job.Canonicalize()
			job.AddImpliedConstraints()
			// What registration and time add.
			job.Status, job.Stable, job.SubmitTime = want.Status, want.Stable, want.SubmitTime
			job.CreateIndex, job.ModifyIndex, job.JobModifyIndex = want.CreateIndex, want.ModifyIndex, want.JobModifyIndex
			for i, g := range job.TaskGroups {
				if s := want.TaskGroups[i].Scaling; s != nil {
					g.Scaling.ID, g.Scaling.CreateIndex, g.Scaling.ModifyIndex = s.ID, s.CreateIndex, s.ModifyIndex
				}
			}
			diffForm(t, job, typeinfo.Response, readRecording(t, read))
		})
	}
}

// TestCanonicalizeIsIdempotent runs it twice over many jobs: recorded ones, and one of each setting.
func TestCanonicalizeIsIdempotent(t *testing.T) {
	jobs := map[string]*Job{"empty": {}, "everything": everythingJob(t)}
	for _, name := range []string{"jobs-parse", "jobs-parse-canonicalize", "job-read", "job-read-dispatched", "job-read-periodic"} {
		jobs[name] = recordedJob(t, name)
	}
	for name, job := range jobs {
		for _, jobType := range []string{"", JobTypeService, JobTypeBatch, JobTypeSystem, JobTypeSysBatch, "nope"} {
			for stageName, canonicalize := range map[string]func(*Job){"input": (*Job).CanonicalizeInput, "server": (*Job).Canonicalize} {
				once := typeinfo.Copy(job)
				once.Type = jobType
				canonicalize(once)
				once.AddImpliedConstraints()
				twice := typeinfo.Copy(once)
				canonicalize(twice)
				twice.AddImpliedConstraints()
				if !reflect.DeepEqual(once, twice) {
					t.Errorf("%s as %q, %s: the second time changed it", name, jobType, stageName)
				}
			}
		}
	}
}

// everythingJob returns a job in which every field of every type is set to something.
func everythingJob(t testing.TB) *Job {
	t.Helper()
	job := &Job{}
	populate(reflect.ValueOf(job).Elem(), 0)
	return job
}

func populate(v reflect.Value, depth int) {
	if depth > 12 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		populate(v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			populate(v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		elem := reflect.New(v.Type().Elem()).Elem()
		populate(elem, depth+1)
		v.SetMapIndex(reflect.ValueOf("key"), elem)
	case reflect.Interface:
		v.Set(reflect.ValueOf("dynamic"))
	case reflect.Struct:
		for _, field := range v.Fields() {
			if field.CanSet() {
				populate(field, depth+1)
			}
		}
	default:
		if v.CanInt() {
			v.SetInt(3)
		} else if v.CanUint() {
			v.SetUint(3)
		}
	}
}

// TestCanonicalizeDefaults checks one rule of jobspec.md each.
func TestCanonicalizeDefaults(t *testing.T) {
	group := func(j *Job) *TaskGroup { return j.TaskGroups[0] }
	task := func(j *Job) *Task { return j.TaskGroups[0].Tasks[0] }
	for _, test := range []struct {
		name string
		edit func(*Job)
		got  func(*Job) any
		want any
	}{
		{"name is the id", nil, func(j *Job) any { return j.Name }, "j"},
		{"region", nil, func(j *Job) any { return j.Region }, "global"},
		{"namespace", nil, func(j *Job) any { return j.Namespace }, "default"},
		{"type", nil, func(j *Job) any { return j.Type }, "service"},
		{"priority", nil, func(j *Job) any { return *j.Priority }, 50},
		{"an explicit priority of 0 stays", func(j *Job) { j.Priority = new(0) }, func(j *Job) any { return *j.Priority }, 0},
		{"datacenters", nil, func(j *Job) any { return j.Datacenters }, []string{"*"}},
		{"node pool", nil, func(j *Job) any { return j.NodePool }, "default"},
		{"count", nil, func(j *Job) any { return *group(j).Count }, 1},
		{"count 0 stays", func(j *Job) { group(j).Count = new(0) }, func(j *Job) any { return *group(j).Count }, 0},
		{"count from scaling", func(j *Job) { group(j).Scaling = &ScalingPolicy{Min: new(3)} }, func(j *Job) any { return *group(j).Count }, 3},
		{"count 0 from scaling", func(j *Job) { group(j).Count = new(0); group(j).Scaling = &ScalingPolicy{Min: new(3)} }, func(j *Job) any { return *group(j).Count }, 3},
		{"scaling min from count", func(j *Job) { group(j).Count = new(4); group(j).Scaling = &ScalingPolicy{} }, func(j *Job) any { return *group(j).Scaling.Min }, 4},
		{"service update", nil, func(j *Job) any { return *group(j).Update }, *defaultUpdate()},
		{"batch has no update", func(j *Job) { j.Type = "batch" }, func(j *Job) any { return group(j).Update }, (*UpdateStrategy)(nil)},
		{"batch job keeps an update block for validation", func(j *Job) { j.Type = "batch"; j.Update = &UpdateStrategy{} }, func(j *Job) any { return group(j).Update != nil }, true},
		{"job update is the base of the group's", func(j *Job) {
			j.Update = &UpdateStrategy{MaxParallel: new(4), Canary: new(1)}
			group(j).Update = &UpdateStrategy{MaxParallel: new(2)}
		}, func(j *Job) any { return []int{*group(j).Update.MaxParallel, *group(j).Update.Canary} }, []int{2, 1}},
		{"job update shows two keys", func(j *Job) { j.Update = &UpdateStrategy{MaxParallel: new(4), HealthyDeadline: new(time.Hour)} }, func(j *Job) any {
			return []any{*j.Update.MaxParallel, *j.Update.Stagger, *j.Update.HealthyDeadline, j.Update.HealthCheck}
		}, []any{4, 30 * time.Second, time.Duration(0), ""}},
		{"service restart", nil, func(j *Job) any { return *group(j).RestartPolicy }, *defaultRestart("service")},
		{"batch restart", func(j *Job) { j.Type = "sysbatch" }, func(j *Job) any { return []any{*group(j).RestartPolicy.Attempts, *group(j).RestartPolicy.Interval} }, []any{3, 24 * time.Hour}},
		{"task restart over group over type", func(j *Job) {
			group(j).RestartPolicy = &RestartPolicy{Attempts: new(7), Delay: new(time.Second)}
			task(j).RestartPolicy = &RestartPolicy{Attempts: new(9)}
		}, func(j *Job) any {
			return []any{*task(j).RestartPolicy.Attempts, *task(j).RestartPolicy.Delay, task(j).RestartPolicy.Mode, *group(j).RestartPolicy.Attempts}
		}, []any{9, time.Second, "fail", 7}},
		{"service reschedule", nil, func(j *Job) any { return *group(j).ReschedulePolicy.Unlimited }, true},
		{"batch reschedule", func(j *Job) { j.Type = "batch" }, func(j *Job) any { return *group(j).ReschedulePolicy }, *defaultReschedule("batch")},
		{"system has no reschedule", func(j *Job) { j.Type = "system" }, func(j *Job) any { return group(j).ReschedulePolicy }, (*ReschedulePolicy)(nil)},
		{"job reschedule is merged", func(j *Job) {
			j.Reschedule = &ReschedulePolicy{Attempts: new(5), Unlimited: new(false)}
			group(j).ReschedulePolicy = &ReschedulePolicy{Attempts: new(6)}
		}, func(j *Job) any {
			return []any{*group(j).ReschedulePolicy.Attempts, *group(j).ReschedulePolicy.Unlimited, group(j).ReschedulePolicy.DelayFunction, j.Reschedule}
		}, []any{6, false, "exponential", (*ReschedulePolicy)(nil)}},
		{"migrate", func(j *Job) { j.Migrate = &Migrate{MaxParallel: new(3)} }, func(j *Job) any { return []any{*group(j).Migrate.MaxParallel, group(j).Migrate.HealthCheck} }, []any{3, "checks"}},
		{"batch has no migrate", func(j *Job) { j.Type = "batch" }, func(j *Job) any { return group(j).Migrate }, (*Migrate)(nil)},
		{"disconnect", func(j *Job) { group(j).Disconnect = &Disconnect{} }, func(j *Job) any { return *group(j).Disconnect }, Disconnect{Replace: new(true), Reconcile: "best_score"}},
		{"disk", nil, func(j *Job) any { return *group(j).EphemeralDisk.SizeMB }, 300},
		{"host network", func(j *Job) {
			group(j).Networks = []*NetworkResource{{DynamicPorts: []*Port{{Label: "a"}}, ReservedPorts: []*Port{{Label: "b", HostNetwork: "lan"}}}}
		}, func(j *Job) any {
			return group(j).Networks[0].DynamicPorts[0].HostNetwork + group(j).Networks[0].ReservedPorts[0].HostNetwork
		}, "defaultlan"},
		{"volume name", func(j *Job) { group(j).Volumes = map[string]*VolumeRequest{"v": {}} }, func(j *Job) any { return group(j).Volumes["v"].Name }, "v"},
		{"cpu and memory", nil, func(j *Job) any { return []int{*task(j).Resources.CPU, *task(j).Resources.MemoryMB} }, []int{100, 300}},
		{"no cpu beside cores", func(j *Job) { task(j).Resources = &Resources{Cores: 2} }, func(j *Job) any { return *task(j).Resources.CPU }, 0},
		{"kill timeout", nil, func(j *Job) any { return *task(j).KillTimeout }, 5 * time.Second},
		{"logs", nil, func(j *Job) any { return *task(j).LogConfig }, LogConfig{MaxFiles: new(10), MaxFileSizeMB: new(10)}},
		{"default identity", nil, func(j *Job) any { return *task(j).Identity }, WorkloadIdentity{Name: "default", Audience: []string{"nomadproject.io"}}},
		{"default identity leaves the list", func(j *Job) { task(j).Identities = []*WorkloadIdentity{{Env: true}, {Name: "aws"}} }, func(j *Job) any {
			return []any{task(j).Identity.Env, len(task(j).Identities), task(j).Identities[0].Name}
		}, []any{true, 1, "aws"}},
		{"audience of the default identity is fixed", func(j *Job) { task(j).Identity = &WorkloadIdentity{Audience: []string{"x"}} }, func(j *Job) any { return task(j).Identity.Audience }, []string{"nomadproject.io"}},
		{"template", func(j *Job) {
			task(j).Templates = []*Template{{ChangeMode: "signal"}, {ChangeSignal: "sigusr1", ChangeScript: &ChangeScript{}}}
		}, func(j *Job) any {
			a, b := task(j).Templates[0], task(j).Templates[1]
			return []any{a.ChangeSignal, *a.Splay, a.Perms, a.LeftDelim, a.RightDelim, b.ChangeMode, b.ChangeSignal, b.ChangeScript.Timeout}
		}, []any{"SIGHUP", 5 * time.Second, "0644", "{{", "}}", "restart", "SIGUSR1", 5 * time.Second}},
		{"artifact", func(j *Job) {
			task(j).Artifacts = []*Artifact{{GetterSource: "https://x.example/a/b.tgz?archive=false"}, {GetterSource: "https://x.example/a/b.tgz?q=1", GetterMode: "file"}}
		}, func(j *Job) any {
			return []string{task(j).Artifacts[0].RelativeDest, task(j).Artifacts[0].GetterMode, task(j).Artifacts[1].RelativeDest}
		}, []string{"local/", "any", "local/b.tgz"}},
		{"vault", func(j *Job) { task(j).Vault = &Vault{} }, func(j *Job) any { return *task(j).Vault }, Vault{Cluster: "default", Env: new(true), ChangeMode: "restart", ChangeSignal: "SIGHUP"}},
		{"constraint and affinity", func(j *Job) {
			j.Constraints = []*Constraint{{}}
			j.Affinities = []*Affinity{{}}
			j.Spreads = []*Spread{{}}
		}, func(j *Job) any {
			return []any{j.Constraints[0].Operand, j.Affinities[0].Operand, *j.Affinities[0].Weight, *j.Spreads[0].Weight}
		}, []any{"=", "=", 50, 50}},
		{"service names", func(j *Job) {
			group(j).Services = []*Service{{}, {Name: "${JOB}.${TASKGROUP}.${BASE}.${NOMAD_X}"}}
			task(j).Services = []*Service{{}, {Name: "${TASK}"}}
		}, func(j *Job) any {
			return []string{group(j).Services[0].Name, group(j).Services[1].Name, task(j).Services[0].Name, task(j).Services[1].Name, task(j).Services[0].TaskName}
		}, []string{"j-g", "j.g.j-g.${NOMAD_X}", "j-g-t", "t", "t"}},
		{"service defaults", func(j *Job) { group(j).Services = []*Service{{Weights: &ServiceWeights{Passing: 3}}} }, func(j *Job) any {
			s := group(j).Services[0]
			return []any{s.Provider, s.AddressMode, s.OnUpdate, s.Cluster, s.Namespace, *s.Weights}
		}, []any{"consul", "auto", "require_healthy", "default", "default", ServiceWeights{Passing: 3, Warning: 1}}},
		{"nomad services are in the job's namespace", func(j *Job) { j.Namespace = "prod"; group(j).Services = []*Service{{Provider: "nomad"}} }, func(j *Job) any { return group(j).Services[0].Namespace }, "prod"},
		{"checks", func(j *Job) {
			group(j).Services = []*Service{{
				Name: "web", OnUpdate: "ignore_warnings", CheckRestart: &CheckRestart{Limit: 3, Grace: new(time.Minute)},
				Checks: []*ServiceCheck{{}, {CheckRestart: &CheckRestart{Limit: 5}}},
			}}
		}, func(j *Job) any {
			a, b := group(j).Services[0].Checks[0], group(j).Services[0].Checks[1]
			return []any{a.Name, a.OnUpdate, a.CheckRestart.Limit, b.CheckRestart.Limit, *b.CheckRestart.Grace}
		}, []any{`service: "web" check`, "ignore_warnings", 3, 5, time.Minute}},
		{"periodic", func(j *Job) { j.Periodic = &Periodic{} }, func(j *Job) any { return *j.Periodic }, Periodic{Enabled: new(true), SpecType: "cron", TimeZone: "UTC", Specs: []string{}}},
		{"parameterized", func(j *Job) { j.ParameterizedJob = &ParameterizedJob{} }, func(j *Job) any { return j.ParameterizedJob.Payload }, "optional"},
		{"nil elements go", func(j *Job) { j.TaskGroups = append(j.TaskGroups, nil); j.Constraints = []*Constraint{nil} }, func(j *Job) any { return []int{len(j.TaskGroups), len(j.Constraints)} }, []int{1, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			job := &Job{ID: "j", TaskGroups: []*TaskGroup{{Name: "g", Tasks: []*Task{{Name: "t"}}}}}
			if test.edit != nil {
				test.edit(job)
			}
			job.Canonicalize()
			if got := test.got(job); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
