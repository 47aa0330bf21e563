// SPDX-License-Identifier: MPL-2.0

package template

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
)

const (
	allocID  = "11111111-2222-3333-4444-555555555555"
	taskName = "web"
	patience = time.Minute
)

// registry answers queries for services.
type registry struct {
	api.Caller
	mu struct {
		sync.Mutex
		index   uint64
		rows    []*api.ServiceRegistration
		err     error
		changed chan struct{}
	}
}

func newRegistry() *registry {
	r := &registry{}
	r.mu.index, r.mu.changed = 1, make(chan struct{})
	return r
}

func (r *registry) set(err error, rows ...*api.ServiceRegistration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.rows, r.mu.err = rows, err
	r.mu.index++
	close(r.mu.changed)
	r.mu.changed = make(chan struct{})
}

// Call implements api.Caller for services alone.
func (r *registry) Call(ctx context.Context, _ *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	for {
		r.mu.Lock()
		index, rows, err, changed := r.mu.index, r.mu.rows, r.mu.err, r.mu.changed
		r.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if index > req.(api.ReadRequest).Read().MinIndex {
			switch resp := resp.(type) {
			case *[]*api.ServiceRegistration:
				*resp = rows
			case *[]*api.ServiceListStub:
				stub := &api.ServiceListStub{Namespace: "default"}
				for _, s := range rows {
					stub.Services = append(stub.Services, &api.ServiceStub{ServiceName: s.ServiceName, Tags: s.Tags})
				}
				*resp = []*api.ServiceListStub{stub}
			}
			return &api.Meta{Index: index, HasIndex: true}, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// rig is a task with templates.
type rig struct {
	t        *testing.T
	dir      *allocdir.Dir
	registry *registry
	conf     Config
	running  bool
	heard    []string
	missing  chan []string
	changed  chan []*api.Template
	failed   chan error
}

func newRig(t *testing.T) *rig {
	t.Helper()
	root, err := allocdir.OpenRoot(t.TempDir(), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	dir, err := root.Create(allocID, 0)
	if err == nil {
		err = dir.BuildTask(taskName, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = dir.ReleaseSecrets([]string{taskName})
		_ = dir.Close()
		_ = root.Close()
	})
	r := &rig{
		t: t, dir: dir, registry: newRegistry(), missing: make(chan []string, 10), changed: make(chan []*api.Template, 10), failed: make(chan error, 1),
	}
	r.conf.Wait = Wait{Min: new(time.Duration(0)), Max: new(time.Duration(0))}
	r.conf.NomadRetry = Retry{Backoff: new(time.Millisecond), MaxBackoff: new(time.Millisecond)}
	return r
}

func (r *rig) start(templates ...*api.Template) *Manager {
	r.t.Helper()
	m := Start(r.t.Context(), r.task(templates))
	r.t.Cleanup(m.Stop)
	return m
}

func (r *rig) task(templates []*api.Template) Task {
	r.t.Helper()
	r.conf.EnsureDefaults()
	if err := r.conf.Validate(); err != nil {
		r.t.Fatal(err)
	}
	for _, t := range templates {
		if t.LeftDelim == "" {
			t.LeftDelim, t.RightDelim = "{{", "}}"
		}
		if t.DestPath == "" {
			t.DestPath = "local/out"
		}
		if t.Splay == nil {
			t.Splay = new(time.Duration(0))
		}
	}
	return Task{
		Client: &r.conf, Logger: hclog.NewNullLogger(), Servers: r.registry, Region: "global", Namespace: "default",
		Templates: templates, Dir: r.dir, Task: taskName, Seen: allocdir.Seen{Shared: "/alloc", Local: "/local", Secrets: "/secrets"},
		Env: map[string]string{"GREETING": "hello", "EMPTY": ""}, Replace: func(s string) string { return strings.ReplaceAll(s, "${X}", "local") },
		Running: r.running,
		Missing: func(keys []string) { r.missing <- keys },
		Heard:   r.heard,
		Changed: func(changed []*api.Template, _ []string) { r.changed <- changed },
		Failed:  func(err error) { r.failed <- err },
	}
}

func (r *rig) ready(m *Manager) error {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	return m.Ready(ctx)
}

func (r *rig) read(name string) string {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir.Path(), name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

func await[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func instance(id string, port int, tags ...string) *api.ServiceRegistration {
	return &api.ServiceRegistration{ID: id, ServiceName: "db", Address: "10.0.0.1", Port: port, NodeID: "n", Tags: tags}
}

func TestRender(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		tpl   api.Template
		conf  func(*Config)
		want  string
		fails string
	}{
		"plain":            {text: "a b", want: "a b"},
		"function":         {text: `{{ "x" | toUpper }}{{ sprig_repeat 2 "y" }}`, want: "Xyy"},
		"env":              {text: `{{ env "GREETING" }}{{ envOrDefault "NONE" "-" }}{{ envOrDefault "EMPTY" "-" }}`, want: "hello-"},
		"env of the agent": {text: `{{ env "PATH" }}{{ env "HOME" }}`, want: ""},
		"env needed":       {text: `{{ mustEnv "PATH" }}`, fails: "PATH is empty"},
		"nested blocks":    {text: strings.Repeat("{{ if true }}", 200_000) + strings.Repeat("{{ end }}", 200_000), fails: "more than 100000 actions"},
		"recursion": {
			text:  `{{ define "a" }}` + strings.Repeat("{{ if true }}", 9) + `{{ template "b" }}` + strings.Repeat("{{ end }}", 9) + `{{ end }}{{ define "b" }}{{ template "a" }}{{ end }}`,
			fails: `template "a" calls itself from within more than`,
		},
		"calls":              {text: `{{ define "a" }}{{ if . }}{{ template "a" false }}x{{ end }}{{ end }}` + strings.Repeat("{{ if true }}", 20) + `{{ template "a" true }}` + strings.Repeat("{{ end }}", 20), want: "x"},
		"delimiters":         {text: `<< env "GREETING" >> {{ }}`, tpl: api.Template{LeftDelim: "<<", RightDelim: ">>"}, want: "hello {{ }}"},
		"interpolated path":  {text: "x", tpl: api.Template{DestPath: "${X}/out"}, want: "x"},
		"path as seen":       {text: "x", tpl: api.Template{DestPath: "/local/out"}, want: "x"},
		"services":           {text: `{{ range nomadService "db" }}{{ .Address }}:{{ .Port }} {{ end }}`, want: "10.0.0.1:1 10.0.0.1:2 "},
		"service with a tag": {text: `{{ range nomadService "blue.db" }}{{ .Port }}{{ end }}`, want: "2"},
		"service by index":   {text: `{{ (index (nomadService "db") 0).Port }}`, want: "1"},
		"names of services":  {text: `{{ range nomadServices }}{{ .Name }}{{ .Tags }} {{ end }}`, want: "db[] db[blue] "},
		"nested":             {text: `{{ range nomadServices }}{{ range nomadService .Name }}{{ .Port }}{{ end }};{{ end }}`, want: "12;12;"},
		"file":               {text: `{{ file "local/in" }}{{ file "/secrets/in" }}`, want: "in:insecret"},
		"syntax":             {text: `{{ env`, fails: "parse"},
		"missing key":        {text: `{{ $x := parseJSON "{}" }}{{ $x.a }}`, tpl: api.Template{ErrMissingKey: true}, fails: "no entry for key"},
		"missing key is ok":  {text: `{{ $x := parseJSON "{}" }}{{ $x.a }}`, want: "<no value>"},
		"denied":             {text: `{{ plugin "ls" 1 }}`, fails: "client { template { function_denylist"},
		"denied template":    {text: `{{ define "x" }}{{ end }}{{ executeTemplate "x" . }}`, fails: "executeTemplate: the agent does not let"},
		"nothing denied":     {text: `{{ define "x" }}y{{ end }}{{ executeTemplate "x" . }}`, conf: func(c *Config) { c.FunctionDenylist = []string{} }, want: "y"},
		"denied besides":     {text: `{{ toUpper "x" }}`, conf: func(c *Config) { c.FunctionDenylist = []string{"plugin", "toUpper"} }, fails: "toUpper: the agent does not let"},
		"denied by name":     {text: `{{ toUpper "x" }}`, conf: func(c *Config) { c.FunctionDenylist = []string{"toU*"} }, fails: "toUpper: the agent does not let"},
		"denied by pattern":  {text: `{{ range nomadService "db" }}{{ end }}{{ sprig_upper "y" }}`, conf: func(c *Config) { c.FunctionDenylist = []string{"sprig_*"} }, fails: "client { template { function_denylist"},
		"Consul":             {text: `{{ key "a" }}`, fails: "Consul is not supported"},
		"Vault":              {text: `{{ with secret "a" }}{{ end }}`, fails: "Vault is not supported"},
		"variables":          {text: `{{ with nomadVar "a" }}{{ end }}`, fails: "variables are not supported"},
		"file outside":       {text: `{{ file "../../x" }}`, fails: "leads out of the directories of the task (a template uses files"},
		"file by a link":     {text: `{{ file "local/link" }}`, fails: "file cannot be read"},
		"file that is none":  {text: `{{ file "local/none" }}`, fails: "no such file"},
		"file of the node":   {text: `{{ file "/etc/hostname" }}`, fails: "disable_file_sandbox = true"},
		"source of the node": {tpl: api.Template{SourcePath: "/etc/hostname"}, fails: "disable_file_sandbox = true"},
		"file of no sandbox": {text: `{{ file "../../beside" }}`, conf: func(c *Config) { c.DisableFileSandbox = true }, want: "beside"},
		"private":            {text: `{{ file "private/x" }}`, fails: "leads out"},
		"outside":            {text: "x", tpl: api.Template{DestPath: "../../x"}, fails: "leads out"},
		"no source":          {tpl: api.Template{SourcePath: "local/none"}, fails: "no such file"},
		"no environment":     {text: "a b", tpl: api.Template{Envvars: true}, fails: "no list of variables"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.registry.set(nil, instance("1", 1), instance("2", 2, "blue"))
			for path, body := range map[string]string{"local/in": "in:", "secrets/in": "insecret"} {
				if err := os.WriteFile(r.dir.TaskPath(taskName, path), []byte(body), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("/etc/passwd", r.dir.TaskPath(taskName, "local/link")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(filepath.Dir(r.dir.Path()), "beside"), []byte("beside"), 0o600); err != nil {
				t.Fatal(err)
			}
			if test.conf != nil {
				test.conf(&r.conf)
			}
			tpl := test.tpl
			tpl.EmbeddedTmpl = test.text
			err := r.ready(r.start(&tpl))
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("got %v, want an error with %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := r.read(taskName + "/local/out"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSourceAndMode(t *testing.T) {
	r := newRig(t)
	if err := os.WriteFile(r.dir.TaskPath(taskName, "local/in.tpl"), []byte(`{{ env "GREETING" }}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.ready(r.start(&api.Template{SourcePath: "${X}/in.tpl", Perms: "0600", DestPath: "secrets/a/out"})); err != nil {
		t.Fatal(err)
	}
	if got := r.read(taskName + "/secrets/a/out"); got != "hello" {
		t.Errorf("got %q", got)
	}
	info, err := os.Stat(r.dir.TaskPath(taskName, "secrets/a/out"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestNobodyBecomesRoot has a job ask for a file that runs as its owner and as its group.
func TestNobodyBecomesRoot(t *testing.T) {
	r := newRig(t)
	if err := r.ready(r.start(&api.Template{EmbeddedTmpl: "#!/bin/sh\n", Perms: "6755", DestPath: "local/out"})); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(r.dir.TaskPath(taskName, "local/out"))
	if err != nil || info.Mode() != 0o755 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestLinkAtDestination has the task lay a link where a template goes.
func TestLinkAtDestination(t *testing.T) {
	r := newRig(t)
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, r.dir.TaskPath(taskName, "local/out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(victim), r.dir.TaskPath(taskName, "local/dir")); err != nil {
		t.Fatal(err)
	}
	if err := r.ready(r.start(&api.Template{EmbeddedTmpl: "x"})); err != nil {
		t.Fatal(err)
	}
	if err := r.ready(r.start(&api.Template{EmbeddedTmpl: "x", DestPath: "local/dir/victim"})); err == nil {
		t.Error("a link that leads out was followed")
	}
	if data, _ := os.ReadFile(victim); string(data) != "mine" {
		t.Errorf("the file behind the link holds %q", data)
	}
	if got := r.read(taskName + "/local/out"); got != "x" {
		t.Errorf("got %q", got)
	}
}

func TestEnvironment(t *testing.T) {
	r := newRig(t)
	m := r.start(
		&api.Template{EmbeddedTmpl: "# comment\nA=1\nB=\"x y\"\n\nexport C='z'\n", Envvars: true},
		&api.Template{EmbeddedTmpl: "A=2\n", Envvars: true, DestPath: "local/other"},
	)
	if err := r.ready(m); err != nil {
		t.Fatal(err)
	}
	env := m.Env()
	for k, want := range map[string]string{"A": "2", "B": "x y", "C": "z"} {
		if env[k] != want {
			t.Errorf("%s is %q, want %q", k, env[k], want)
		}
	}
}

func TestChanges(t *testing.T) {
	r := newRig(t)
	r.registry.set(nil, instance("1", 1))
	live := &api.Template{EmbeddedTmpl: `{{ range nomadService "db" }}{{ .Port }}{{ end }}`}
	once := &api.Template{EmbeddedTmpl: live.EmbeddedTmpl, DestPath: "local/once", Once: true}
	fixed := &api.Template{EmbeddedTmpl: "x", DestPath: "local/fixed"}
	if err := r.ready(r.start(live, once, fixed)); err != nil {
		t.Fatal(err)
	}
	r.registry.set(nil, instance("1", 2))
	if changed := await(t, r.changed); len(changed) != 1 || changed[0] != live {
		t.Errorf("%d templates changed", len(changed))
	}
	if got := r.read(taskName+"/local/out") + r.read(taskName+"/local/once"); got != "21" {
		t.Errorf("got %q", got)
	}
	// Servers that fail meanwhile change nothing.
	r.registry.set(errors.New("no leader"))
	r.registry.set(nil, instance("1", 3))
	await(t, r.changed)
	if got := r.read(taskName + "/local/out"); got != "3" {
		t.Errorf("got %q", got)
	}
}

func TestRunningTask(t *testing.T) {
	digest := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	for name, test := range map[string]struct {
		before string
		heard  []string
		want   bool
	}{
		"same": {"x", nil, false}, "other": {"y", nil, true}, "same, as heard": {"x", []string{digest("x"), ""}, false},
		"same, heard of another": {"x", []string{digest("y"), ""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.running, r.heard = true, test.heard
			out := r.dir.TaskPath(taskName, "local/out")
			if err := os.WriteFile(out, []byte(test.before), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(out, 0o644); err != nil {
				t.Fatal(err)
			}
			// The second one tells when the first has been dealt with.
			other := &api.Template{EmbeddedTmpl: "new", DestPath: "local/z"}
			if err := r.ready(r.start(&api.Template{EmbeddedTmpl: "x"}, other)); err != nil {
				t.Fatal(err)
			}
			if got := len(await(t, r.changed)) == 2; got != test.want {
				t.Errorf("changed is %v", got)
			}
		})
	}
}

func TestMissingData(t *testing.T) {
	r := newRig(t)
	r.registry.set(errors.New("no leader"))
	r.conf.NomadRetry.Attempts = new(0)
	m := r.start(&api.Template{EmbeddedTmpl: `{{ nomadService "db" }}{{ nomadServices }}`})
	if keys := await(t, r.missing); strings.Join(keys, " ") != "nomad.service(db) nomad.services" {
		t.Errorf("missing %v", keys)
	}
	r.registry.set(nil)
	if err := r.ready(m); err != nil {
		t.Error(err)
	}
}

func TestAttempts(t *testing.T) {
	r := newRig(t)
	r.registry.set(errors.New("no leader"))
	r.conf.NomadRetry.Attempts = new(2)
	err := r.ready(r.start(&api.Template{EmbeddedTmpl: `{{ nomadService "db" }}`}))
	var failed *Error
	if !errors.As(err, &failed) || !failed.Again || Describe(err) != "Template failed: nomad.service(db): no leader" {
		t.Errorf("got %v", err)
	}
}

func TestFailureOfRunningTask(t *testing.T) {
	r := newRig(t)
	r.registry.set(nil, instance("1", 1))
	if err := r.ready(r.start(&api.Template{EmbeddedTmpl: `{{ (index (nomadService "db") 0).Port }}`})); err != nil {
		t.Fatal(err)
	}
	r.registry.set(nil)
	if err := await(t, r.failed); !strings.Contains(Describe(err), "Template failed: local/out") {
		t.Errorf("got %v", err)
	}
}

// full is a place on a disk that has no room until it is emptied.
type full struct {
	place
	tries, room int
}

func (f *full) WriteFile(data []byte, mode fs.FileMode, uid, gid int) error {
	if f.tries++; f.tries <= f.room {
		return fmt.Errorf("write: %w", syscall.ENOSPC)
	}
	return f.place.WriteFile(data, mode, uid, gid)
}

// TestFullDisk: a task goes on with the file that it has while there is no room for a new one.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var told []string
		m := newManager(func() {}, r.task([]*api.Template{{EmbeddedTmpl: `A={{ env "V" }}`, Envvars: true}}))
		m.cfg.Env = map[string]string{"V": "1"}
		m.cfg.Unwritten = func(err error) { told = append(told, err.Error()) }
		if err := m.load(); err != nil {
			t.Fatal(err)
		}
		pass := func(first bool) time.Duration {
			t.Helper()
			next, _, err := m.pass(t.Context(), first)
			if err != nil {
				t.Fatal(err)
			}
			return next
		}
		pass(true)
		out := m.list[0]
		disk := &full{place: out.dest, room: 2}
		out.dest = disk
		m.cfg.Env["V"] = "2"
		out.changed(time.Now())
		for range 3 {
			next := pass(false)
			pass(false) // what comes too early does nothing
			if disk.tries <= disk.room && (r.read("web/local/out") != "A=1" || m.Env()["A"] != "1" || len(m.pending) != 0) {
				t.Errorf("without room the file is %q, the environment %v, %d changes are told", r.read("web/local/out"), m.Env(), len(m.pending))
			}
			if disk.tries <= disk.room && next != fullInterval {
				t.Errorf("the next try is in %s", next)
			}
			time.Sleep(fullInterval)
		}
		if disk.tries != 3 || r.read("web/local/out") != "A=2" || m.Env()["A"] != "2" || len(m.pending) != 1 {
			t.Errorf("after %d tries the file is %q, the environment %v, %d changes are told", disk.tries, r.read("web/local/out"), m.Env(), len(m.pending))
		}
		if !slices.Equal(told, []string{"write: no space left on device"}) {
			t.Errorf("told %q", told)
		}
	})
}

func TestSettle(t *testing.T) {
	second := func(n int) *time.Duration { return new(time.Duration(n) * time.Second) }
	c := Config{}
	c.EnsureDefaults()
	c.WaitBounds = Wait{Min: second(2), Max: second(60)}
	for _, test := range []struct {
		job         Wait
		least, most int
	}{
		{Wait{}, 5, 60},
		{Wait{Min: second(0)}, 2, 60},
		{Wait{Min: second(100), Max: second(200)}, 60, 60},
		{Wait{Min: second(3), Max: second(4)}, 3, 4},
		{Wait{Min: second(0), Max: second(1)}, 2, 2},
	} {
		least, most := c.settle(test.job)
		if least != *second(test.least) || most != *second(test.most) {
			t.Errorf("%v to %v, want %ds to %ds", least, most, test.least, test.most)
		}
	}
}

// TestBackoff checks the time between queries that fail; a longest time of 0 is none.
func TestBackoff(t *testing.T) {
	for most, want := range map[time.Duration][]time.Duration{
		3 * time.Second: {time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second},
		0:               {time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second},
	} {
		c := &Config{NomadRetry: Retry{Backoff: new(time.Second), MaxBackoff: new(most)}}
		c.EnsureDefaults()
		m := &Manager{cfg: Task{Client: c}}
		for i, d := range want {
			if got := m.backoff(i + 1); got != d {
				t.Errorf("after %d failures with %s at most: %s, want %s", i+1, most, got, d)
			}
		}
	}
}
