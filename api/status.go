// SPDX-License-Identifier: MPL-2.0

package api

// Names and identifiers that the contract fixes.
const (
	DefaultNamespace = "default"
	DefaultRegion    = "global"
	NodePoolDefault  = "default"
	NodePoolAll      = "all"

	// AllNamespaces as a namespace parameter of a list means every namespace the caller may read.
	AllNamespaces = "*"
)

// Job types.
const (
	JobTypeService  = "service"
	JobTypeBatch    = "batch"
	JobTypeSystem   = "system"
	JobTypeSysBatch = "sysbatch"
	JobTypeCore     = "_core"
)

// Job statuses.
const (
	JobStatusPending = "pending"
	JobStatusRunning = "running"
	JobStatusDead    = "dead"
)

// Priorities of jobs and evaluations.
const (
	JobMinPriority     = 1
	JobDefaultPriority = 50
	JobMaxPriority     = 100
	CorePriority       = 32767
)

// Desired statuses of an allocation.
const (
	AllocDesiredRun   = "run"
	AllocDesiredStop  = "stop"
	AllocDesiredEvict = "evict"
)

// Client statuses of an allocation.
const (
	AllocClientPending  = "pending"
	AllocClientRunning  = "running"
	AllocClientComplete = "complete"
	AllocClientFailed   = "failed"
	AllocClientLost     = "lost"
	AllocClientUnknown  = "unknown"
)

// Desired descriptions of allocations (scheduler.md 3.4).
const (
	AllocDescNotNeeded         = "alloc not needed due to job update"
	AllocDescUpdating          = "alloc is being updated due to job update"
	AllocDescMigrating         = "alloc is being migrated"
	AllocDescLost              = "alloc is lost since its node is down"
	AllocDescUnknown           = "alloc is unknown since its node is disconnected"
	AllocDescNodeTainted       = "alloc not needed as node is tainted"
	AllocDescInPlace           = "alloc updating in-place"
	AllocDescReconnected       = "alloc not needed due to disconnected client reconnect"
	AllocDescRescheduled       = "alloc was rescheduled because it failed"
	AllocDescPreempted         = "Preempted by alloc ID " // and the ID
	AllocClientDescPending     = "No tasks have started"
	AllocClientDescRunning     = "Tasks are running"
	AllocClientDescFailed      = "Failed tasks"
	AllocClientDescComplete    = "All tasks have completed"
	AllocClientDescMaxRunLimit = "allocation exceeded max_run_duration"
	AllocClientDescNoContact   = "allocation was stopped because no server was heard of (stop_on_client_after)"
)

// Task states.
const (
	TaskStatePending = "pending"
	TaskStateRunning = "running"
	TaskStateDead    = "dead"
)

// Evaluation statuses.
const (
	EvalStatusBlocked  = "blocked"
	EvalStatusPending  = "pending"
	EvalStatusComplete = "complete"
	EvalStatusFailed   = "failed"
	EvalStatusCanceled = "canceled"
)

// Evaluation triggers (scheduler.md 1.2).
const (
	TriggerJobRegister       = "job-register"
	TriggerJobDeregister     = "job-deregister"
	TriggerPeriodicJob       = "periodic-job"
	TriggerNodeDrain         = "node-drain"
	TriggerNodeUpdate        = "node-update"
	TriggerAllocStop         = "alloc-stop"
	TriggerAllocReschedule   = "alloc-reschedule"
	TriggerScheduled         = "scheduled"
	TriggerRollingUpdate     = "rolling-update"
	TriggerDeploymentWatcher = "deployment-watcher"
	TriggerFailedFollowUp    = "failed-follow-up"
	TriggerMaxPlans          = "max-plan-attempts"
	TriggerAllocFailure      = "alloc-failure"
	TriggerQueuedAllocs      = "queued-allocs"
	TriggerPreemption        = "preemption"
	TriggerScaling           = "job-scaling"
	TriggerMaxDisconnect     = "max-disconnect-timeout"
	TriggerReconnect         = "reconnect"
)

// Node statuses.
const (
	NodeStatusInit         = "initializing"
	NodeStatusReady        = "ready"
	NodeStatusDown         = "down"
	NodeStatusDisconnected = "disconnected"
)

// Statuses of the last drain of a node.
const (
	DrainStatusDraining = "draining"
	DrainStatusComplete = "complete"
	DrainStatusCanceled = "canceled"
)

// Events of drains: the subsystem and the messages.
const (
	NodeEventDrain         = "Drain"
	NodeEventDrainSet      = "Node drain strategy set"
	NodeEventDrainUnset    = "Node drain strategy unset"
	NodeEventDrainComplete = "Node drain complete"
)

// Scheduling eligibility of a node.
const (
	NodeEligible   = "eligible"
	NodeIneligible = "ineligible"
)

// Deployment statuses.
const (
	DeploymentRunning    = "running"
	DeploymentPaused     = "paused"
	DeploymentFailed     = "failed"
	DeploymentSuccessful = "successful"
	DeploymentCancelled  = "cancelled"
)

// Status descriptions of deployments (scheduler.md 9.1).
const (
	DeploymentDescRunning        = "Deployment is running"
	DeploymentDescNeedsPromotion = "Deployment is running but requires manual promotion"
	DeploymentDescAutoPromotion  = "Deployment is running pending automatic promotion"
	DeploymentDescSuccessful     = "Deployment completed successfully"
	DeploymentDescStopped        = "Cancelled because job is stopped"
	DeploymentDescNewer          = "Cancelled due to newer version of job"
	DeploymentDescUnhealthy      = "Failed due to unhealthy allocations"
	DeploymentDescDeadline       = "Failed due to progress deadline"
)

// AllocFieldClientStatus is the Field of an AllocState that records a change of the client status.
const AllocFieldClientStatus = "ClientStatus"

// Constraint operators with their own rules (jobspec.md 6.1).
const (
	OpDistinctHosts    = "distinct_hosts"
	OpDistinctProperty = "distinct_property"
	OpRegexp           = "regexp"
	OpVersion          = "version"
	OpSemver           = "semver"
	OpSetContains      = "set_contains"
	OpSetContainsAll   = "set_contains_all"
	OpSetContainsAny   = "set_contains_any"
	OpIsSet            = "is_set"
	OpIsNotSet         = "is_not_set"
)

// Scheduler algorithms.
const (
	AlgorithmBinpack = "binpack"
	AlgorithmSpread  = "spread"
)
