// SPDX-License-Identifier: MPL-2.0

package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

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
	// changed are templates that changed while the task was being started, rendered is what all have rendered then.
	changed  []*api.Template
	rendered []string
	// told counts the changes that were told to the running task, heard those that it has heard of.
	told, heard int
}

// templateHook is the name of the hook, under which is kept what the task has heard of its templates.
const templateHook = "template"

type (
	templateMsg struct {
		changed  []*api.Template
		rendered []string
	}
	// templateHeardMsg says that the task has heard of the changes up to a number.
	templateHeardMsg struct {
		manager  *template.Manager
		number   int
		rendered []string
	}
	templateFailedMsg struct {
		manager *template.Manager
		err     error
	}
)

// templatesHook renders the templates of the task.
func (r *Runner) templatesHook() hook {
	return hook{
		name: templateHook, start: r.renderTemplates,
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
	t.changed, t.env, t.heard = nil, manager.Env(), t.told
	r.templatesHeard(manager.Rendered())
	return r.buildEnv()
}

// templatesHeard stores what the task has heard of its templates, or will when it starts, so that the next agent tells it
// the rest.
func (r *Runner) templatesHeard(rendered []string) {
	text := strings.Join(rendered, " ")
	if r.memory[templateHook] == text {
		return
	}
	r.memory[templateHook] = text
	r.keepMemory()
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
		Templates: r.task.Templates, Dir: r.dir, Task: r.name, Seen: r.seen, Env: env.All(), Replace: env.Replace,
		Running: running, Heard: strings.Fields(r.memory[templateHook]),
		Missing: func(keys []string) { r.Event(NewEvent(api.TaskEventTemplate, missingText(keys))) },
		Changed: func(changed []*api.Template, rendered []string) { r.box.Put(templateMsg{changed, rendered}) },
		Unwritten: func(err error) {
			r.Event(NewEvent(api.TaskEventTemplate, "Template is not written, trying again: "+err.Error()))
		},
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
		r.templatesChanged(templateMsg{changed, t.rendered})
	}
	if !fresh {
		return
	}
	for _, tpl := range r.task.Templates {
		if tpl.ChangeMode == api.ChangeRun && tpl.ChangeScript != nil && tpl.ChangeScript.RunOnFirstRender && !slices.Contains(changed, tpl) {
			r.runScript(&sync.WaitGroup{}, tpl)
		}
	}
}

// templatesChanged does what the templates ask for: one restart, or else each signal once and all scripts. The task has
// heard of the change when that is done.
func (r *Runner) templatesChanged(m templateMsg) {
	switch {
	case r.kill != nil || r.again != nil || r.reset != nil:
		return
	case !r.running:
		r.templates.changed = append(r.templates.changed, m.changed...)
		r.templates.rendered = m.rendered
		return
	}
	var signals []string
	for _, tpl := range m.changed {
		switch tpl.ChangeMode {
		case api.ChangeRestart:
			r.planRestart(restartMsg{event: RestartSignaled("Template with change_mode restart re-rendered"), reply: make(chan error, 1)})
			return
		case api.ChangeSignal:
			signals = append(signals, tpl.ChangeSignal)
		}
	}
	var telling sync.WaitGroup
	slices.Sort(signals)
	for _, signal := range slices.Compact(signals) {
		r.signalForTemplate(&telling, signal)
	}
	for _, tpl := range m.changed {
		if tpl.ChangeMode == api.ChangeRun {
			r.runScript(&telling, tpl)
		}
	}
	t := &r.templates
	t.told++
	heard := templateHeardMsg{t.manager, t.told, m.rendered}
	go func() {
		telling.Wait()
		r.box.Put(heard)
	}()
}

func (r *Runner) signalForTemplate(telling *sync.WaitGroup, signal string) {
	driver, id := r.Driver()
	if driver == nil {
		return
	}
	event := NewEvent(api.TaskEventSignaling, "Template re-rendered")
	event.TaskSignal, event.TaskSignalReason = signal, "Template re-rendered"
	event.Details["task_signal"], event.Details["task_signal_reason"] = signal, "Template re-rendered"
	r.emit(event)
	telling.Go(func() {
		if err := driver.SignalTask(context.Background(), id, signal); err != nil && !gone(err) {
			r.Abort(templateFailedEvent(fmt.Errorf("send signal %s: %w", signal, err)))
		}
	})
}

// runScript runs the change script of a template inside the task.
func (r *Runner) runScript(telling *sync.WaitGroup, tpl *api.Template) {
	driver, _ := r.Driver()
	script := tpl.ChangeScript
	if driver == nil || script == nil {
		return
	}
	command := append([]string{r.env.Replace(script.Command)}, r.env.ReplaceAll(script.Args)...)
	telling.Go(func() {
		what := fmt.Sprintf("script %s with arguments: %v", command[0], command[1:])
		err := scriptError(r.Command(context.Background(), command, script.Timeout))
		if err == nil {
			r.Event(messageEvent(api.TaskEventHookMessage, "Template successfully ran "+what))
			return
		}
		err = fmt.Errorf("Template failed to run %s: %w", what, err) //nolint:staticcheck // text of events
		if script.FailOnError {
			r.Abort(templateScriptEvent(err))
			return
		}
		r.Event(messageEvent(api.TaskEventHookFailed, err.Error()))
	})
}

// scriptError says why a change script has failed, nil if it has not. Most drivers give all that it said as its output.
func scriptError(result *drivers.ExecResult, err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("it did not end within its timeout")
	case err != nil:
		return err
	case result.Exit.ExitCode != 0:
		said := cmp.Or(firstLine(result.Stderr), firstLine(result.Stdout))
		return fmt.Errorf("Exit Code: %d%s", result.Exit.ExitCode, said) //nolint:staticcheck // text of events
	}
	return nil
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
	e := failing(NewEvent(api.TaskEventKilling, err.Error()))
	e.KillReason, e.Details["kill_reason"] = err.Error(), err.Error()
	return e
}
