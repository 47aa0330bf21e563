// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"github.com/nomadlike/nomadlike/api"
)

// view is the group and where its tasks are.
type view struct {
	tasks  []*api.Task
	states map[string]*api.TaskState
}

func (v view) state(t *api.Task) *api.TaskState { return v.states[t.Name] }

func (v view) dead(t *api.Task) bool { return v.state(t).State == api.TaskStateDead }

func isPoststop(t *api.Task) bool { return t.Hook() == api.HookPoststop }

// mayStart reports whether the lifecycle lets the task start now (runtime.md 4.3).
func (v view) mayStart(t *api.Task) bool {
	switch t.Hook() {
	case api.HookPrestart:
		return true
	case api.HookPoststart:
		return v.prestartDone() && v.mainBegun()
	case api.HookPoststop:
		return v.restDead()
	}
	return v.prestartDone()
}

// prestartDone: every prestart task finished successfully, and every prestart sidecar runs.
func (v view) prestartDone() bool {
	for _, t := range v.tasks {
		if t.Hook() != api.HookPrestart {
			continue
		}
		s := v.state(t)
		switch {
		case t.IsSidecar():
			if s.State != api.TaskStateRunning {
				return false
			}
		case s.State != api.TaskStateDead || s.Failed:
			return false
		}
	}
	return true
}

// mainBegun: no main task is pending any more.
func (v view) mainBegun() bool {
	for _, t := range v.tasks {
		if t.IsMain() && v.state(t).State == api.TaskStatePending {
			return false
		}
	}
	return true
}

// restDead: all tasks other than poststop have ended.
func (v view) restDead() bool {
	for _, t := range v.tasks {
		if !isPoststop(t) && !v.dead(t) {
			return false
		}
	}
	return true
}

// allDead: all tasks have ended.
func (v view) allDead() bool {
	for _, t := range v.tasks {
		if !v.dead(t) {
			return false
		}
	}
	return true
}

// firstFailed returns the first task other than poststop that ended failed, nil when there is none.
func (v view) firstFailed() *api.Task {
	for _, t := range v.tasks {
		if !isPoststop(t) && v.dead(t) && v.state(t).Failed {
			return t
		}
	}
	return nil
}

// leader returns the leader of the group, nil when there is none.
func (v view) leader() *api.Task {
	for _, t := range v.tasks {
		if t.Leader {
			return t
		}
	}
	return nil
}

// onlySidecars reports whether sidecars are all that is left alive, poststop tasks aside.
func (v view) onlySidecars() bool {
	alive := false
	for _, t := range v.tasks {
		if isPoststop(t) || v.dead(t) {
			continue
		}
		if !t.IsSidecar() {
			return false
		}
		alive = true
	}
	return alive
}
