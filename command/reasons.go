// SPDX-License-Identifier: MPL-2.0

package command

import (
	"slices"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
)

// What heads the reasons of allocations.
const (
	unhealthyTitle = "Unhealthy"
	failedTitle    = "Failed"
)

// maxReasons is how many reasons are shown at a place.
const maxReasons = 5

// causes are the types of events that say why a task does not run.
var causes = []string{
	api.TaskEventDriverFailure, api.TaskEventSetupFailure, api.TaskEventFailedValidation, api.TaskEventDownloadFailed,
	api.TaskEventHookFailed, api.TaskEventTerminated,
}

// anyUnhealthy reports whether the deployment counts an allocation as unhealthy.
func anyUnhealthy(d *api.Deployment) bool {
	for _, g := range d.TaskGroups {
		if g.UnhealthyAllocs > 0 {
			return true
		}
	}
	return false
}

// unhealthy reports whether an allocation is judged to be unhealthy by its deployment.
func unhealthy(a *api.AllocListStub) bool {
	s := a.DeploymentStatus
	return s != nil && s.Healthy != nil && !*s.Healthy
}

// failed reports whether an allocation has failed and nothing has taken its place, for reasons of its own: those of a
// deployment stand with it.
func failed(a *api.AllocListStub) bool {
	return a.ClientStatus == api.AllocClientFailed && a.NextAllocation == "" && !unhealthy(a)
}

// reasonRows shows why allocations are what is asked for: each reason with its newest allocation and how many have it, the
// newest first. It is nil when none is.
func reasonRows(stubs []*api.AllocListStub, is func(*api.AllocListStub) bool, verbose bool) [][]string {
	type reason struct{ group, task, text string }
	var order []reason
	newest, times := map[reason]string{}, map[reason]int{}
	for _, a := range newestFirst(stubs) {
		if !is(a) {
			continue
		}
		for _, r := range failedTasks(a) {
			key := reason{a.TaskGroup, r.task, r.text}
			if times[key]++; times[key] == 1 {
				order, newest[key] = append(order, key), a.ID
			}
		}
	}
	if len(order) == 0 {
		return nil
	}
	rows := [][]string{{"Newest", "Task Group", "Task", "Times", "Reason"}}
	for _, key := range order[:min(maxReasons, len(order))] {
		rows = append(rows, []string{shortID(newest[key], verbose), key.group, key.task, strconv.Itoa(times[key]), oneLine(key.text)})
	}
	return rows
}

// taskReason is why a task, or without one the allocation as a whole, has failed or is unhealthy.
type taskReason struct{ task, text string }

func failedTasks(a *api.AllocListStub) []taskReason {
	var out []taskReason
	for _, name := range sortedKeys(a.TaskStates) {
		state := a.TaskStates[name]
		text, before := "", state.Events
		if at := slices.IndexFunc(state.Events, func(e *api.TaskEvent) bool { return e.Type == api.TaskEventUnhealthy }); at >= 0 {
			text, before = state.Events[at].DisplayMessage, state.Events[:at]
		} else if !state.Failed {
			continue // what ended with it, or well
		}
		if cause := causeOf(before); cause != nil {
			text = cause.Type + ": " + cause.DisplayMessage
		}
		if text != "" {
			out = append(out, taskReason{task: name, text: text})
		}
	}
	if out == nil && a.ClientDescription != "" {
		out = append(out, taskReason{task: blank, text: a.ClientDescription})
	}
	return out
}

// causeOf returns the last event since the task last started that says why it does not run, nil without one.
func causeOf(events []*api.TaskEvent) *api.TaskEvent {
	for _, e := range slices.Backward(events) {
		switch {
		case e.Type == api.TaskEventStarted:
			return nil
		case slices.Contains(causes, e.Type):
			return e
		}
	}
	return nil
}
