// SPDX-License-Identifier: MPL-2.0

// Package device is the contract between the agent and a device plugin, and
// the gRPC glue that carries it over the published plugin protocol.
//
// The contract (this file) is plain Go; client.go, server.go and convert.go
// alone know protobuf and gRPC. The package must not import package drivers or
// anything of the agent.
package device

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// TypeGPU is the conventional type of graphics processors.
const TypeGPU = "gpu"

// ErrDisabled is the answer of a plugin that its configuration turns off.
var ErrDisabled = errors.New("device is not enabled")

// wireErrors are the errors that cross the wire by their text.
var wireErrors = base.WireErrors{base.ErrPluginShutdown, ErrDisabled}

// Plugin detects devices, reserves them for tasks and reports their use.
//
// Channels that a method returns are closed by the plugin, at the latest when
// the context ends; the last message of a failed stream carries Err alone.
type Plugin interface {
	base.Plugin

	// Fingerprint streams the devices; each message is complete. A plugin may
	// stay silent while nothing changes, even at first.
	Fingerprint(ctx context.Context) (<-chan *Fingerprint, error)

	// Reserve says how a task gets at the devices with the given IDs. It is
	// idempotent, and an ID that is not known is an error.
	Reserve(ctx context.Context, deviceIDs []string) (*Reservation, error)

	// Stats streams statistics of all devices, one message per interval.
	Stats(ctx context.Context, interval time.Duration) (<-chan *Stats, error)
}

// Fingerprint is the complete list of devices.
type Fingerprint struct {
	Groups []*Group
	Err    error
}

// Group is a set of devices with the same vendor, type and name.
type Group struct {
	Vendor     string
	Type       string
	Name       string
	Devices    []*Device
	Attributes map[string]*values.Attribute
}

// Validate reports all that is missing or wrong in a group.
func (g *Group) Validate() error {
	var errs []error
	if g.Vendor == "" {
		errs = append(errs, errors.New("device group has no vendor"))
	}
	if g.Type == "" {
		errs = append(errs, errors.New("device group has no type"))
	}
	if g.Name == "" {
		errs = append(errs, errors.New("device group has no name"))
	}
	seen := make(map[string]bool, len(g.Devices))
	for _, device := range g.Devices {
		switch {
		case device == nil || device.ID == "":
			errs = append(errs, errors.New("device has no ID"))
		case seen[device.ID]:
			errs = append(errs, fmt.Errorf("device %q is listed twice", device.ID))
		default:
			seen[device.ID] = true
		}
	}
	for name, attribute := range g.Attributes {
		if err := attribute.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("attribute %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Device is one device of a group.
type Device struct {
	ID                string
	Healthy           bool
	HealthDescription string

	// PCIBusID says where the device sits; empty when it is not known.
	PCIBusID string
}

// Reservation is what a task is given to use its devices.
type Reservation struct {
	Envs    map[string]string
	Mounts  []*Mount
	Devices []*Spec
}

// Validate reports variables that no process can have in its environment.
func (r *Reservation) Validate() error {
	var errs []error
	for name, value := range r.Envs {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(value, "\x00") {
			errs = append(errs, fmt.Errorf("the variable %q of the environment has no name, an equals sign in it, or a zero byte", name))
		}
	}
	return errors.Join(errs...)
}

// Mount is a path of the host to be shown to a task.
type Mount struct {
	TaskPath string
	HostPath string
	ReadOnly bool
}

// Spec is a device node of the host to be shown to a task.
type Spec struct {
	TaskPath string
	HostPath string

	// Permissions is a subset of "rwm".
	Permissions string
}

// Stats is one sample of the statistics of all devices.
type Stats struct {
	Groups []*GroupStats
	Err    error
}

// GroupStats are the statistics of a group, by device ID.
type GroupStats struct {
	Vendor    string
	Type      string
	Name      string
	Instances map[string]*InstanceStats
}

// InstanceStats are the statistics of one device.
type InstanceStats struct {
	// Summary is the one value that stands for the rest.
	Summary   *values.Stat
	Stats     *values.Stats
	Timestamp time.Time
}
