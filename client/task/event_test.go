// SPDX-License-Identifier: MPL-2.0

package task

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// The first six are of recorded answers (allocation-read*.json), zero fields left out.
func TestEventsAreThoseOfTheContract(t *testing.T) {
	for want, e := range map[string]*api.TaskEvent{
		`{"Type":"Received","DisplayMessage":"Task received by client","Details":{}}`:                                                                          receivedEvent(),
		`{"Type":"Task Setup","DisplayMessage":"Building Task Directory","Details":{"message":"Building Task Directory"},"Message":"Building Task Directory"}`: setupEvent(),
		`{"Type":"Started","DisplayMessage":"Task started by client","Details":{}}`:                                                                            startedEvent(),
		`{"Type":"Signaling","DisplayMessage":"Task being sent a signal","Details":{"signal":"SIGUSR1"}}`:                                                      SignalingEvent("SIGUSR1"),
		`{"Type":"Terminated","DisplayMessage":"Exit Code: 130, Signal: 2","Details":{"exit_code":"130","oom_killed":"false","signal":"2"},"ExitCode":130,"Signal":2}`: terminatedEvent(
			&drivers.ExitResult{ExitCode: 130, Signal: 2}),
		`{"Type":"Restarting","DisplayMessage":"Task restarting in 15.925517396s","Details":{"restart_reason":"Restart within policy","start_delay":"15925517396"},"RestartReason":"Restart within policy","StartDelay":15925517396}`: restartingEvent(
			15925517396, reasonWithinPolicy),
		`{"Type":"Restarting","DisplayMessage":"Task restarting in 0s","Details":{"restart_reason":"","start_delay":"0"}}`: restartingEvent(0, ""),
		`{"Type":"Restarting","DisplayMessage":"Too many - Task restarting in 1m0s","Details":{"restart_reason":"Too many","start_delay":"60000000000"},"RestartReason":"Too many","StartDelay":60000000000}`: restartingEvent(
			time.Minute, "Too many"),
		`{"Type":"Restart Signaled","DisplayMessage":"User requested task to restart","Details":{"restart_reason":"User requested task to restart"},"RestartReason":"User requested task to restart"}`: RestartSignaled(
			"User requested task to restart"),
		`{"Type":"Terminated","DisplayMessage":"Exit Code: 137, Signal: 9, Exit Message: \"lost \\\"it\\\"\"","Details":{"exit_code":"137","exit_message":"lost \"it\"","oom_killed":"true","signal":"9"},"Message":"lost \"it\"","ExitCode":137,"Signal":9}`: terminatedEvent(
			&drivers.ExitResult{ExitCode: 137, Signal: 9, OOMKilled: true, Err: errors.New(`lost "it"`)}),
		`{"Type":"Terminated","DisplayMessage":"Exit Code: 137, Signal: 9, Exit Message: \"OOM Killed\"","Details":{"exit_code":"137","exit_message":"OOM Killed","oom_killed":"true","signal":"9"},"Message":"OOM Killed","ExitCode":137,"Signal":9}`: terminatedEvent(
			&drivers.ExitResult{ExitCode: 137, Signal: 9, OOMKilled: true}),
		`{"Type":"Killing","DisplayMessage":"Sent interrupt. Waiting 5s before force killing","Details":{"kill_timeout":"5s"},"KillTimeout":5000000000}`: killingEvent(5 * time.Second),
		`{"Type":"Killed","DisplayMessage":"Task successfully killed","Details":{}}`:                                                                     killedEvent(nil),
		`{"Type":"Killed","DisplayMessage":"no","Details":{"kill_error":"no"},"KillError":"no"}`:                                                         killedEvent(errors.New("no")),
		`{"Type":"Sibling Task Failed","DisplayMessage":"Task's sibling \"x\" failed","Details":{"failed_sibling":"x"},"FailedSibling":"x"}`:             SiblingFailed("x"),
		`{"Type":"Leader Task Dead","DisplayMessage":"Leader Task in Group dead","Details":{}}`:                                                          LeaderDead(),
		`{"Type":"Main Tasks Dead","DisplayMessage":"Main tasks in the group died","Details":{}}`:                                                        MainDead(),
		`{"Type":"Reconnected","DisplayMessage":"Client reconnected","Details":{}}`:                                                                      Reconnected(),
		`{"Type":"Not Restarting","DisplayMessage":"why","Details":{"fails_task":"true","restart_reason":"why"},"FailsTask":true,"RestartReason":"why"}`: notRestartingEvent("why"),
		`{"Type":"Driver Failure","DisplayMessage":"no","Details":{"driver_error":"no"},"DriverError":"no"}`:                                             driverFailureEvent(errors.New("no")),
		`{"Type":"Failed Validation","DisplayMessage":"no","Details":{"fails_task":"true","validation_error":"no"},"FailsTask":true,"ValidationError":"no"}`: validationEvent(
			errors.New("no")),
		`{"Type":"Setup Failure","DisplayMessage":"no","Details":{"fails_task":"true","setup_error":"no"},"FailsTask":true,"SetupError":"no"}`: SetupFailure(errors.New("no")),
		`{"Type":"Driver","DisplayMessage":"pulling","Details":{"driver_message":"pulling","image":"x"},"DriverMessage":"pulling"}`: driverEvent(
			&drivers.TaskEvent{Message: "pulling", Annotations: map[string]string{"image": "x"}}),
	} {
		if e.Time == 0 {
			t.Errorf("%s has no time", e.Type)
		}
		got := map[string]any{}
		data, err := json.Marshal(e)
		if err == nil {
			err = json.Unmarshal(data, &got)
		}
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range got {
			if v == "" || v == false || v == 0.0 || k == "Time" {
				delete(got, k)
			}
		}
		wanted := map[string]any{}
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(wanted, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", e.Type, d)
		}
	}
}

func TestLateDriverEvents(t *testing.T) {
	var events []*api.TaskEvent
	for _, e := range []*api.TaskEvent{
		{Type: api.TaskEventReceived, Time: 1},
		{Type: api.TaskEventDriverFailure, Time: 5},
		{Type: api.TaskEventNotRestarting, Time: 6},
		{Type: api.TaskEventDriver, Time: 3, DisplayMessage: "a"},
		{Type: api.TaskEventDriver, Time: 3, DisplayMessage: "b"},
		{Type: api.TaskEventDriver, Time: 9},
		{Type: api.TaskEventKilled, Time: 7},
	} {
		events = withEvent(events, e)
	}
	var got []string
	for _, e := range events {
		got = append(got, e.Type+e.DisplayMessage)
	}
	want := []string{api.TaskEventReceived, "Drivera", "Driverb", api.TaskEventDriverFailure, api.TaskEventNotRestarting, api.TaskEventDriver, api.TaskEventKilled}
	if !slices.Equal(got, want) {
		t.Errorf("the events are %q, want %q", got, want)
	}
	for i := range 20 {
		events = withEvent(events, &api.TaskEvent{Type: api.TaskEventStarted, Time: int64(10 + i)})
	}
	if len(events) != maxEvents || events[0].Time != 20 {
		t.Errorf("%d events are kept from %d on", len(events), events[0].Time)
	}
}
