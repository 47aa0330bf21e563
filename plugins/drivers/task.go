// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"bytes"
	"maps"
	"path/filepath"
	"slices"

	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// TaskConfig is everything a driver is told of a task.
type TaskConfig struct {
	// ID is new for each start attempt: <alloc id>/<task name>/<8 hex digits>.
	ID string

	// Name is that of the task in the job.
	Name string

	JobID         string
	JobName       string
	ParentJobID   string `json:",omitempty"`
	TaskGroupName string
	Namespace     string
	NodeID        string
	NodeName      string
	AllocID       string

	// DriverConfig is the msgpack encoding of the task's config block, decoded
	// by the driver's schema. It is never empty in StartTask. Read it with
	// DecodeDriverConfig.
	DriverConfig []byte

	// Env is the complete environment of the task. DeviceEnv repeats those
	// variables of it that device plugins contributed.
	Env       map[string]string
	DeviceEnv map[string]string `json:",omitempty"`

	// User is the user to run as; empty means the driver's default.
	User string `json:",omitempty"`

	Resources *Resources
	Mounts    []*Mount  `json:",omitempty"`
	Devices   []*Device `json:",omitempty"`

	// AllocDir is the directory of the allocation on the host. TaskDir and its
	// siblings derive the rest.
	AllocDir string

	// StdoutPath and StderrPath are FIFOs (named pipes on Windows) that the
	// agent reads, or the null device when logs are disabled.
	StdoutPath string
	StderrPath string

	// NetworkIsolation is nil when the group uses the network of the host.
	NetworkIsolation *NetworkIsolationSpec `json:",omitempty"`

	// DNS is nil when the task uses the name servers of the host.
	DNS *DNSConfig `json:",omitempty"`
}

// TaskDir is the task's own directory on the host.
func (c *TaskConfig) TaskDir() string { return filepath.Join(c.AllocDir, c.Name) }

// LocalDir is the task's private data directory on the host.
func (c *TaskConfig) LocalDir() string { return filepath.Join(c.AllocDir, c.Name, "local") }

// SecretsDir is the task's directory for secrets on the host.
func (c *TaskConfig) SecretsDir() string { return filepath.Join(c.AllocDir, c.Name, "secrets") }

// SharedDir is the directory that all tasks of the allocation share, on the
// host.
func (c *TaskConfig) SharedDir() string { return filepath.Join(c.AllocDir, "alloc") }

// DecodeDriverConfig decodes the task's config block into a struct with codec
// tags.
func (c *TaskConfig) DecodeDriverConfig(into any) error {
	return hclspec.Decode(c.DriverConfig, into)
}

// Copy returns a deep copy.
func (c *TaskConfig) Copy() *TaskConfig {
	if c == nil {
		return nil
	}
	dup := *c
	dup.DriverConfig = bytes.Clone(c.DriverConfig)
	dup.Env = maps.Clone(c.Env)
	dup.DeviceEnv = maps.Clone(c.DeviceEnv)
	dup.Resources = c.Resources.Copy()
	dup.Mounts = copyEach(c.Mounts)
	dup.Devices = copyEach(c.Devices)
	dup.NetworkIsolation = c.NetworkIsolation.Copy()
	dup.DNS = c.DNS.Copy()
	return &dup
}

// copyEach copies a slice and the values its elements point to.
func copyEach[T any](in []*T) []*T {
	out := slices.Clone(in)
	for i, v := range out {
		if v != nil {
			dup := *v
			out[i] = &dup
		}
	}
	return out
}

// Mount is a directory or file of the host to be shown to a task.
type Mount struct {
	TaskPath string
	HostPath string
	Readonly bool

	// Propagation is PropagationPrivate when empty.
	Propagation string `json:",omitempty"`

	SELinuxLabel string `json:",omitempty"`

	// RequestName is the name of the volume request the mount stems from.
	RequestName string `json:",omitempty"`
}

// The modes of mount propagation.
const (
	PropagationPrivate       = "private"
	PropagationHostToTask    = "host-to-task"
	PropagationBidirectional = "bidirectional"
)

// Device is a device node of the host to be shown to a task.
type Device struct {
	TaskPath string
	HostPath string

	// Permissions is a subset of "rwm".
	Permissions string
}

// DNSConfig replaces the name servers of the host.
type DNSConfig struct {
	Servers  []string
	Searches []string
	Options  []string
}

// Copy returns a deep copy.
func (d *DNSConfig) Copy() *DNSConfig {
	if d == nil {
		return nil
	}
	return &DNSConfig{
		Servers:  slices.Clone(d.Servers),
		Searches: slices.Clone(d.Searches),
		Options:  slices.Clone(d.Options),
	}
}
