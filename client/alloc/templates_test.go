// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/artifact"
	"github.com/nomadlike/nomadlike/client/task"
	"github.com/nomadlike/nomadlike/client/template"
)

// registry answers queries for services with one instance, whose port changes.
type registry struct {
	api.Caller
	mu struct {
		sync.Mutex
		index   uint64
		port    int
		changed chan struct{}
	}
}

// set changes the port; 0 takes the servers down.
func (r *registry) set(port int) {
	r.mu.Lock()
	r.mu.port = port
	r.mu.index++
	if r.mu.changed != nil {
		close(r.mu.changed)
	}
	r.mu.changed = make(chan struct{})
	r.mu.Unlock()
	synctest.Wait()
}

// Call implements api.Caller for one service.
func (r *registry) Call(ctx context.Context, _ *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	for {
		r.mu.Lock()
		index, port, changed := r.mu.index, r.mu.port, r.mu.changed
		r.mu.Unlock()
		if port == 0 {
			return nil, errors.New("no leader")
		}
		if index > req.(api.ReadRequest).Read().MinIndex {
			*resp.(*[]*api.ServiceRegistration) = []*api.ServiceRegistration{{ID: "x", ServiceName: "db", Port: port}}
			return &api.Meta{Index: index, HasIndex: true}, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// withServices has the tasks of the bench render, with a service on port 1.
func (b *bench) withServices() *registry {
	cfg := &template.Config{}
	cfg.EnsureDefaults()
	r := &registry{}
	b.templates = task.Templates{Config: cfg, Servers: r}
	b.deps.Tasks.Templates = b.templates
	r.set(1)
	return r
}

const ports = `{{ range nomadService "db" }}{{ .Port }}{{ end }}`

// rendered makes a task with templates of the service's port, one for each mode of change.
func rendered(t *api.Task, modes ...string) *api.Task {
	for _, mode := range modes {
		t.Templates = append(t.Templates, &api.Template{
			EmbeddedTmpl: ports, DestPath: "local/" + string(rune('a'+len(t.Templates))), ChangeMode: mode, ChangeSignal: "SIGHUP",
			LeftDelim: "{{", RightDelim: "}}", Splay: new(time.Duration(0)), Perms: "0644",
		})
	}
	return t
}

func (b *bench) file(name string) string {
	b.t.Helper()
	data, err := os.ReadFile(b.dirs.Path() + "/" + testID + "/" + name)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

func TestTemplateRestartsTask(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		services := b.withServices()
		r := b.run(allocation(job(api.JobTypeService, rendered(tk("t"), api.ChangeRestart, api.ChangeSignal))))
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
		pass(time.Minute)
		services.set(2)
		pass(time.Second)
		services.set(3)
		pass(time.Minute)
		// Both changes settle together, five seconds after the last one; one restart is for all templates.
		b.wantTimeline(`
			0s start t
			1m6s stop t  5s
			1m6s start t`)
		wantState(t, r, "t", api.TaskStateRunning, false, 1)
		wantEvents(t, r, "t", `
			Received: Task received by client
			Task Setup: Building Task Directory
			Started: Task started by client
			Restart Signaled: Template with change_mode restart re-rendered
			Terminated: Exit Code: 130, Signal: 2
			Restarting: Task restarting in 0s
			Started: Task started by client`)
		if got := b.file("t/local/a") + b.file("t/local/b"); got != "33" {
			t.Errorf("files hold %q", got)
		}
	})
}

func TestTemplateSeesTheNode(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.withServices()
		j := tk("t")
		j.Templates = []*api.Template{{
			EmbeddedTmpl: `{{ env "node.unique.id" }} {{ env "node.datacenter" }} {{ env "NOMAD_TASK_NAME" }} {{ envOrDefault "meta.rack" "none" }}`,
			DestPath:     "local/a", ChangeMode: api.ChangeNoop, LeftDelim: "{{", RightDelim: "}}",
		}}
		b.run(allocation(job(api.JobTypeService, j)))
		if got := b.file("t/local/a"); got != "node dc1 t none" {
			t.Errorf("the file holds %q", got)
		}
	})
}

func TestTemplateSignals(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		services := b.withServices()
		r := b.run(allocation(job(api.JobTypeService, rendered(tk("t"), api.ChangeSignal, api.ChangeSignal, api.ChangeNoop))))
		services.set(2)
		pass(time.Minute)
		b.wantTimeline(`
			0s start t
			5s signal t SIGHUP`)
		wantState(t, r, "t", api.TaskStateRunning, false, 0)
	})
}

func TestTemplateWaitsForData(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		services := b.withServices()
		services.set(0)
		*b.templates.Config.NomadRetry.Attempts = 0
		r := b.run(allocation(job(api.JobTypeService, rendered(tk("t"), api.ChangeRestart))))
		pass(10 * time.Second)
		wantEvents(t, r, "t", `
			Received: Task received by client
			Task Setup: Building Task Directory
			Template: Missing: nomad.service(db)`)
		services.set(7)
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
		if got := b.file("t/local/a"); got != "7" {
			t.Errorf("the file holds %q", got)
		}
	})
}

func TestKillWhileTemplateWaits(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.withServices().set(0)
		r := b.run(allocation(job(api.JobTypeService, rendered(tk("t"), api.ChangeRestart))))
		pass(time.Second)
		r.Update(stopped(r))
		synctest.Wait()
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		wantEvents(t, r, "t", `
			Received: Task received by client
			Task Setup: Building Task Directory
			Killing: Sent interrupt. Waiting 5s before force killing
			Killed: Task successfully killed`)
	})
}

func TestTemplateFails(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		services := b.withServices()
		services.set(1)
		main := rendered(tk("t"), api.ChangeRestart)
		main.Templates[0].EmbeddedTmpl = `{{ range nomadService "db" }}{{ if eq .Port 2 }}{{ mustEnv "NONE" }}{{ end }}{{ end }}`
		r := b.run(allocation(job(api.JobTypeService, main)))
		services.set(2)
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientFailed, "Failed tasks")
		if got := events(r, "t"); !strings.Contains(got, "Killing: Template failed: local/a: ") || !strings.HasSuffix(got, "Killed: Task successfully killed") {
			t.Errorf("events are %s", got)
		}
	})
}

func TestTemplatesAfterAgentRestart(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		services := b.withServices()
		b.run(allocation(job(api.JobTypeService, rendered(tk("t"), api.ChangeRestart))))
		pass(time.Minute)
		r := b.restart()
		pass(time.Minute)
		wantState(t, r, "t", api.TaskStateRunning, false, 0)
		services.set(2)
		pass(time.Minute)
		wantState(t, r, "t", api.TaskStateRunning, false, 1)
		// What changes while there is no agent is a change for the next one.
		b.halt()
		services.set(3)
		r = b.restart()
		pass(time.Minute)
		wantState(t, r, "t", api.TaskStateRunning, false, 2)
		if got := b.file("t/local/a"); got != "3" {
			t.Errorf("the file holds %q", got)
		}
	})
}

// TestTemplateOfDeadAgent ends the agent between the rendering of a change and what the task is to hear of it.
func TestTemplateOfDeadAgent(t *testing.T) {
	for mode, want := range map[string]string{
		api.ChangeRestart: "stop t  5s\nstart t", api.ChangeSignal: "signal t SIGHUP", api.ChangeNoop: "",
	} {
		t.Run(mode, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				services := b.withServices()
				main := rendered(tk("t"), mode)
				main.Templates[0].Splay = new(24 * time.Hour)
				b.run(allocation(job(api.JobTypeService, main)))
				pass(time.Minute)
				services.set(2)
				pass(6 * time.Second) // it has settled, and the splay runs
				if got := b.file("t/local/a"); got != "2" || len(b.machine.Calls()) != 1 {
					t.Fatalf("the file holds %q, the driver was asked\n%s", got, b.timeline())
				}
				b.restart()
				pass(24 * time.Hour)
				told := func() string {
					var lines []string
					for _, c := range b.machine.Calls()[1:] {
						if c.What != "recover" {
							lines = append(lines, c.String())
						}
					}
					return strings.Join(lines, "\n")
				}
				if got := told(); got != want {
					t.Errorf("the driver was asked %q, want %q", got, want)
				}
				b.restart()
				pass(24 * time.Hour)
				if got := told(); got != want {
					t.Errorf("after another restart the driver was asked %q, want %q", got, want)
				}
			})
		})
	}
}

func TestTemplatesOfRestartedTask(t *testing.T) {
	for name, again := range map[string]bool{"kept": false, "rendered again": true} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				services := b.withServices()
				main := rendered(tk("t", "run_for=1m", "exit_code=1"), api.ChangeRestart)
				main.Templates[0].Once = true
				main.RestartPolicy = &api.RestartPolicy{RenderTemplates: new(again)}
				b.run(allocation(job(api.JobTypeService, main)))
				services.set(2)
				pass(2 * time.Minute)
				if got := b.file("t/local/a"); (got == "2") != again {
					t.Errorf("the file holds %q", got)
				}
			})
		})
	}
}

// store downloads artifacts by doing what it is told.
type store struct {
	mu struct {
		sync.Mutex
		fail    map[string]error
		stall   bool
		fetched []string
	}
}

// Fetch implements task.Artifacts.
func (s *store) Fetch(ctx context.Context, _ artifact.Target, req *artifact.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.stall {
		s.mu.Unlock()
		<-ctx.Done()
		s.mu.Lock()
		return ctx.Err()
	}
	s.mu.fetched = append(s.mu.fetched, req.Source)
	return s.mu.fail[req.Source]
}

func (b *bench) withArtifacts() *store {
	s := &store{}
	b.artifacts = s
	b.deps.Tasks.Artifacts = s
	return s
}

func fetching(t *api.Task, sources ...string) *api.Task {
	for _, s := range sources {
		t.Artifacts = append(t.Artifacts, &api.Artifact{GetterSource: s, RelativeDest: "local/", GetterMode: "any"})
	}
	return t
}

func TestArtifactsAreFetchedOnce(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		s := b.withArtifacts()
		s.mu.fail = map[string]error{"bad": errors.New("no route")}
		r := b.run(allocation(job(api.JobTypeService, fetching(tk("t", "run_for=1m", "exit_code=1"), "good", "bad"))))
		wantState(t, r, "t", api.TaskStatePending, false, 1)
		b.restart()
		s.mu.Lock()
		s.mu.fail = nil
		s.mu.Unlock()
		pass(3 * time.Minute)
		count := map[string]int{}
		for _, source := range s.mu.fetched {
			count[source]++
		}
		// The next agent begins at once, and the restarts of the task that ran download nothing.
		if count["good"] != 1 || count["bad"] != 3 {
			t.Errorf("downloads are %v", count)
		}
	})
}

func TestArtifactFails(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.withArtifacts().mu.fail = map[string]error{"bad": errors.New("no route")}
		r := b.run(allocation(job(api.JobTypeService, fetching(tk("t"), "bad"))))
		pass(time.Hour)
		wantStatus(t, r, api.AllocClientFailed, "Failed tasks")
		wantEvents(t, r, "t", `
			Task Setup: Building Task Directory
			Downloading Artifacts: Client is downloading artifacts
			Failed Artifact Download: no route
			Restarting: Task restarting in 15s
			Downloading Artifacts: Client is downloading artifacts
			Failed Artifact Download: no route
			Restarting: Task restarting in 15s
			Downloading Artifacts: Client is downloading artifacts
			Failed Artifact Download: no route
			Not Restarting: Exceeded allowed attempts 2 in interval 30m0s and mode is "fail"`)
	})
}

func TestKillWhileDownloading(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.withArtifacts().mu.stall = true
		r := b.run(allocation(job(api.JobTypeService, fetching(tk("t"), "slow"))))
		pass(time.Minute)
		r.Update(stopped(r))
		synctest.Wait()
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		wantEvents(t, r, "t", `
			Received: Task received by client
			Task Setup: Building Task Directory
			Downloading Artifacts: Client is downloading artifacts
			Killing: Sent interrupt. Waiting 5s before force killing
			Killed: Task successfully killed`)
	})
}
