// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/client/mailbox"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/client/taskenv"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Runner runs one task. Run is its goroutine; the other methods may be called from anywhere.
type Runner struct {
	deps    *Deps
	logger  hclog.Logger
	allocID string
	name    string
	dir     *allocdir.Dir
	changed func()
	box     *mailbox.Box[any]
	done    chan struct{}
	// settled is closed once it is known whether the task runs still.
	settled chan struct{}

	// The rest up to mu belongs to the goroutine.

	alloc *api.Allocation
	// isolation and network are as in Config.
	isolation *drivers.NetworkIsolationSpec
	network   *api.AllocNetworkStatus
	// joinNetwork is asked for both before each attempt but the first of a new task.
	joinNetwork func(context.Context) (*drivers.NetworkIsolationSpec, *api.AllocNetworkStatus, error)
	attempts    int
	task        *api.Task
	state       *api.TaskState
	policy      *policy
	hooks       []hook
	// memory is what hooks and the runner keep over restarts of the agent.
	memory   map[string]string
	restored *statedb.TaskRecord

	// open says that the task may start; contacted that a server was reached.
	open, contacted bool
	// kill, reset and again are requests that are being dealt with.
	kill  *killMsg
	reset *resetMsg
	again *restartMsg
	// running is set while there is a process that can be signalled or restarted.
	running bool
	// killErr is why the process could not be stopped.
	killErr error
	// exit is how the process ended, until it is decided what follows.
	exit *statedb.TaskExit

	// Of the current attempt:
	env  *taskenv.Env
	seen allocdir.Seen
	// templates is the rendering of templates, which lives on from one attempt to the next.
	templates templating
	caps      *drivers.Capabilities
	// foreign says that the driver is not of the agent: its tasks may write to the pipes themselves.
	foreign bool
	output  struct{ stdout, stderr string }
	cgroup  string
	mounts  []*drivers.Mount
	// reserved is what device plugins give the task.
	reserved reserved
	ports    map[string]int

	mu struct {
		sync.Mutex
		// snapshot is what others see of state.
		snapshot *api.TaskState
		// handle and driver are those of the running task, nil without one.
		handle *drivers.TaskHandle
		driver drivers.Driver
		// network is what the driver said of the task's address.
		network *drivers.NetworkOverride
		usage   *usageStream
	}
}

// New returns the runner of a task; nothing happens before Run.
func New(cfg Config) (*Runner, error) {
	group := cfg.Alloc.Group()
	t := group.LookupTask(cfg.Task)
	if t == nil {
		return nil, fmt.Errorf("allocation %s has no task %q", cfg.Alloc.ID, cfg.Task)
	}
	r := &Runner{
		deps: cfg.Deps, allocID: cfg.Alloc.ID, name: cfg.Task, dir: cfg.Dir, changed: cfg.Changed, box: mailbox.New[any](), done: make(chan struct{}),
		settled: make(chan struct{}), logger: cfg.Deps.Logger.With("alloc_id", cfg.Alloc.ID, "task", cfg.Task),
		isolation: cfg.Isolation, network: cfg.Network, joinNetwork: cfg.JoinNetwork,
		alloc: cfg.Alloc, task: t, policy: newPolicy(cfg.Deps.Random), restored: cfg.Restored, memory: map[string]string{},
		state: &api.TaskState{State: api.TaskStatePending},
	}
	r.policy.configure(cfg.Alloc.Job, group, t)
	r.hooks = r.taskHooks()
	if rec := cfg.Restored; rec != nil {
		if rec.State != nil {
			s := *rec.State
			r.state = &s
		}
		maps.Copy(r.memory, rec.Hooks)
		r.attempts = 1
		r.claimUser()
	}
	r.mu.snapshot = r.copyState()
	return r, nil
}

// Name is that of the task in the job.
func (r *Runner) Name() string { return r.name }

// State returns a snapshot that never changes.
func (r *Runner) State() *api.TaskState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.snapshot
}

// Settled is closed when the task of an earlier agent was found, or is known to be gone.
func (r *Runner) Settled() <-chan struct{} { return r.settled }

// Done is closed when Run has returned.
func (r *Runner) Done() <-chan struct{} { return r.done }

// Driver returns the driver of the running task and the task's ID there, nil when it does not run.
func (r *Runner) Driver() (drivers.Driver, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.handle == nil || r.mu.driver == nil {
		return nil, ""
	}
	return r.mu.driver, r.mu.handle.Config.ID
}

// Command runs a command beside the task and returns its output and exit, which is never nil without an error. It fails
// when the task does not run or the command did not end in time, with context.DeadlineExceeded.
func (r *Runner) Command(ctx context.Context, command []string, timeout time.Duration) (*drivers.ExecResult, error) {
	driver, id := r.Driver()
	if driver == nil {
		return nil, fmt.Errorf("task %q is not running", r.name)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout+settleWait)
	defer cancel()
	result, err := driver.ExecTask(ctx, id, command, timeout)
	switch {
	case err != nil:
		return nil, err
	case result == nil || result.Exit == nil:
		return nil, errors.New("the driver did not say how the command ended")
	case result.Exit.Err != nil:
		return nil, result.Exit.Err
	}
	return result, nil
}

// Run runs the task until the context ends. The end of the context leaves a running task running; Kill
// ends it. A task that has ended stays with the runner, because it can be reset.
func (r *Runner) Run(ctx context.Context) {
	defer close(r.done)
	if len(r.state.Events) == 0 && r.state.State != api.TaskStateDead {
		r.emit(receivedEvent()) // the last agent may have ended before it came to that
	}
	found := r.state.State != api.TaskStateDead && r.restored != nil && r.restore(ctx)
	if ctx.Err() == nil {
		r.settle()
	}
	if found {
		r.attend(ctx)
	}
	for ctx.Err() == nil {
		switch {
		case r.state.State == api.TaskStateDead:
			r.idle(ctx, func() bool { return r.state.State != api.TaskStateDead })
		case r.kill != nil:
			r.finish(ctx, false)
		case !r.open:
			r.idle(ctx, func() bool { return r.open || r.kill != nil })
		default:
			r.attempt(ctx)
		}
	}
}

// settle says that what came of the earlier agent's task is known.
func (r *Runner) settle() {
	select {
	case <-r.settled:
	default:
		close(r.settled)
	}
}

// attempt prepares and starts the task once, waits for its end, and decides what follows.
func (r *Runner) attempt(ctx context.Context) {
	switch err := r.prepareAndStart(ctx); {
	case ctx.Err() != nil:
	case r.kill != nil && err != nil:
		r.clearAttempt(ctx)
		r.finish(ctx, false)
	case err != nil:
		r.logger.Error("task did not start", "error", err)
		r.clearAttempt(ctx)
		r.decide(ctx, outcome{recoverable: drivers.IsRecoverable(err)})
	default:
		r.attend(ctx)
	}
}

// attend waits for the end of the running task and decides what follows.
func (r *Runner) attend(ctx context.Context) {
	res, ended := r.wait(ctx)
	if !ended {
		return // the agent stops; the task goes on
	}
	r.running = false
	r.keepExit(ctx, res)
	r.emit(terminatedEvent(res))
	r.clearAttempt(ctx)
	defer r.forgetExit()
	requested, unhealthy := false, false
	if r.again != nil {
		requested, unhealthy = !r.again.failure, r.again.failure
		r.again.reply <- nil
		r.again = nil
	}
	if r.kill != nil {
		r.finish(ctx, false)
		return
	}
	r.killErr = nil
	if r.reset != nil {
		requested, r.reset, r.open = true, nil, false
	}
	r.decide(ctx, outcome{succeeded: res.Successful() && !unhealthy, recoverable: true, requested: requested})
}

// keepExit writes down how the task ended before its driver forgets it: an agent that is killed from here on does
// not run the task once more.
func (r *Runner) keepExit(ctx context.Context, res *drivers.ExitResult) {
	r.mu.Lock()
	handle, network := r.mu.handle, r.mu.network
	r.mu.Unlock()
	r.exit = statedb.NewTaskExit(res)
	r.putHandle(&statedb.TaskHandle{Handle: handle, Network: network, Exit: r.exit})
	wait, cancel := context.WithTimeout(ctx, syncWait)
	defer cancel()
	if err := r.deps.State.Sync(wait); err != nil && ctx.Err() == nil {
		r.logger.Warn("task is cleared away although its end is not on disk yet", "error", err)
	}
}

// forgetExit is called once it is stored what follows from the end of the task.
func (r *Runner) forgetExit() {
	r.exit = nil
	if r.state.State != api.TaskStateRunning {
		r.putHandle(&statedb.TaskHandle{})
	}
}

// decide applies the restart policy.
func (r *Runner) decide(ctx context.Context, o outcome) {
	what, delay, reason := r.policy.next(o, time.Now())
	switch what {
	case terminated:
		r.finish(ctx, false)
	case failed:
		r.logger.Info("task is not restarted", "reason", reason)
		r.emit(notRestartingEvent(reason))
		r.finish(ctx, true)
	case restart:
		r.logger.Info("task is restarted", "reason", reason, "duration", delay)
		now := time.Now()
		r.state.State = api.TaskStatePending
		r.state.Restarts++
		r.state.LastRestart = &now
		r.emit(restartingEvent(delay, reason))
		r.pause(ctx, delay)
	}
}

// finish ends the task for good.
func (r *Runner) finish(ctx context.Context, hasFailed bool) {
	if r.kill != nil {
		hasFailed = hasFailed || r.kill.failed
		r.emit(killedEvent(r.killErr))
	}
	r.stopHooks(ctx)
	now := time.Now()
	r.kill, r.again, r.reset, r.killErr = nil, nil, nil, nil
	r.state.State, r.state.Failed, r.state.FinishedAt = api.TaskStateDead, hasFailed, &now
	r.publish()
}

// pause waits before a restart, unless the task is killed meanwhile.
func (r *Runner) pause(ctx context.Context, delay time.Duration) {
	if delay <= 0 {
		return
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	for r.kill == nil {
		select {
		case <-t.C:
			return
		case <-r.box.C():
			r.receive()
		case <-ctx.Done():
			return
		}
	}
}

// idle deals with messages until the condition holds.
func (r *Runner) idle(ctx context.Context, until func() bool) {
	for !until() {
		select {
		case <-r.box.C():
			r.receive()
		case <-ctx.Done():
			return
		}
	}
}

// When a kill ends work that it is in the way of: after that time, or not.
const (
	atOnce time.Duration = 0
	never  time.Duration = -1
)

// beside runs slow work in a goroutine of its own and deals with messages meanwhile. A kill ends its
// context after the given time, from the kill or the beginning of the work. It always waits for the work to end.
func (r *Runner) beside(ctx context.Context, after time.Duration, work func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- work(ctx) }()
	var cut *time.Timer
	for {
		if r.kill != nil && after != never && cut == nil {
			cut = time.AfterFunc(after, cancel)
			defer cut.Stop()
		}
		select {
		case err := <-result:
			return err
		case <-r.box.C():
			r.receive()
		}
	}
}

// receive deals with the messages that have come.
func (r *Runner) receive() {
	for _, m := range r.box.Take() {
		switch m := m.(type) {
		case startMsg:
			r.open = true
		case contactMsg:
			r.contacted = true
		case killMsg:
			r.receiveKill(m)
		case resetMsg:
			r.receiveReset(m)
		case restartMsg:
			if !r.running || r.kill != nil || r.again != nil || r.reset != nil {
				m.reply <- ErrNotRunning
				continue
			}
			r.planRestart(m)
		case signalMsg:
			r.receiveSignal(m)
		case updateMsg:
			r.receiveUpdate(m.alloc)
		case templateMsg:
			r.templatesChanged(m)
		case templateHeardMsg:
			if t := &r.templates; m.manager == t.manager && m.number > t.heard {
				t.heard = m.number
				r.templatesHeard(m.rendered)
			}
		case templateFailedMsg:
			if m.manager == r.templates.manager && r.kill == nil {
				r.logger.Error("templates cannot be rendered any more", "error", m.err)
				r.receiveKill(killMsg{event: templateFailedEvent(m.err), failed: true})
			}
		case eventMsg:
			r.emit(m.event)
		case slowMsg:
			if e := r.state.Events; len(e) == 0 || e[len(e)-1].Type != api.TaskEventDriver {
				r.emit(messageEvent(api.TaskEventDriver, "Driver has not started the task after "+startSlow.String()))
			}
		}
	}
}

func (r *Runner) receiveKill(m killMsg) {
	if r.state.State == api.TaskStateDead {
		return
	}
	if r.kill != nil {
		r.kill.noDelay = r.kill.noDelay || m.noDelay
		return
	}
	r.kill = &m
	if m.event != nil {
		r.emit(m.event)
	}
	r.emit(killingEvent(r.killTimeout()))
}

func (r *Runner) receiveReset(m resetMsg) {
	r.open = false
	switch {
	case r.kill != nil:
	case r.running:
		r.reset = &m
		r.notePlan(false)
		r.emit(m.event)
	case r.state.State == api.TaskStateDead:
		now := time.Now()
		r.state.State, r.state.Failed, r.state.FinishedAt = api.TaskStatePending, false, nil
		r.state.Restarts++
		r.state.LastRestart = &now
		r.emit(m.event)
		r.emit(restartingEvent(0, ""))
	}
}

func (r *Runner) receiveSignal(m signalMsg) {
	driver, id := r.Driver()
	if !r.running || driver == nil {
		m.reply <- ErrNotRunning
		return
	}
	r.emit(m.event)
	// The driver may take its time; the caller waits, this goroutine does not.
	go func() { m.reply <- driver.SignalTask(m.ctx, id, m.signal) }()
}

func (r *Runner) receiveUpdate(a *api.Allocation) {
	group := a.Group()
	t := group.LookupTask(r.name)
	if t == nil {
		r.logger.Error("new version of the allocation lacks the task; its update is ignored")
		return
	}
	r.alloc, r.task = a, t
	r.policy.configure(a.Job, group, t)
	if r.running {
		r.updateHooks()
	}
}

// emit adds an event and publishes the state.
func (r *Runner) emit(e *api.TaskEvent) {
	r.state.Events = withEvent(r.state.Events, e)
	r.publish()
}

// publish makes the present state what others see, and stores it.
func (r *Runner) publish() {
	s := r.copyState()
	if err := r.deps.State.PutTaskState(r.allocID, r.name, s); err != nil {
		r.logger.Error("state of the task cannot be stored", "error", err)
	}
	r.mu.Lock()
	r.mu.snapshot = s
	r.mu.Unlock()
	r.changed()
}

// copyState returns a copy that shares only what never changes.
func (r *Runner) copyState() *api.TaskState {
	s := *r.state
	s.Events = slices.Clone(r.state.Events)
	return &s
}

// setHandle keeps how to find the running task again; nil forgets it.
func (r *Runner) setHandle(driver drivers.Driver, h *drivers.TaskHandle, network *drivers.NetworkOverride) {
	r.holdHandle(driver, h, network)
	r.putHandle(&statedb.TaskHandle{Handle: h, Network: network, Exit: r.exit})
}

// holdHandle is setHandle for what is stored already.
func (r *Runner) holdHandle(driver drivers.Driver, h *drivers.TaskHandle, network *drivers.NetworkOverride) {
	r.mu.Lock()
	r.mu.driver, r.mu.handle, r.mu.network = driver, h, network
	usage := r.mu.usage
	r.mu.usage = nil
	r.mu.Unlock()
	if usage != nil {
		usage.stop()
	}
	r.ports = nil
	if network != nil {
		r.ports = network.PortMap
	}
}

func (r *Runner) putHandle(h *statedb.TaskHandle) {
	if err := r.deps.State.PutTaskHandle(r.allocID, r.name, h); err != nil {
		r.logger.Error("handle of the task cannot be stored", "error", err)
	}
}

// killTimeout is how long the task may take to end.
func (r *Runner) killTimeout() time.Duration {
	timeout := r.task.KillTimeoutOrDefault()
	if limit := r.deps.MaxKillTimeout; limit > 0 {
		timeout = min(timeout, limit)
	}
	return timeout
}

// errKilled ends work that a kill has made pointless.
var errKilled = errors.New("the task was killed")
