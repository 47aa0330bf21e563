// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// jobCase is the outcome of a job file in testdata/jobs.
type jobCase struct {
	file string
	id   string // the file's name when empty
	root bool   // needs to run as root
	// stopAt is a file below alloc/data; when it exists, and the client has noted the starts that led to it, the job is
	// stopped.
	stopAt string

	blocked     string // what the placement failure says, for jobs that find no place
	allocs      int    // 1 when 0
	status      string // of the newest allocation
	description string
	tasks       map[string]taskCase
	files       map[string][]string // lines of files below alloc/data
	after       func(t *testing.T, a *agent, alloc *nomad.Allocation)
}

type taskCase struct {
	failed   bool
	restarts uint64
	events   []string // patterns of "type: text" of all events, in order
}

const (
	received    = "Received: Task received by client"
	setup       = "Task Setup: Building Task Directory"
	started     = "Started: Task started by client"
	exited      = "Terminated: Exit Code: 0"
	killed      = "Killed: Task successfully killed"
	interrupted = "Terminated: Exit Code: 130, Signal: 2"
	forced      = "Terminated: Exit Code: 137, Signal: 9"
	notAgain    = "Not Restarting: Policy allows no restarts"
	soon        = `Restarting: Task restarting in [0-9.]+m?s`
)

func killing(after string) string {
	return "Killing: Sent interrupt. Waiting " + after + " before force killing"
}

var ranWell = taskCase{events: []string{received, setup, started, exited}}

var jobCases = []jobCase{
	{file: "environment.nomad.hcl", status: "complete", tasks: map[string]taskCase{"t": ranWell}, after: checkEnvironment},
	{
		file: "lifecycle.nomad.hcl", status: "complete",
		tasks: map[string]taskCase{
			"pre": ranWell, "main": ranWell, "after": ranWell, "post": ranWell,
			"side": {events: []string{received, setup, started, "Main Tasks Dead: Main tasks in the group died", killing("5s"), interrupted, killed}},
		},
		files: map[string][]string{"order": {"pre", "main", "after", "main-end", "post"}},
	},
	{
		file: "leader.nomad.hcl", status: "complete",
		tasks: map[string]taskCase{
			"lead":     ranWell,
			"follower": {events: []string{received, setup, started, "Leader Task Dead: Leader Task in Group dead", killing("300ms"), forced, killed}},
		},
	},
	{
		file: "restart-fail.nomad.hcl", status: "failed",
		tasks: map[string]taskCase{
			"t": {failed: true, restarts: 1, events: []string{
				received, setup, started, "Terminated: Exit Code: 7", soon, started, "Terminated: Exit Code: 7",
				`Not Restarting: Exceeded allowed attempts 1 in interval 1m0s and mode is "fail"`,
			}},
			"sibling": {events: []string{received, setup, started, `Sibling Task Failed: Task's sibling "t" failed`, killing("5s"), interrupted, killed}},
		},
	},
	{
		file: "attempts-none.nomad.hcl", status: "failed",
		tasks: map[string]taskCase{"t": {failed: true, events: append(slices.Clone(ranWell.events), notAgain)}},
	},
	{file: "reschedule.nomad.hcl", status: "failed", allocs: 2, after: checkRescheduled, tasks: map[string]taskCase{
		"t": {failed: true, events: []string{received, setup, started, "Terminated: Exit Code: 9", notAgain}},
	}},
	{
		file: "kill.nomad.hcl", stopAt: "ready", status: "complete",
		tasks: map[string]taskCase{
			"term": {events: []string{
				received, setup, started, killing("20s"),
				"Waiting for shutdown delay: Waiting for shutdown_delay of 200ms before killing the task.", "Terminated: Exit Code: 3", killed,
			}},
			"stuck": {events: []string{received, setup, started, killing("300ms"), forced, killed}},
		},
		files: map[string][]string{"said": {"got-term"}},
	},
	{
		file: "stop-order.nomad.hcl", stopAt: "ready", status: "complete",
		tasks: map[string]taskCase{
			"lead": {events: []string{received, setup, started, killing("20s"), exited, killed}},
			"main": {events: []string{received, setup, started, killing("20s"), exited, killed}},
			"side": {events: []string{received, setup, started, killing("20s"), exited, killed}},
			"post": ranWell,
		},
		files: map[string][]string{"order": {"lead", "main", "side", "post"}},
	},
	{file: "logs.nomad.hcl", status: "complete", tasks: map[string]taskCase{"loud": ranWell, "quiet": ranWell}, after: checkRotation},
	{
		file: "max-run-duration.nomad.hcl", status: "complete", description: "max_run_duration",
		tasks: map[string]taskCase{"t": {events: []string{received, setup, started, killing("5s"), interrupted, killed}}},
		after: func(t *testing.T, a *agent, alloc *nomad.Allocation) {
			if post := alloc.TaskStates["post"]; !post.StartedAt.IsZero() {
				t.Errorf("the poststop task started at %v", post.StartedAt)
			}
		},
	},
	{file: "constraints.nomad.hcl", status: "complete", tasks: map[string]taskCase{"t": ranWell}, after: checkScores},
	{file: "infeasible.nomad.hcl", blocked: `\$\{attr.kernel.name\} = plan9`},
	{file: "too-big.nomad.hcl", blocked: "memory"},
	{file: "bad-interpolation.nomad.hcl", status: "failed", tasks: map[string]taskCase{"t": {failed: true, events: []string{
		received, setup, `Failed Validation: .*"nope".*`, "Not Restarting: Error was unrecoverable",
	}}}},
	{file: "no-command.nomad.hcl", status: "failed", tasks: map[string]taskCase{"t": {failed: true, events: []string{
		received, setup, "Driver Failure: .*/no/such/file.*", notAgain,
	}}}},
	{
		file: "prestart-fails.nomad.hcl", status: "failed",
		tasks: map[string]taskCase{
			"pre":  {failed: true, events: []string{received, setup, started, "Terminated: Exit Code: 1", notAgain}},
			"main": {events: []string{received, `Sibling Task Failed: Task's sibling "pre" failed`, killing("5s"), killed}},
			"post": ranWell,
		},
		files: map[string][]string{"order": {"post"}},
	},
	{file: "start-error.nomad.hcl", status: "failed", tasks: map[string]taskCase{"t": {failed: true, restarts: 1, events: []string{
		received, setup, "Driver Failure: .*no luck.*", soon, "Driver Failure: .*no luck.*",
		`Not Restarting: Exceeded allowed attempts 1 in interval 24h0m0s and mode is "fail"`,
	}}}},
	{file: "signalled.nomad.hcl", status: "failed", tasks: map[string]taskCase{"t": {failed: true, events: []string{
		received, setup, started, "Terminated: Exit Code: 139, Signal: 11", notAgain,
	}}}},
	{
		file: "user-and-cores.nomad.hcl", root: true, status: "complete", tasks: map[string]taskCase{"t": ranWell},
		files: map[string][]string{"user": {"nobody"}, "secrets": {"3072 1"}},
	},
	{
		file: "shortcuts.nomad.hcl", id: "team/shortcuts-1", status: "complete", tasks: map[string]taskCase{"solo": ranWell},
		files: map[string][]string{"out": {"a", "b", "team/shortcuts-1.solo[0], Short Cuts"}},
	},
	{
		file: "hcl-json.nomad.json", status: "complete", tasks: map[string]taskCase{"t": ranWell},
		files: map[string][]string{"out": {"t b"}},
	},
}

// TestJobFiles runs the job files of testdata/jobs on one agent and checks what becomes of them.
func TestJobFiles(t *testing.T) {
	if names, err := filepath.Glob("testdata/jobs/*"); err != nil || len(names) != len(jobCases) {
		t.Errorf("there are %d job files and %d cases (%v)", len(names), len(jobCases), err)
	}
	a := newAgent(t, true, `
client {
  meta = { rack = "r1", "dash-key" = "dashed" }
}
plugin "mock_driver" {}
`).start()
	for _, c := range jobCases {
		t.Run(c.file, func(t *testing.T) {
			if c.root {
				testkit.Need(t, "root", "mounts") // to run tasks as another user, with secrets in memory, and on cores of their own
			}
			in := *a
			in.t = t
			in.runCase(&c)
		})
	}
}

func (a *agent) runCase(c *jobCase) {
	t := a.t
	text, err := os.ReadFile(filepath.Join("testdata/jobs", c.file))
	if err != nil {
		t.Fatal(err)
	}
	job, err := a.client.Jobs().ParseHCL(string(text), true)
	if err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(c.file, ".")
	if c.id != "" {
		id = c.id
	}
	if *job.ID != id {
		t.Fatalf("the job is %q, want %q", *job.ID, id)
	}
	if answer, _, err := a.client.Jobs().Validate(job, nil); err != nil || answer.Error != "" {
		t.Fatalf("validate: %+v %v", answer, err)
	}
	plan, _, err := a.client.Jobs().Plan(job, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.register(job)
	defer func() {
		if _, _, err := a.client.Jobs().Deregister(id, true, nil); err != nil {
			a.t.Errorf("purge the job: %v", err)
		}
	}()
	if c.blocked != "" {
		a.checkBlocked(c, job, plan)
		return
	}
	if len(plan.FailedTGAllocs) != 0 {
		t.Errorf("plan foresees failures: %+v", plan.FailedTGAllocs)
	}
	alloc := a.settle(c, id)
	if alloc.ClientStatus != c.status || !strings.Contains(alloc.ClientDescription, c.description) {
		t.Errorf("the allocation is %s (%s), want %s", alloc.ClientStatus, alloc.ClientDescription, c.status)
	}
	for name, want := range c.tasks {
		checkTask(t, name, alloc.TaskStates[name], want)
	}
	for name, want := range c.files {
		if got := strings.Split(strings.TrimSpace(a.cat(alloc, "alloc/data/"+name)), "\n"); !slices.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	if c.after != nil {
		c.after(t, a, alloc)
	}
}

// settle waits until the job is over, stopping it when the case says so, and returns its newest allocation.
func (a *agent) settle(c *jobCase, id string) *nomad.Allocation {
	a.t.Helper()
	var newest *nomad.Allocation
	latest := func() (int, error) {
		allocs, _, err := a.client.Jobs().Allocations(id, false, nil)
		if err != nil || len(allocs) == 0 {
			return 0, errors.Join(err, errors.New("no allocations"))
		}
		last := slices.MaxFunc(allocs, func(x, y *nomad.AllocationListStub) int { return int(x.CreateIndex) - int(y.CreateIndex) })
		newest, _, err = a.client.Allocations().Info(last.ID, nil)
		return len(allocs), err
	}
	if c.stopAt != "" {
		a.eventually("the tasks are ready", func() error {
			if _, err := latest(); err != nil {
				return err
			}
			for _, task := range newest.Job.LookupTaskGroup(newest.TaskGroup).Tasks {
				last := task.Lifecycle != nil && task.Lifecycle.Hook == nomad.TaskLifecycleHookPoststop
				if state := newest.TaskStates[task.Name]; !last && (state == nil || state.State != "running") {
					return fmt.Errorf("task %s does not run", task.Name)
				}
			}
			_, _, err := a.client.AllocFS().Stat(newest, "alloc/data/"+c.stopAt, nil)
			return err
		})
		if _, _, err := a.client.Jobs().Deregister(id, false, nil); err != nil {
			a.t.Fatal(err)
		}
	}
	a.eventually("the job is over", func() error {
		job, _, err := a.client.Jobs().Info(id, nil)
		if err != nil {
			return err
		}
		n, err := latest()
		switch {
		case err != nil:
			return err
		case n != max(1, c.allocs):
			return fmt.Errorf("there are %d allocations", n)
		case *job.Status != "dead" || !newest.ClientTerminalStatus():
			return fmt.Errorf("the job is %s, its allocation %s", *job.Status, newest.ClientStatus)
		}
		for name, task := range newest.TaskStates {
			if task.State != "dead" {
				return fmt.Errorf("task %s is %s", name, task.State)
			}
		}
		return nil
	})
	return newest
}

func checkTask(t *testing.T, name string, got *nomad.TaskState, want taskCase) {
	t.Helper()
	if got == nil {
		t.Errorf("task %s has no state", name)
		return
	}
	if got.Failed != want.failed || got.Restarts != want.restarts {
		t.Errorf("task %s: failed %v, restarts %d; want %v, %d", name, got.Failed, got.Restarts, want.failed, want.restarts)
	}
	var events []string
	for _, e := range got.Events {
		if e.Type == "Alloc Unhealthy" {
			continue // the deployment's remark on what the other events tell comes at no certain place among them
		}
		events = append(events, e.Type+": "+e.DisplayMessage)
	}
	if !slices.EqualFunc(events, want.events, func(event, pattern string) bool {
		return event == pattern || regexp.MustCompile("^(?s:"+pattern+")$").MatchString(event)
	}) {
		t.Errorf("task %s has the events\n  %s\nwant\n  %s", name, strings.Join(events, "\n  "), strings.Join(want.events, "\n  "))
	}
}

// checkBlocked checks that plan and run explain the same failure, and that nothing waits after a stop.
func (a *agent) checkBlocked(c *jobCase, job *nomad.Job, plan *nomad.JobPlanResponse) {
	t, id := a.t, *job.ID
	explains := regexp.MustCompile(c.blocked)
	text := func(failed map[string]*nomad.AllocationMetric) string {
		m := failed["g"]
		if m == nil {
			return ""
		}
		return fmt.Sprint(m.ConstraintFiltered, m.DimensionExhausted)
	}
	if got := text(plan.FailedTGAllocs); !explains.MatchString(got) {
		t.Errorf("plan says %q", got)
	}
	queued := func(want int) func() error {
		return func() error {
			sum, _, err := a.client.Jobs().Summary(id, nil)
			if err == nil && sum.Summary["g"].Queued != want {
				err = fmt.Errorf("the summary is %+v", sum.Summary)
			}
			return err
		}
	}
	a.eventually("an evaluation is blocked", func() error {
		evals, _, err := a.client.Jobs().Evaluations(id, nil)
		if err != nil {
			return err
		}
		for _, e := range evals {
			if e.Status == "blocked" && explains.MatchString(text(e.FailedTGAllocs)) {
				return nil
			}
		}
		return errors.New("none is")
	})
	a.eventually("its placements wait", queued(*job.TaskGroups[0].Count))
	if _, _, err := a.client.Jobs().Deregister(id, false, nil); err != nil {
		t.Fatal(err)
	}
	a.eventually("nothing waits", queued(0))
}

func (a *agent) cat(alloc *nomad.Allocation, path string) string {
	a.t.Helper()
	body, err := a.client.AllocFS().Cat(alloc, path, nil)
	if err != nil {
		a.t.Errorf("%s: %v", path, err)
		return ""
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		a.t.Errorf("%s: %v", path, err)
	}
	return string(text)
}

func checkEnvironment(t *testing.T, a *agent, alloc *nomad.Allocation) {
	env := map[string]string{}
	for line := range strings.Lines(a.cat(alloc, "alloc/data/env")) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[k] = v
	}
	task := filepath.Dir(env["NOMAD_TASK_DIR"])
	want := map[string]string{
		"GREETING": "HI", "UNKNOWN": "${foo.bar}", "INDEXED": `${env["X"]}`, "OF_JOB": "team-a",
		"OF_NODE": "global/dc1/default/r1", "ESCAPED": "0", "NOMAD_DC": "mine",
		"NOMAD_ALLOC_DIR": filepath.Join(filepath.Dir(task), "alloc"), "NOMAD_SECRETS_DIR": filepath.Join(task, "secrets"),
		"NOMAD_MEMORY_LIMIT": "32", "NOMAD_CPU_LIMIT": "50", "NOMAD_CPU_CORES": "",
		"NOMAD_ALLOC_ID": alloc.ID, "NOMAD_SHORT_ALLOC_ID": alloc.ID[:8], "NOMAD_ALLOC_NAME": "environment.g[0]",
		"NOMAD_ALLOC_INDEX": "0", "NOMAD_TASK_NAME": "t", "NOMAD_GROUP_NAME": "g", "NOMAD_JOB_ID": "environment",
		"NOMAD_JOB_NAME": "environment", "NOMAD_NAMESPACE": "default", "NOMAD_REGION": "global",
		"NOMAD_META_owner": "team-a", "NOMAD_META_OWNER": "team-a", "NOMAD_META_level": "task", "NOMAD_META_LEVEL": "task",
		"NOMAD_META_my_key": "x", "NOMAD_META_MY_KEY": "x",
	}
	for _, p := range alloc.AllocatedResources.Shared.Ports {
		host, inside := fmt.Sprint(p.Value), fmt.Sprint(p.Value)
		if p.Label == "my-port" {
			inside = "8080"
		}
		clean := strings.ReplaceAll(p.Label, "-", "_")
		want["NOMAD_PORT_"+clean], want["NOMAD_HOST_PORT_"+clean] = inside, host
		want["NOMAD_IP_"+clean], want["NOMAD_ADDR_"+clean] = p.HostIP, p.HostIP+":"+host
		if clean == p.Label { // shells drop names with a dash
			want["NOMAD_HOST_IP_"+clean], want["NOMAD_HOST_ADDR_"+clean] = p.HostIP, p.HostIP+":"+host
			want["NOMAD_ALLOC_PORT_"+clean] = inside
		}
	}
	want["MY_PORT"] = want["NOMAD_PORT_http"]
	for k, v := range want {
		if got, ok := env[k]; !ok || got != v {
			t.Errorf("%s is %q (set: %v), want %q", k, got, ok, v)
		}
	}
	for k := range env {
		_, known := want[k]
		switch {
		case known, k == "NOMAD_TASK_DIR", k == "NOMAD_PARENT_CGROUP", strings.HasSuffix(k, "_my-port"), !strings.HasPrefix(k, "NOMAD_"), os.Getenv(k) != "":
		default:
			t.Errorf("unexpected variable %s=%s", k, env[k])
		}
	}
	if got := strings.TrimSpace(a.cat(alloc, "alloc/data/pwd")); got != task {
		t.Errorf("the task ran in %s, want %s", got, task)
	}
	if got, kernel := a.cat(alloc, "alloc/data/args"), env["KERNEL"]; kernel == "" || got != "environment-dc1 dashed "+kernel+"\n" {
		t.Errorf("the arguments are %q on %q", got, kernel)
	}
}

func checkRescheduled(t *testing.T, a *agent, alloc *nomad.Allocation) {
	old, _, err := a.client.Allocations().Info(alloc.PreviousAllocation, nil)
	if err != nil {
		t.Fatal(err)
	}
	if old.NextAllocation != alloc.ID || old.DesiredStatus != "stop" || old.DesiredDescription != "alloc was rescheduled because it failed" || old.Name != alloc.Name {
		t.Errorf("the old allocation is %+v", old.Stub())
	}
	if tracker := alloc.RescheduleTracker; tracker == nil || len(tracker.Events) != 1 || tracker.Events[0].PrevAllocID != old.ID {
		t.Errorf("the tracker is %+v", tracker)
	}
}

func checkRotation(t *testing.T, a *agent, alloc *nomad.Allocation) {
	files, _, err := a.client.AllocFS().List(alloc, "alloc/logs", nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if strings.HasPrefix(f.Name, ".") {
			continue
		}
		names = append(names, f.Name)
		if f.Size > 1<<20 {
			t.Errorf("%s has %d bytes", f.Name, f.Size)
		}
	}
	if want := []string{"loud.stderr.0", "loud.stdout.2", "loud.stdout.3"}; !slices.Equal(names, want) {
		t.Errorf("the log files are %v, want %v", names, want)
	}
	if text := a.logs(alloc, "loud"); !strings.HasSuffix(text, "\nlast\n") || strings.Contains(text, "\n1 x") {
		t.Errorf("the kept log ends with %q", text[max(0, len(text)-200):])
	}
	if _, _, code := a.cli("", "alloc", "logs", alloc.ID, "quiet"); code != 1 {
		t.Errorf("the log of a task that keeps none ends with %d", code)
	}
}

func checkScores(t *testing.T, _ *agent, alloc *nomad.Allocation) {
	m := alloc.Metrics
	if m.NodesEvaluated != 1 || len(m.ScoreMetaData) != 1 {
		t.Fatalf("the metrics are %+v", m)
	}
	s := m.ScoreMetaData[0]
	spread := (0.6 - 1) / 0.6
	for name, want := range map[string]float64{"node-affinity": 0.7, "allocation-spread": spread, "job-anti-affinity": 0} {
		if got := s.Scores[name]; got < want-1e-9 || got > want+1e-9 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if mean := (s.Scores["binpack"] + 0.7 + spread) / 3; s.NormScore < mean-1e-9 || s.NormScore > mean+1e-9 {
		t.Errorf("the score is %v, want %v", s.NormScore, mean)
	}
}
