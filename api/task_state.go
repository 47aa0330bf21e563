// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// TaskState is the TaskState object of the HTTP API, see http-types.md.
type TaskState struct {
	// State: `pending`, `running`, `dead`.
	State string
	// Failed: Ended unsuccessfully.
	Failed bool
	// Restarts: Count.
	Restarts int
	// LastRestart: Times or null.
	LastRestart *time.Time
	// StartedAt: Times or null.
	StartedAt *time.Time
	// FinishedAt: Times or null.
	FinishedAt *time.Time
	// Events: Newest last, at most 10 kept.
	Events []*TaskEvent
	// Paused: `""` (running), `force_run`, `scheduled_pause`, `force_pause`, `schedule_resume`.
	Paused string
}

// TaskEvent is the TaskEvent object of the HTTP API, see http-types.md.
type TaskEvent struct {
	// Type: See list.
	Type string
	// Time: When.
	Time int64
	// DisplayMessage: Human text (filled on read).
	DisplayMessage string
	// Details: All values as strings, e.g. `exit_code`, `signal`, `kill_timeout`, `start_delay`, `oom_killed`, `restart_reason`.
	Details map[string]string
	// Message: Obsolete individual fields, still present; use `Details`.
	Message string
	// FailsTask: Obsolete individual fields, still present; use `Details`.
	FailsTask bool
	// RestartReason: Obsolete individual fields, still present; use `Details`.
	RestartReason string
	// SetupError: Obsolete individual fields, still present; use `Details`.
	SetupError string
	// DriverError: Obsolete individual fields, still present; use `Details`.
	DriverError string
	// ExitCode: Obsolete individual fields, still present; use `Details`.
	ExitCode int
	// Signal: Obsolete individual fields, still present; use `Details`.
	Signal int
	// KillTimeout: Obsolete individual fields, still present; use `Details`.
	KillTimeout time.Duration
	// KillError: Obsolete individual fields, still present; use `Details`.
	KillError string
	// KillReason: Obsolete individual fields, still present; use `Details`.
	KillReason string
	// StartDelay: Obsolete individual fields, still present; use `Details`.
	StartDelay int
	// DownloadError: Obsolete individual fields, still present; use `Details`.
	DownloadError string
	// ValidationError: Obsolete individual fields, still present; use `Details`.
	ValidationError string
	// DiskLimit: Obsolete individual fields, still present; use `Details`.
	DiskLimit int
	// FailedSibling: Obsolete individual fields, still present; use `Details`.
	FailedSibling string
	// VaultError: Obsolete individual fields, still present; use `Details`.
	VaultError string
	// TaskSignalReason: Obsolete individual fields, still present; use `Details`.
	TaskSignalReason string
	// TaskSignal: Obsolete individual fields, still present; use `Details`.
	TaskSignal string
	// DriverMessage: Obsolete individual fields, still present; use `Details`.
	DriverMessage string
	// GenericSource: Obsolete individual fields, still present; use `Details`.
	GenericSource string
}

// Types of task events (runtime.md 4.7).
const (
	TaskEventReceived         = "Received"
	TaskEventDownloading      = "Downloading Artifacts"
	TaskEventDownloadFailed   = "Failed Artifact Download"
	TaskEventSetup            = "Task Setup"
	TaskEventSetupFailure     = "Setup Failure"
	TaskEventFailedValidation = "Failed Validation"
	TaskEventDriver           = "Driver"
	TaskEventDriverFailure    = "Driver Failure"
	TaskEventTemplate         = "Template"
	TaskEventHookMessage      = "Task hook message"
	TaskEventStarted          = "Started"
	TaskEventTerminated       = "Terminated"
	TaskEventRestartSignaled  = "Restart Signaled"
	TaskEventSignaling        = "Signaling"
	TaskEventRestarting       = "Restarting"
	TaskEventNotRestarting    = "Not Restarting"
	TaskEventKilling          = "Killing"
	TaskEventKilled           = "Killed"
	TaskEventWaitingDelay     = "Waiting for shutdown delay"
	TaskEventSkippingDelay    = "Skipping shutdown delay"
	TaskEventSiblingFailed    = "Sibling Task Failed"
	TaskEventLeaderDead       = "Leader Task Dead"
	TaskEventMainDead         = "Main Tasks Dead"
	TaskEventHookFailed       = "Task hook failed"
	TaskEventRestoreFailed    = "Failed Restoring Task"
	TaskEventReconnected      = "Reconnected"
	TaskEventUnhealthy        = "Alloc Unhealthy"
)
