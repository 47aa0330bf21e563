// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/client/mailbox"
	"github.com/nomadlike/nomadlike/client/services"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/client/task"
)

// Runner runs one allocation. Run is its goroutine; the other methods may be called from anywhere.
type Runner struct {
	deps   *Deps
	id     string
	logger hclog.Logger
	box    *mailbox.Box[any]
	// changed tells the goroutine that a task has changed.
	changed chan struct{}
	// ready is closed when there are task runners, or never will be; finished when all tasks have ended
	// for good; done when Run has returned.
	ready, finished, done chan struct{}

	// The rest up to mu belongs to the goroutine.

	restored *statedb.AllocRecord
	status   statedb.AllocStatus
	health   *health
	stop     stopper
	// opened are the tasks that were told to start; resetting those that were told to begin anew and
	// have not done so, with how often they had been restarted before.
	opened    map[string]bool
	resetting map[string]int
	// static are the states of tasks without runners: of an allocation that had ended before this agent
	// started, or that could not be prepared.
	static     map[string]*api.TaskState
	ended      bool
	destroying bool
	// ctx is that of Run. withdrawn is set once the services of the group are taken back; unhealthy has when
	// the task was started that a check has restarted, by check. offered is set once it is time for the services
	// of the group, which were last offered in the network offeredAt.
	ctx       context.Context
	withdrawn bool
	offered   bool
	unhealthy map[string]time.Time
	offeredAt *api.AllocNetworkStatus
	// without says why the tasks start without the data of the allocation that this one replaces, if they do.
	without string

	// network may be used from anywhere.
	network groupNetwork

	mu struct {
		sync.Mutex
		alloc   *api.Allocation
		dir     *allocdir.Dir
		runners map[string]*task.Runner
		report  *api.Allocation
		monitor *services.Monitor
	}
}

// New returns the runner of an allocation; nothing happens before Run.
func New(cfg Config) *Runner {
	r := &Runner{
		deps: cfg.Deps, id: cfg.Alloc.ID, restored: cfg.Restored, box: mailbox.New[any](), changed: make(chan struct{}, 1),
		ready: make(chan struct{}), finished: make(chan struct{}), done: make(chan struct{}),
		logger: cfg.Deps.Tasks.Logger.With("alloc_id", cfg.Alloc.ID),
		opened: map[string]bool{}, resetting: map[string]int{}, unhealthy: map[string]time.Time{},
	}
	r.mu.alloc = cfg.Alloc
	if rec := cfg.Restored; rec != nil {
		r.status, r.network.kept = rec.Status, rec.Network
	}
	r.health = newHealth(cfg.Alloc, r.started(), r.status.Health)
	r.mu.report = r.makeReport(cfg.Alloc, r.initialStates())
	return r
}

// initialStates are those that were stored, or those of tasks that have not begun.
func (r *Runner) initialStates() map[string]*api.TaskState {
	states := map[string]*api.TaskState{}
	for _, t := range r.tasks() {
		states[t.Name] = &api.TaskState{State: api.TaskStatePending}
		if r.restored == nil {
			continue
		}
		if rec := r.restored.Tasks[t.Name]; rec != nil && rec.State != nil {
			states[t.Name] = rec.State
		}
	}
	return states
}

// ID is that of the allocation.
func (r *Runner) ID() string { return r.id }

// Alloc returns the newest version of the allocation that the servers sent.
func (r *Runner) Alloc() *api.Allocation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.alloc
}

// Report returns what the servers are to know: status, task states and health. It never changes.
func (r *Runner) Report() *api.Allocation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.report
}

// Dir returns the directory of the allocation, nil before it is made and when it is gone.
func (r *Runner) Dir() *allocdir.Dir {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.dir
}

// Task returns the runner of a task, nil when there is none.
func (r *Runner) Task(name string) *task.Runner {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.runners[name]
}

// Finished is closed when all tasks have ended for good.
func (r *Runner) Finished() <-chan struct{} { return r.finished }

// Done is closed when Run has returned: the allocation was destroyed, or the agent stops.
func (r *Runner) Done() <-chan struct{} { return r.done }

// tasks are those of the group, as the newest version has them.
func (r *Runner) tasks() []*api.Task {
	group := r.Alloc().Group()
	if group == nil {
		return nil
	}
	return group.Tasks
}

// Run runs the allocation until it is destroyed or the context ends, which leaves its tasks running.
func (r *Runner) Run(ctx context.Context) {
	defer close(r.done)
	taskCtx, stopTasks := context.WithCancel(ctx)
	r.ctx = taskCtx
	var tasks sync.WaitGroup
	defer func() {
		stopTasks()
		r.stopChecks()
		tasks.Wait()
		r.closeDir()
	}()
	if r.setup(ctx) {
		r.startRunners(taskCtx, &tasks)
	}
	close(r.ready)
	r.loop(ctx)
	if !r.destroying || ctx.Err() != nil {
		return
	}
	stopTasks()
	tasks.Wait()
	r.remove(ctx)
}

// startRunners makes a runner for each task.
func (r *Runner) startRunners(ctx context.Context, tasks *sync.WaitGroup) {
	a := r.Alloc()
	runners := map[string]*task.Runner{}
	for _, t := range r.tasks() {
		cfg := task.Config{Deps: r.deps.Tasks, Alloc: a, Task: t.Name, Dir: r.Dir(), Changed: r.taskChanged}
		if n := r.network.get(); n != nil && !n.Released {
			cfg.Isolation, cfg.Network, cfg.JoinNetwork = n.Spec, n.Status, r.joinNetwork
		}
		if r.restored != nil {
			if cfg.Restored = r.restored.Tasks[t.Name]; cfg.Restored == nil {
				cfg.Restored = &statedb.TaskRecord{}
			}
		}
		tr, err := task.New(cfg)
		if err != nil {
			r.logger.Error("task cannot be run", "task", t.Name, "error", err)
			continue
		}
		if r.without != "" {
			tr.Event(task.WithoutData(r.without))
		}
		runners[t.Name] = tr
	}
	r.mu.Lock()
	r.mu.runners = runners
	r.mu.Unlock()
	for _, tr := range runners {
		tasks.Go(func() { tr.Run(ctx) })
	}
	if r.restored != nil && r.network.remade {
		tasks.Go(func() { r.leaveOldNetwork(runners) })
	}
	if r.restored != nil && services.Used(a.Group()) {
		tasks.Go(func() { r.releaseServices(runners) })
	}
}

func (r *Runner) taskChanged() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// loop deals with changes until the allocation is to be removed or the context ends.
func (r *Runner) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		at := r.evaluate()
		if r.destroying && r.ended {
			return
		}
		timer.Stop()
		var clock <-chan time.Time
		if !at.IsZero() {
			timer.Reset(time.Until(at))
			clock = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-r.box.C():
			r.receive()
		case <-r.changed:
		case <-clock:
		}
	}
}

// view is where the tasks are now.
func (r *Runner) view() view {
	v := view{tasks: r.tasks(), states: make(map[string]*api.TaskState)}
	maps.Copy(v.states, r.static)
	r.mu.Lock()
	runners := r.mu.runners
	r.mu.Unlock()
	for name, tr := range runners {
		v.states[name] = tr.State()
	}
	for name, before := range r.resetting {
		s := v.states[name]
		if s == nil || s.Restarts != before || r.stop.active() {
			delete(r.resetting, name)
			continue
		}
		// It is about to begin anew: for the others it has not begun.
		dup := *s
		dup.State = api.TaskStatePending
		v.states[name] = &dup
	}
	for _, t := range v.tasks {
		if v.states[t.Name] == nil {
			// The task could not be run at all.
			v.states[t.Name] = &api.TaskState{State: api.TaskStateDead, Failed: true}
		}
	}
	return v
}

// evaluate does what the states of the tasks ask for, and returns when to look again.
func (r *Runner) evaluate() time.Time {
	now := time.Now()
	v := r.view()
	var next time.Time
	soonest := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if !r.ended {
		r.checkStop(v, now)
		soonest(r.checkExpiry(v, now))
		if r.stop.active() || v.allDead() {
			r.withdrawServices()
		}
		r.followNetwork()
		soonest(r.stop.advance(v, now, r.kill))
		soonest(r.restartUnhealthy(v, now))
		r.openGates(v)
		soonest(r.checkHealth(v, now))
		if v.allDead() {
			r.end()
		}
	}
	if r.ended {
		soonest(r.endNetwork(r.ctx, now))
	}
	r.publish(v)
	return next
}

// checkStop stops the rest when the end of one task asks for it, or the servers do.
func (r *Runner) checkStop(v view, now time.Time) {
	a := r.Alloc()
	if a.ServerTerminalStatus() {
		spec := stopSpec{noDelay: a.DesiredTransition.ShouldSkipShutdownDelay()}
		if anyBegun(v) {
			spec.delay = a.Group().ShutdownDelayOrDefault()
		}
		r.stop.stop(spec, now)
	}
	if r.status.Abandoned {
		r.stop.stop(stopSpec{}, now) // the last agent may have ended before its tasks did
	}
	if r.stop.active() || v.allDead() {
		return
	}
	leader := v.leader()
	switch culprit := v.firstFailed(); {
	case culprit != nil:
		r.stop.stop(stopSpec{event: func(*api.Task) *api.TaskEvent { return task.SiblingFailed(culprit.Name) }}, now)
	case leader != nil && v.dead(leader):
		r.stop.stop(stopSpec{event: func(*api.Task) *api.TaskEvent { return task.LeaderDead() }}, now)
	case v.onlySidecars():
		r.stop.stop(stopSpec{event: func(*api.Task) *api.TaskEvent { return task.MainDead() }}, now)
	}
}

// abandon stops the tasks because no server was heard of, unless they have ended or are being stopped for another reason.
func (r *Runner) abandon() {
	if r.ended || r.stop.active() || r.status.Abandoned || r.view().allDead() {
		return
	}
	r.status.Abandoned = true
	r.storeStatus()
}

// anyBegun reports whether there is a process to be spared an abrupt end.
func anyBegun(v view) bool {
	for _, t := range v.tasks {
		if v.state(t).State == api.TaskStateRunning {
			return true
		}
	}
	return false
}

func (r *Runner) kill(t *api.Task, event *api.TaskEvent, noDelay bool) {
	if tr := r.Task(t.Name); tr != nil {
		tr.Kill(event, noDelay)
	}
}

// checkExpiry ends an allocation that has run for as long as it may.
func (r *Runner) checkExpiry(v view, now time.Time) time.Time {
	group := r.Alloc().Group()
	if group == nil || api.Val(group.MaxRunDuration) <= 0 || v.allDead() {
		return time.Time{}
	}
	deadline := r.status.Started.Add(*group.MaxRunDuration)
	if now.Before(deadline) {
		return deadline
	}
	if !r.status.Expired {
		r.logger.Info("allocation has run for as long as it may", "duration", *group.MaxRunDuration)
		r.status.Expired = true
		r.storeStatus()
	}
	r.stop.stop(stopSpec{skipPoststop: true}, now)
	return time.Time{}
}

// openGates starts the tasks whose turn it is.
func (r *Runner) openGates(v view) {
	for _, t := range v.tasks {
		if r.opened[t.Name] || v.state(t).State != api.TaskStatePending || !v.mayStart(t) {
			continue
		}
		if r.stop.active() && (!isPoststop(t) || !r.stop.poststop) {
			continue
		}
		if _, waits := r.resetting[t.Name]; waits {
			continue
		}
		if tr := r.Task(t.Name); tr != nil {
			r.opened[t.Name] = true
			tr.Start()
		}
	}
}

func (r *Runner) checkHealth(v view, now time.Time) time.Time {
	if !r.health.pending() || r.stop.active() && r.Alloc().ServerTerminalStatus() {
		return time.Time{}
	}
	again, reasons := r.health.judge(v, r.checkStates(), now)
	if verdict := r.health.verdict; verdict != nil {
		r.logger.Info("health of the allocation is decided", "healthy", *verdict.Healthy)
		r.status.Health = verdict
		r.storeStatus()
		r.mu.Lock()
		runners := r.mu.runners
		r.mu.Unlock()
		if r.health.deployment {
			explain(runners, reasons)
		}
	}
	return again
}

// end is called once, when all tasks have ended for good.
func (r *Runner) end() {
	r.ended = true
	r.endNetwork(r.ctx, time.Now())
	if dir := r.Dir(); dir != nil {
		var names []string
		for _, t := range r.tasks() {
			names = append(names, t.Name)
		}
		if err := dir.ReleaseSecrets(names); err != nil {
			r.logger.Warn("secrets of the ended allocation cannot be released", "error", err)
		}
	}
	close(r.finished)
}

func (r *Runner) storeStatus() {
	status := r.status
	if err := r.deps.Tasks.State.PutAllocStatus(r.id, &status); err != nil {
		r.logger.Error("status of the allocation cannot be stored", "error", err)
	}
}

// publish tells what has changed since the last time.
func (r *Runner) publish(v view) {
	next := r.makeReport(r.Alloc(), v.states)
	r.mu.Lock()
	same := sameReport(r.mu.report, next)
	if !same {
		r.mu.report = next
	}
	r.mu.Unlock()
	if !same {
		r.deps.Report(r)
	}
}

func (r *Runner) makeReport(a *api.Allocation, states map[string]*api.TaskState) *api.Allocation {
	status, description := clientStatus(states)
	if r.status.SetupError != "" {
		status, description = api.AllocClientFailed, r.status.SetupError
	}
	if r.status.Expired && status == api.AllocClientComplete {
		description = expiredDescription
	}
	if r.status.Abandoned && status == api.AllocClientComplete {
		status, description = api.AllocClientLost, api.AllocClientDescNoContact
	}
	return &api.Allocation{
		ID: a.ID, Namespace: a.Namespace, JobID: a.JobID, TaskGroup: a.TaskGroup, NodeID: a.NodeID, DeploymentID: a.DeploymentID,
		ClientStatus: status, ClientDescription: description, TaskStates: states, DeploymentStatus: r.health.status(a),
		NetworkStatus: r.reportedNetwork(),
	}
}

// sameReport compares snapshots, which are shared as long as nothing changes.
func sameReport(a, b *api.Allocation) bool {
	if a.ClientStatus != b.ClientStatus || a.ClientDescription != b.ClientDescription || a.DeploymentID != b.DeploymentID ||
		len(a.TaskStates) != len(b.TaskStates) || a.NetworkStatus != b.NetworkStatus {
		return false
	}
	for name, s := range a.TaskStates {
		o := b.TaskStates[name]
		if s == o {
			continue
		}
		if o == nil || s.State != o.State || s.Failed != o.Failed || s.Restarts != o.Restarts || len(s.Events) != len(o.Events) ||
			len(s.Events) > 0 && s.Events[len(s.Events)-1] != o.Events[len(o.Events)-1] {
			return false
		}
	}
	x, y := a.DeploymentStatus, b.DeploymentStatus
	switch {
	case x == nil || y == nil:
		return x == y
	case x.Healthy == nil || y.Healthy == nil:
		return x.Healthy == y.Healthy
	}
	return *x.Healthy == *y.Healthy
}
