// SPDX-License-Identifier: MPL-2.0

// Package drivers is the contract between the agent and a task driver, and the
// gRPC glue that carries it over the published plugin protocol.
//
// A driver author implements Driver and hands it to plugins.Serve; the agent
// gets a Driver back from plugins/host and cannot tell whether it talks to a
// driver of this module or to a third party's binary.
//
// The contract (driver.go, task.go, resources.go, handle.go, status.go,
// stats.go, exec.go, network.go, errors.go, unsupported.go) is plain Go; the
// glue (client*.go, server*.go, convert*.go) alone knows protobuf and gRPC.
// The package must not import anything of the agent.
package drivers

import (
	"context"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// Driver starts and supervises tasks.
//
// All methods may be called concurrently, for different tasks and for the same
// one. A task is named by TaskConfig.ID; a method given an ID that the driver
// does not know returns ErrTaskNotFound. Cancelling the context of a call ends
// the call, never the task.
//
// Channels that a method returns are closed by the driver, at the latest when
// the context ends. A receiver may stop receiving only after cancelling the
// context, so a driver sends with a select on it.
type Driver interface {
	base.Plugin

	// Init is called once after the final SetConfig, and again each time an
	// agent reattaches to the running plugin.
	Init(ctx context.Context) error

	// TaskConfigSchema is the schema of a task's config block. It must not be
	// nil; a driver without options returns an empty hclspec.Object.
	TaskConfigSchema(ctx context.Context) (*hclspec.Spec, error)

	// Capabilities says what the driver can do.
	Capabilities(ctx context.Context) (*Capabilities, error)

	// Fingerprint streams the driver's health. Each message is complete; the
	// first one must come promptly, later ones on change or periodically.
	Fingerprint(ctx context.Context) (<-chan *Fingerprint, error)

	// RecoverTask takes control again of a task that an earlier process of
	// the plugin started, so that all other methods work for it. It succeeds
	// without change for a task that is already known, may succeed for one
	// that has exited meanwhile, and fails when the task cannot be found.
	RecoverTask(ctx context.Context, handle *TaskHandle) error

	// StartTask returns when the task runs or has failed to. The handle must
	// have a version of at least 1 and all that RecoverTask needs. The
	// override is optional. An error restarts the task only when it is marked
	// by NewRecoverableError. An ID that is already known is refused.
	StartTask(ctx context.Context, config *TaskConfig) (*TaskHandle, *NetworkOverride, error)

	// WaitTask returns when the task has exited, at once if it already has.
	// It can be called any number of times until DestroyTask. An error means
	// that the exit could not be observed.
	WaitTask(ctx context.Context, taskID string) (*ExitResult, error)

	// StopTask sends the signal (the driver's default when empty), waits up to
	// the timeout and then kills. It returns when the task has stopped, and
	// nil for a task that had exited already. The task stays known.
	StopTask(ctx context.Context, taskID string, timeout time.Duration, signal string) error

	// DestroyTask frees all that the task holds and forgets it. A running
	// task is an error without force, and killed first with it.
	DestroyTask(ctx context.Context, taskID string, force bool) error

	// InspectTask returns the status of a task.
	InspectTask(ctx context.Context, taskID string) (*TaskStatus, error)

	// TaskStats streams resource usage, one message per interval. A failure
	// arrives as a last message with Err set, ErrStatsUnsupported when it is
	// for good; a stream may also stay silent or end at any time.
	TaskStats(ctx context.Context, taskID string, interval time.Duration) (<-chan *TaskStats, error)

	// TaskEvents streams events of all tasks of the driver.
	TaskEvents(ctx context.Context) (<-chan *TaskEvent, error)

	// SignalTask sends a signal by name, for example SIGHUP.
	SignalTask(ctx context.Context, taskID, signal string) error

	// ExecTask runs a command inside the task and collects its output. A
	// command that outlives the timeout is an error.
	ExecTask(ctx context.Context, taskID string, command []string, timeout time.Duration) (*ExecResult, error)

	// ExecTaskStreaming runs a command inside the task with live input and
	// output, and returns when it has ended and its output is written.
	ExecTaskStreaming(ctx context.Context, taskID string, opts *ExecOptions) (*ExitResult, error)

	// CreateNetwork makes the network namespace of an allocation, for drivers
	// with the capability MustCreateNetwork. It is idempotent per allocation;
	// created is false when the namespace existed. A nil spec means that
	// there is nothing to isolate.
	CreateNetwork(ctx context.Context, allocID string, request *NetworkRequest) (
		spec *NetworkIsolationSpec, created bool, err error)

	// DestroyNetwork removes what CreateNetwork made. It is idempotent.
	DestroyNetwork(ctx context.Context, allocID string, spec *NetworkIsolationSpec) error

	// Shutdown tells the driver that the agent is about to end the plugin
	// process. It must be quick and must not stop tasks.
	Shutdown(ctx context.Context) error
}

// Capabilities says what a driver can do.
type Capabilities struct {
	// SendSignals and Exec are informational: hosts do not gate calls on them.
	SendSignals bool
	Exec        bool

	// FSIsolation is the file system view of a task.
	FSIsolation FSIsolation

	// NetworkIsolationModes are the supported modes. Host mode works for every
	// driver, listed or not.
	NetworkIsolationModes []NetworkIsolationMode

	// MustCreateNetwork says that CreateNetwork has to be called instead of
	// the agent making the namespace of a group.
	MustCreateNetwork bool

	// MountConfigs says whether volumes can be mounted into tasks.
	MountConfigs MountConfigs

	// DisableLogCollection says that the agent should not collect logs.
	DisableLogCollection bool

	// DynamicWorkloadUsers says that tasks may run as user IDs that the
	// operating system does not know.
	DynamicWorkloadUsers bool
}

// HasNetworkIsolationMode reports whether the driver supports the mode.
func (c *Capabilities) HasNetworkIsolationMode(mode NetworkIsolationMode) bool {
	if mode == NetworkIsolationHost {
		return true
	}
	return slices.Contains(c.NetworkIsolationModes, mode)
}

// FSIsolation is the file system view that a driver gives its tasks.
type FSIsolation string

// The file system views that exist.
const (
	// FSIsolationNone lets the task see the file system of the host.
	FSIsolationNone FSIsolation = "none"

	// FSIsolationChroot makes the task directory the root of the task.
	FSIsolationChroot FSIsolation = "chroot"

	// FSIsolationImage gives the task a root of its own, such as an image.
	FSIsolationImage FSIsolation = "image"

	// FSIsolationUnveil hides all of the host but named paths.
	FSIsolationUnveil FSIsolation = "unveil"
)

// MountConfigs says whether a driver mounts volumes into tasks.
type MountConfigs int32

// The mount support that exists.
const (
	// MountConfigsAny mounts whatever is asked for.
	MountConfigsAny MountConfigs = iota

	// MountConfigsNone mounts nothing; volumes are an error for the task.
	MountConfigsNone
)

// HealthState is the health of a driver on a node.
type HealthState string

// The states of health that exist.
const (
	// HealthUndetected means that the driver is not present on the node.
	HealthUndetected HealthState = "undetected"

	// HealthUnhealthy means that it is present and cannot be used.
	HealthUnhealthy HealthState = "unhealthy"

	// HealthHealthy means that it is present and usable.
	HealthHealthy HealthState = "healthy"
)

// Fingerprint is a complete snapshot of a driver's health.
type Fingerprint struct {
	// Attributes are merged into the attributes of the node. One with an empty
	// text is removed from the node; one that is omitted keeps its value.
	Attributes map[string]*values.Attribute

	// Health and HealthDescription say how usable the driver is and why.
	Health            HealthState
	HealthDescription string

	// Err is set when fingerprinting itself failed; the rest is then void.
	Err error
}

// TaskEvent is something a driver has to say about a task.
type TaskEvent struct {
	TaskID    string
	TaskName  string
	AllocID   string
	Timestamp time.Time

	// Message is for people; Annotations are details of it.
	Message     string
	Annotations map[string]string

	// Err is set, and nothing else, in the last message of a stream that
	// failed.
	Err error
}
