// SPDX-License-Identifier: MPL-2.0

package task

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// maxEvents is how many events a task keeps.
const maxEvents = 10

// withEvent returns the events with one more. What a driver tells comes on a stream of its own, and may come after
// events that happened later, such as the failure of the start that it is about: it has its place by its time.
func withEvent(events []*api.TaskEvent, e *api.TaskEvent) []*api.TaskEvent {
	at := len(events)
	if e.Type == api.TaskEventDriver {
		for at > 0 && events[at-1].Time > e.Time {
			at--
		}
	}
	events = slices.Insert(slices.Clone(events), at, e)
	return events[max(0, len(events)-maxEvents):]
}

// NewEvent returns an event of the type that shows the text.
func NewEvent(kind, text string) *api.TaskEvent {
	return &api.TaskEvent{Type: kind, Time: time.Now().UnixNano(), DisplayMessage: text, Details: map[string]string{}}
}

// messageEvent returns an event whose text is also its message.
func messageEvent(kind, text string) *api.TaskEvent {
	e := NewEvent(kind, text)
	e.Message, e.Details["message"] = text, text
	return e
}

// failing marks an event as what ends its task.
func failing(e *api.TaskEvent) *api.TaskEvent {
	e.FailsTask, e.Details["fails_task"] = true, "true"
	return e
}

func receivedEvent() *api.TaskEvent {
	return NewEvent(api.TaskEventReceived, "Task received by client")
}

func setupEvent() *api.TaskEvent { return messageEvent(api.TaskEventSetup, "Building Task Directory") }

func startedEvent() *api.TaskEvent { return NewEvent(api.TaskEventStarted, "Task started by client") }

// WithoutData says why the task starts without the data of the allocation that its own replaces.
func WithoutData(why string) *api.TaskEvent {
	return messageEvent(api.TaskEventHookMessage, "Starts without the data of the previous allocation: "+why)
}

// SetupFailure says that the allocation or the task could not be prepared.
func SetupFailure(err error) *api.TaskEvent {
	e := failing(NewEvent(api.TaskEventSetupFailure, err.Error()))
	e.SetupError, e.Details["setup_error"] = err.Error(), err.Error()
	return e
}

func validationEvent(err error) *api.TaskEvent {
	e := failing(NewEvent(api.TaskEventFailedValidation, err.Error()))
	e.ValidationError, e.Details["validation_error"] = err.Error(), err.Error()
	return e
}

func driverFailureEvent(err error) *api.TaskEvent {
	e := NewEvent(api.TaskEventDriverFailure, err.Error())
	e.DriverError, e.Details["driver_error"] = err.Error(), err.Error()
	return e
}

// driverEvent is what a driver has to say of a task.
func driverEvent(d *drivers.TaskEvent) *api.TaskEvent {
	e := NewEvent(api.TaskEventDriver, d.Message)
	if !d.Timestamp.IsZero() {
		e.Time = d.Timestamp.UnixNano()
	}
	maps.Copy(e.Details, d.Annotations)
	e.DriverMessage, e.Details["driver_message"] = d.Message, d.Message
	return e
}

func hookFailedEvent(hook string, err error) *api.TaskEvent {
	return messageEvent(api.TaskEventHookFailed, fmt.Sprintf("%s: %s", hook, err))
}

func terminatedEvent(res *drivers.ExitResult) *api.TaskEvent {
	text := "Exit Code: " + strconv.Itoa(res.ExitCode)
	if res.Signal != 0 {
		text += ", Signal: " + strconv.Itoa(res.Signal)
	}
	message := ""
	switch {
	case res.Err != nil:
		message = res.Err.Error()
	case res.OOMKilled: // in the words of docker, where the driver has none
		message = "OOM Killed"
	}
	if message != "" {
		text += fmt.Sprintf(", Exit Message: %q", message)
	}
	e := NewEvent(api.TaskEventTerminated, text)
	e.ExitCode, e.Signal = res.ExitCode, res.Signal
	e.Details["exit_code"] = strconv.Itoa(res.ExitCode)
	e.Details["signal"] = strconv.Itoa(res.Signal)
	e.Details["oom_killed"] = strconv.FormatBool(res.OOMKilled)
	if message != "" {
		e.Message, e.Details["exit_message"] = message, message
	}
	return e
}

// RestartSignaled says that somebody asked for a restart.
func RestartSignaled(reason string) *api.TaskEvent {
	e := NewEvent(api.TaskEventRestartSignaled, reason)
	e.RestartReason, e.Details["restart_reason"] = reason, reason
	return e
}

// SignalingEvent says that a user sends a signal.
func SignalingEvent(signal string) *api.TaskEvent {
	e := NewEvent(api.TaskEventSignaling, "Task being sent a signal")
	e.Details["signal"] = signal
	return e
}

func restartingEvent(delay time.Duration, reason string) *api.TaskEvent {
	text := "Task restarting in " + delay.String()
	if reason != "" && reason != reasonWithinPolicy {
		text = reason + " - " + text
	}
	e := NewEvent(api.TaskEventRestarting, text)
	e.StartDelay, e.RestartReason = int(delay), reason
	e.Details["start_delay"], e.Details["restart_reason"] = strconv.FormatInt(int64(delay), 10), reason
	return e
}

func notRestartingEvent(reason string) *api.TaskEvent {
	e := failing(NewEvent(api.TaskEventNotRestarting, reason))
	e.RestartReason, e.Details["restart_reason"] = reason, reason
	return e
}

func killingEvent(timeout time.Duration) *api.TaskEvent {
	e := NewEvent(api.TaskEventKilling, fmt.Sprintf("Sent interrupt. Waiting %v before force killing", timeout))
	e.KillTimeout, e.Details["kill_timeout"] = timeout, timeout.String()
	return e
}

func killedEvent(err error) *api.TaskEvent {
	e := NewEvent(api.TaskEventKilled, "Task successfully killed")
	if err != nil {
		e.DisplayMessage, e.KillError, e.Details["kill_error"] = err.Error(), err.Error(), err.Error()
	}
	return e
}

func waitingDelayEvent(delay time.Duration) *api.TaskEvent {
	return messageEvent(api.TaskEventWaitingDelay, fmt.Sprintf("Waiting for shutdown_delay of %v before killing the task.", delay))
}

func skippingDelayEvent(delay time.Duration) *api.TaskEvent {
	return messageEvent(api.TaskEventSkippingDelay, fmt.Sprintf("Skipping shutdown_delay of %v before killing the task.", delay))
}

func restoreFailedEvent(err error) *api.TaskEvent {
	e := messageEvent(api.TaskEventRestoreFailed, "failed to restore task; will not run until server is contacted")
	e.Details["error"] = err.Error()
	return e
}

// SiblingFailed says that another task of the group failed.
func SiblingFailed(name string) *api.TaskEvent {
	e := NewEvent(api.TaskEventSiblingFailed, fmt.Sprintf("Task's sibling %q failed", name))
	e.FailedSibling, e.Details["failed_sibling"] = name, name
	return e
}

// LeaderDead says that the leader of the group ended.
func LeaderDead() *api.TaskEvent {
	return NewEvent(api.TaskEventLeaderDead, "Leader Task in Group dead")
}

// MainDead says that only sidecars are left.
func MainDead() *api.TaskEvent {
	return NewEvent(api.TaskEventMainDead, "Main tasks in the group died")
}

// Reconnected says that servers were reached again after the node was taken for lost.
func Reconnected() *api.TaskEvent { return NewEvent(api.TaskEventReconnected, "Client reconnected") }

// Unhealthy says why a deployment counts the allocation as unhealthy.
func Unhealthy(reason string) *api.TaskEvent { return messageEvent(api.TaskEventUnhealthy, reason) }
