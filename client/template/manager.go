// SPDX-License-Identifier: MPL-2.0

package template

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
)

// Task is the task whose templates a Manager renders. All of it belongs to the Manager once it has been made.
type Task struct {
	// Client is the configuration of the client, with its defaults.
	Client *Config
	Logger hclog.Logger
	// Servers answer queries for services.
	Servers                  api.Caller
	Region, Namespace, Token string

	Templates []*api.Template
	Dir       *allocdir.Dir
	Task      string
	// Seen are the directories of the task as it sees them.
	Seen allocdir.Seen
	// Env is the environment that templates see, Replace interpolates paths.
	Env     map[string]string
	Replace func(string) string
	// Running says that the task runs already, as after a restart of the agent: what changes with the first
	// rendering is a change then.
	Running bool
	// Heard is what the templates had rendered when the task that runs was last told of it, as Rendered returns it: what
	// differs is a change, even if the file is as it should be because an agent died between. Nil if that is not known.
	Heard []string

	// Missing is told, now and then, what the first rendering waits for. Changed is told which templates have
	// changed, once at a time, after their splay, and what all have rendered. Unwritten is told why the new contents of a file
	// have to wait. Failed is told why nothing is rendered any more, at most once and only after the first rendering. They must
	// not block.
	Missing   func(keys []string)
	Changed   func(changed []*api.Template, rendered []string)
	Unwritten func(err error)
	Failed    func(err error)
}

// Manager renders the templates of a task and keeps them up to date until it is stopped.
type Manager struct {
	cfg  Task
	list []*rendering
	stop context.CancelFunc
	done chan struct{}
	// ready is closed when everything was rendered once, or cannot be.
	ready chan struct{}
	inbox chan news

	// The rest up to mu belongs to the goroutine.

	sources map[string]*source
	// used and missing are what the template that is being rendered asks for.
	used, missing map[string]bool
	// mistaken says that it has used what this agent does not have.
	mistaken bool
	// guard bounds the template that is being rendered, longest its time; scratch is what it notes.
	guard   *guard
	longest time.Duration
	scratch *scratch
	// pending are the templates whose changes have not been told, since when the splay runs.
	pending map[*rendering]bool
	splay   *time.Timer
	// told is the last thing said to be missing.
	told string

	mu struct {
		sync.Mutex
		err      error
		env      map[string]string
		rendered []string
	}
}

// errStopped is why templates are not ready whose manager was stopped.
var errStopped = errors.New("the rendering of templates was stopped")

// Start begins to render. The errors of templates come with Ready.
func Start(ctx context.Context, cfg Task) *Manager {
	ctx, cancel := context.WithCancel(ctx)
	m := newManager(cancel, cfg)
	go m.run(ctx)
	return m
}

func newManager(stop context.CancelFunc, cfg Task) *Manager {
	return &Manager{
		cfg: cfg, stop: stop, done: make(chan struct{}), ready: make(chan struct{}), inbox: make(chan news),
		sources: map[string]*source{}, pending: map[*rendering]bool{}, guard: &guard{}, longest: maxTime,
	}
}

// Stop ends the rendering; it does not wait until a template that is being executed has noticed.
func (m *Manager) Stop() { m.stop() }

// Ready waits until all templates were rendered once, and returns why that cannot be. A *Error says that it is
// the fault of a template.
func (m *Manager) Ready(ctx context.Context) error {
	select {
	case <-m.ready:
	case <-m.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-m.ready:
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.mu.err
	default:
		return errStopped
	}
}

// Env returns the variables of the templates that are environments, as they were rendered last.
func (m *Manager) Env() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.mu.env)
}

// Rendered returns what the templates have rendered last, in their order, as digests.
func (m *Manager) Rendered() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mu.rendered)
}

// Error is a mistake in a template, or data that cannot be had.
type Error struct {
	err error
	// Again says that another try may help.
	Again bool
}

// Error implements error.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns what is behind the error.
func (e *Error) Unwrap() error { return e.err }

// missingInterval is how often missing data may be told.
const missingInterval = 3 * time.Second

func (m *Manager) run(ctx context.Context) {
	defer close(m.done)
	defer m.stop()
	err := m.load()
	if err == nil {
		err = m.loop(ctx)
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	m.mu.Lock()
	m.mu.err = err
	m.mu.Unlock()
	select {
	case <-m.ready:
		m.cfg.Failed(err)
	default:
		close(m.ready)
	}
}

// loop renders until the context ends or a template fails.
func (m *Manager) loop(ctx context.Context) error {
	first := true
	tell := time.NewTimer(missingInterval)
	defer tell.Stop()
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	defer func() {
		if m.splay != nil {
			m.splay.Stop()
		}
	}()
	for {
		next, waiting, err := m.pass(ctx, first)
		if err != nil {
			return err
		}
		if first && len(waiting) == 0 {
			first = false
			close(m.ready)
		}
		m.startSplay()
		due.Reset(next)
		var splay <-chan time.Time
		if m.splay != nil {
			splay = m.splay.C
		}
		select {
		case n := <-m.inbox:
			if err := m.receive(n); err != nil {
				return err
			}
		case <-tell.C:
			if first {
				m.tell(waiting)
				tell.Reset(missingInterval)
			}
		case <-splay:
			m.report()
		case <-due.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tell reports what is missing, unless it was reported before.
func (m *Manager) tell(waiting map[string]bool) {
	keys := slices.Sorted(maps.Keys(waiting))
	if text := strings.Join(keys, ","); text != m.told {
		m.told = text
		m.cfg.Missing(keys)
	}
}

// receive takes what a source has to say.
func (m *Manager) receive(n news) error {
	s := m.sources[n.key]
	if s == nil {
		return nil
	}
	if n.err != nil {
		if n.final {
			return &Error{err: fmt.Errorf("%s: %w", n.key, n.err), Again: !isFinal(n.err)}
		}
		m.cfg.Logger.Warn("data of a template cannot be had, trying again", "source", n.key, "error", n.err)
		return nil
	}
	s.known, s.value = true, n.value
	now := time.Now()
	for _, r := range m.list {
		if r.uses[n.key] {
			r.changed(now)
		}
	}
	return nil
}

// pass renders what is to be rendered now. It returns when the next pass is due at the latest, and what
// the first rendering waits for.
func (m *Manager) pass(ctx context.Context, first bool) (next time.Duration, waiting map[string]bool, err error) {
	now := time.Now()
	next, waiting = time.Hour, map[string]bool{}
	for _, r := range m.list {
		if !r.dirty {
			continue
		}
		if wait := r.due(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		if err := m.render(ctx, r, first); err != nil {
			return 0, nil, err
		}
		if r.dirty { // its disk is full
			next = min(next, r.due(now))
		}
	}
	for _, r := range m.list {
		if !r.rendered {
			maps.Copy(waiting, r.missing)
		}
	}
	m.settleSources(ctx)
	return next, waiting, nil
}

// settleSources starts the sources that are used now and stops those that are not.
func (m *Manager) settleSources(ctx context.Context) {
	wanted := map[string]bool{}
	for _, r := range m.list {
		if !r.finished {
			maps.Copy(wanted, r.uses)
		}
	}
	for key, s := range m.sources {
		switch {
		case !wanted[key]:
			if s.stop != nil {
				s.stop()
			}
			delete(m.sources, key)
		case s.stop == nil:
			var sctx context.Context
			sctx, s.stop = context.WithCancel(ctx)
			go m.follow(sctx, key, s.fetch)
		}
	}
}

// startSplay begins the random delay before changes are told.
func (m *Manager) startSplay() {
	if len(m.pending) == 0 || m.splay != nil {
		return
	}
	longest := time.Duration(0)
	for r := range m.pending {
		longest = max(longest, api.Or(r.conf.Splay, 0))
	}
	delay := time.Duration(0)
	if longest > 0 {
		delay = rand.N(longest)
	}
	m.splay = time.NewTimer(delay)
}

// report tells of the changes.
func (m *Manager) report() {
	m.splay = nil
	var changed []*api.Template
	for _, r := range m.list {
		if m.pending[r] {
			changed = append(changed, r.conf)
		}
	}
	clear(m.pending)
	m.cfg.Changed(changed, m.Rendered())
}

// load reads the templates.
func (m *Manager) load() error {
	for i, t := range m.cfg.Templates {
		r, err := m.newRendering(t)
		if err != nil {
			return &Error{err: fmt.Errorf("template %d (%s): %w", i+1, t.DestPath, err)}
		}
		if len(m.cfg.Heard) == len(m.cfg.Templates) {
			r.heard = m.cfg.Heard[i]
		}
		m.list = append(m.list, r)
	}
	return nil
}
