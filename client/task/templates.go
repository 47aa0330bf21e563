// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/template"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Templates is what the templates of tasks need of the client.
type Templates struct {
	// Config must have its defaults.
	Config *template.Config
	// Servers answer queries of templates, for the node with the secret.
	Servers api.Caller
	Secret  string
}

// templating is the rendering of the templates of a task.
type templating struct {
	manager *template.Manager
	// fresh says that the task was not started yet since the first rendering.
	fresh bool
	// env are the variables that the task was started with.
	env map[string]string
	// changed are templates that changed while the task was being started.
	changed []*api.Template
}

type (
	templateMsg       struct{ changed []*api.Template }
	templateFailedMsg struct {
		manager *template.Manager
		err     error
	}
)

// templateHook renders the templates of the task.
func (r *Runner) templateHook() hook {
	return hook{
		name: "template", start: r.renderTemplates,
		restore: func(ctx context.Context) error {
			if len(r.task.Templates) == 0 {
				return nil
			}
			if err := r.buildEnv(); err != nil {
				return err
			}
			// The task runs: it does not wait for its templates.
			r.startTemplates(ctx, true)
			return nil
		},
		running: func() error {
			r.templatesRunning()
			return nil
		},
		stop: func(context.Context) error {
			r.stopTemplates()
			return nil
		},
	}
}

// renderTemplates waits until all templates were rendered, and adds their variables to the environment.
func (r *Runner) renderTemplates(ctx context.Context) error {
	t := &r.templates
	t.changed = nil
	if len(r.task.Templates) == 0 {
		r.stopTemplates()
		return nil
	}
	if t.manager != nil && r.rendersAgain() {
		r.stopTemplates()
	}
	if t.manager == nil {
		r.startTemplates(ctx, false)
		t.fresh = true
	}
	manager := t.manager
	err := r.beside(ctx, atOnce, manager.Ready)
	switch {
	case r.kill != nil || ctx.Err() != nil:
		return errKilled
	case err != nil:
		r.stopTemplates()
		r.emit(templateFailedEvent(err))
		var failed *template.Error
		return &reportedError{drivers.NewRecoverableError(err, errors.As(err, &failed) && failed.Again)}
	}
	// What has changed meanwhile is in there.
	t.changed, t.env = nil, manager.Env()
	return r.buildEnv()
}

// rendersAgain reports whether the job wants templates rendered anew at each restart.
func (r *Runner) rendersAgain() bool {
	policy := r.task.RestartPolicy
	if policy == nil {
		if g := r.alloc.Group(); g != nil {
			policy = g.RestartPolicy
		}
	}
	return policy != nil && api.Or(policy.RenderTemplates, false)
}

func (r *Runner) startTemplates(ctx context.Context, running bool) {
	env := r.env
	var manager *template.Manager
	made := make(chan struct{})
	manager = template.Start(ctx, template.Task{
		Client: r.deps.Templates.Config, Logger: r.logger, Servers: r.deps.Templates.Servers, Token: r.deps.Templates.Secret,
		Region: r.deps.Node().Region, Namespace: r.alloc.Namespace,
		Templates: r.task.Templates, Dir: r.dir, Task: r.name, Seen: r.seen, Env: env.All(), Replace: env.Replace, Running: running,
		Missing: func(keys []string) { r.Event(NewEvent(EventTemplate, missingText(keys))) },
		Changed: func(changed []*api.Template) { r.box.Put(templateMsg{changed}) },
		Failed: func(err error) {
			<-made
			r.box.Put(templateFailedMsg{manager, err})
		},
	})
	close(made)
	r.templates = templating{manager: manager}
}

func (r *Runner) stopTemplates() {
	if m := r.templates.manager; m != nil {
		m.Stop()
	}
	r.templates = templating{}
}

// templatesRunning does what was waiting for the task to run.
func (r *Runner) templatesRunning() {
	t := &r.templates
	if t.manager == nil {
		return
	}
	changed, fresh := t.changed, t.fresh
	t.changed, t.fresh = nil, false
	if len(changed) > 0 {
		r.templatesChanged(changed)
	}
	if !fresh {
		return
	}
	for _, tpl := range r.task.Templates {
		if tpl.ChangeMode == api.ChangeRun && tpl.ChangeScript != nil && tpl.ChangeScript.RunOnFirstRender && !slices.Contains(changed, tpl) {
			r.runScript(tpl)
		}
	}
}

// templatesChanged does what the templates ask for: one restart, or else each signal once and all scripts.
func (r *Runner) templatesChanged(changed []*api.Template) {
	switch {
	case r.kill != nil || r.again != nil || r.reset != nil:
		return
	case !r.running:
		r.templates.changed = append(r.templates.changed, changed...)
		return
	}
	var signals []string
	for _, tpl := range changed {
		switch tpl.ChangeMode {
		case api.ChangeRestart:
			event := RestartSignaled("Template with change_mode restart re-rendered")
			r.again = &restartMsg{event: event, reply: make(chan error, 1)}
			r.emit(event)
			return
		case api.ChangeSignal:
			signals = append(signals, tpl.ChangeSignal)
		}
	}
	slices.Sort(signals)
	for _, signal := range slices.Compact(signals) {
		r.signalForTemplate(signal)
	}
	for _, tpl := range changed {
		if tpl.ChangeMode == api.ChangeRun {
			r.runScript(tpl)
		}
	}
}

func (r *Runner) signalForTemplate(signal string) {
	driver, id := r.Driver()
	if driver == nil {
		return
	}
	event := NewEvent(EventSignaling, "Template re-rendered")
	event.TaskSignal, event.TaskSignalReason = signal, "Template re-rendered"
	event.Details["task_signal"], event.Details["task_signal_reason"] = signal, "Template re-rendered"
	r.emit(event)
	go func() {
		if err := driver.SignalTask(context.Background(), id, signal); err != nil && !gone(err) {
			r.Abort(templateFailedEvent(fmt.Errorf("send signal %s: %w", signal, err)))
		}
	}()
}

// runScript runs the change script of a template inside the task.
func (r *Runner) runScript(tpl *api.Template) {
	driver, id := r.Driver()
	script := tpl.ChangeScript
	if driver == nil || script == nil {
		return
	}
	command := append([]string{r.env.Replace(script.Command)}, r.env.ReplaceAll(script.Args)...)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), script.Timeout+settleWait)
		defer cancel()
		what := fmt.Sprintf("script %s with arguments: %v", command[0], command[1:])
		result, err := driver.ExecTask(ctx, id, command, script.Timeout)
		if err == nil && result != nil && result.Exit != nil {
			if err = result.Exit.Err; err == nil && result.Exit.ExitCode != 0 {
				err = fmt.Errorf("Exit Code: %d%s", result.Exit.ExitCode, firstLine(result.Stderr)) //nolint:staticcheck // text of events
			}
		}
		if err == nil {
			r.Event(messageEvent(EventHookMessage, "Template successfully ran "+what))
			return
		}
		err = fmt.Errorf("Template failed to run %s: %w", what, err) //nolint:staticcheck // text of events
		if script.FailOnError {
			r.Abort(templateScriptEvent(err))
			return
		}
		r.Event(messageEvent(EventHookFailed, err.Error()))
	}()
}

// firstLine is the beginning of what a script said, for texts.
func firstLine(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if line == "" {
		return ""
	}
	const most = 200
	return ": " + line[:min(len(line), most)]
}

// maxMissing is how many pieces of missing data are named.
const maxMissing = 3

func missingText(keys []string) string {
	if n := len(keys) - maxMissing; n > 0 {
		return fmt.Sprintf("Missing: %s, and %d more", strings.Join(keys[:maxMissing], ", "), n)
	}
	return "Missing: " + strings.Join(keys, ", ")
}

func templateFailedEvent(err error) *api.TaskEvent {
	return templateScriptEvent(errors.New(template.Describe(err)))
}

// templateScriptEvent says why templates end the task.
func templateScriptEvent(err error) *api.TaskEvent {
	e := failing(NewEvent(EventKilling, err.Error()))
	e.KillReason, e.Details["kill_reason"] = err.Error(), err.Error()
	return e
}
