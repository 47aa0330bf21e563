// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// eager has changes of templates rendered at once.
const eager = `
client {
  template {
    wait {
      min = "0s"
      max = "0s"
    }
  }
}
`

func inline(text, dest, mode string) *nomad.Template {
	splay := time.Duration(0)
	return &nomad.Template{EmbeddedTmpl: &text, DestPath: &dest, ChangeMode: &mode, Splay: &splay}
}

// state waits until the events of the only task are as wanted, and returns the state.
func (a *agent) state(alloc, what string, ok func(*nomad.TaskState) bool) *nomad.TaskState {
	a.t.Helper()
	var state *nomad.TaskState
	a.eventually(what, func() error {
		full, _, err := a.client.Allocations().Info(alloc, nil)
		if err != nil {
			return err
		}
		if state = full.TaskStates["main"]; state == nil || !ok(state) {
			return fmt.Errorf("the state is %s", events(state))
		}
		return nil
	})
	return state
}

func events(s *nomad.TaskState) string {
	if s == nil {
		return "unknown"
	}
	lines := []string{s.State}
	for _, e := range s.Events {
		lines = append(lines, e.Type+": "+e.DisplayMessage)
	}
	return strings.Join(lines, "\n")
}

func TestArtifactsAndTemplates(t *testing.T) {
	files := map[string]string{"/conf.tpl": `conf of {{ env "NOMAD_ALLOC_NAME" }}`, "/color": "red", "/signal": "s1", "/script": "c1"}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := files[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(site.Close)
	a := newAgent(t, false, eager).start()
	job := shellJob("tpl", "service", 1, `trap 'echo signal $(cat local/signalled)' HUP; echo $(cat local/conf) is $COLOR; while :; do sleep 0.05; done`)
	task := job.TaskGroups[0].Tasks[0]
	for name := range files {
		source := site.URL + name
		task.Artifacts = append(task.Artifacts, &nomad.TaskArtifact{GetterSource: &source})
	}
	source := "${NOMAD_TASK_DIR}/conf.tpl"
	conf := inline("", "local/conf", "noop")
	conf.EmbeddedTmpl, conf.SourcePath = nil, &source
	env := inline(`COLOR={{ file "local/color" }}`, "${NOMAD_SECRETS_DIR}/env", "restart")
	isEnv := true
	env.Envvars = &isEnv
	sig := inline(`{{ file "local/signal" }}`, "local/signalled", "signal")
	hup := "SIGHUP"
	sig.ChangeSignal = &hup
	script := inline(`{{ file "local/script" }}`, "local/scripted", "script")
	command := "/bin/sh"
	script.ChangeScript = &nomad.ChangeScript{Command: &command, Args: []string{"-c", "cat ${NOMAD_TASK_DIR}/scripted >> ${NOMAD_TASK_DIR}/ran"}}
	task.Templates = []*nomad.Template{conf, env, sig, script}
	a.register(job)
	stub := a.running("tpl", 1)[0]
	// The file is read instead of the API, which counts connections: changes take a while.
	log := filepath.Join(a.dir, "data", "alloc", stub.ID, "alloc", "logs", "main.stdout.0")
	logged := func(want string) {
		t.Helper()
		a.eventually("the log has "+want, func() error {
			got, err := os.ReadFile(log)
			if err == nil && !strings.Contains(string(got), want) {
				err = fmt.Errorf("the log is %q", got)
			}
			return err
		})
	}
	local := filepath.Join(a.dir, "data", "alloc", stub.ID, "main", "local")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(local, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	logged("conf of tpl.g[0] is red")

	// The next agent renders the same and leaves the task alone.
	a.kill()
	a.start()
	write("signal", "s22")
	logged("signal s22")
	a.state(stub.ID, "the task was not restarted", func(s *nomad.TaskState) bool { return s.Restarts == 0 && s.State == "running" })

	write("script", "c22")
	a.eventually("the script has run", func() error {
		data, err := os.ReadFile(filepath.Join(local, "ran"))
		if err == nil && string(data) != "c22" {
			err = fmt.Errorf("it wrote %q", data)
		}
		return err
	})
	write("color", "blue")
	logged("conf of tpl.g[0] is blue")
	a.state(stub.ID, "the events tell", func(s *nomad.TaskState) bool {
		text := events(s)
		return s.Restarts == 1 && strings.Contains(text, "Signaling: Template re-rendered") && strings.Contains(text, "Template successfully ran script") &&
			strings.Contains(text, "Restart Signaled: Template with change_mode restart re-rendered")
	})
}

// TestMistakesInArtifactsAndTemplates ends tasks that cannot be prepared, with the reason.
func TestMistakesInArtifactsAndTemplates(t *testing.T) {
	site := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(site.Close)
	a := newAgent(t, true, "").start()
	attempts, unlimited := 0, false
	for id, test := range map[string]struct {
		source, template string
		want             string
	}{
		"missing": {source: site.URL + "/none?token=secret", want: `Failed Artifact Download: failed to download artifact "` + site.URL + `/none": bad response code: 404`},
		"node":    {source: "file:///etc/passwd", want: "files of the node cannot be artifacts"},
		"syntax":  {template: "{{ nope }}", want: `Killing: Template failed: local/x: parse: template: :1: function "nope" not defined`},
		"consul":  {template: `{{ key "a" }}`, want: "Consul is not supported"},
	} {
		job := shellJob(id, "batch", 1, "true")
		job.TaskGroups[0].RestartPolicy = &nomad.RestartPolicy{Attempts: &attempts}
		job.TaskGroups[0].ReschedulePolicy = &nomad.ReschedulePolicy{Attempts: &attempts, Unlimited: &unlimited}
		task := job.TaskGroups[0].Tasks[0]
		if test.source != "" {
			task.Artifacts = []*nomad.TaskArtifact{{GetterSource: &test.source}}
		} else {
			task.Templates = []*nomad.Template{inline(test.template, "local/x", "noop")}
		}
		a.register(job)
		var alloc string
		a.eventually("the allocation failed", func() error {
			list, _, err := a.client.Jobs().Allocations(id, true, nil)
			if err != nil || len(list) == 0 || list[0].ClientStatus != "failed" {
				return fmt.Errorf("%d allocations, %v", len(list), err)
			}
			alloc = list[0].ID
			return nil
		})
		s := a.state(alloc, "the task failed", func(s *nomad.TaskState) bool { return s.Failed })
		if text := events(s); !strings.Contains(text, test.want) || strings.Contains(text, "token=secret") {
			t.Errorf("%s: %s", id, text)
		}
	}
}

// TestStalledArtifact stops a job whose download does not go on.
func TestStalledArtifact(t *testing.T) {
	reached, gone := make(chan struct{}, 10), make(chan struct{}, 10)
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
	}))
	t.Cleanup(site.Close)
	a := newAgent(t, false, "").start()
	job := shellJob("stall", "service", 1, "true")
	source := site.URL + "/big"
	job.TaskGroups[0].Tasks[0].Artifacts = []*nomad.TaskArtifact{{GetterSource: &source}}
	a.register(job)
	wait := func(what string, ch chan struct{}) {
		t.Helper()
		select {
		case <-ch:
		case <-time.After(patience):
			t.Fatal(what)
		}
	}
	wait("nothing was asked for", reached)
	// The download does not outlive its agent, and the next one begins anew.
	a.kill()
	wait("the download outlived its agent", gone)
	a.start()
	wait("the download was not begun anew", reached)
	if _, _, err := a.client.Jobs().Deregister("stall", false, nil); err != nil {
		t.Fatal(err)
	}
	wait("the download outlived its task", gone)
	a.eventually("the allocation is complete", func() error {
		list, _, err := a.client.Jobs().Allocations("stall", true, nil)
		if err != nil || len(list) != 1 || list[0].ClientStatus != "complete" {
			return fmt.Errorf("allocations are %+v, %v", list, err)
		}
		return nil
	})
}
