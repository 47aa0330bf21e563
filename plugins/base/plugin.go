// SPDX-License-Identifier: MPL-2.0

// Package base is the contract that every plugin meets, whatever its type:
// who it is, which configuration it takes, and what it is told of the agent.
//
// The contract itself (this file and topology.go) is plain Go. The gRPC glue
// in client.go, server.go and convert.go carries it over the published
// protocol. The package must not import package drivers, package device or
// anything of the agent.
package base

import (
	"context"

	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// Type is the kind of a plugin.
type Type string

// The kinds of plugin that exist.
const (
	TypeDriver Type = "driver"
	TypeDevice Type = "device"
)

// APIVersion is the version of the driver and of the device API that this
// module speaks, in the spelling that is sent over the wire.
const APIVersion = "v0.1.0"

// Plugin is what every plugin implements.
type Plugin interface {
	// PluginInfo describes the plugin. It is called before SetConfig.
	PluginInfo(ctx context.Context) (*Info, error)

	// ConfigSchema is the schema of the plugin's agent-level configuration.
	// A nil schema says that the plugin takes no configuration.
	ConfigSchema(ctx context.Context) (*hclspec.Spec, error)

	// SetConfig hands over the decoded configuration. It may be called
	// several times in one process; the last call wins.
	SetConfig(ctx context.Context, config *Config) error
}

// Info describes a plugin.
type Info struct {
	// Type says which contract the plugin serves besides this one.
	Type Type

	// APIVersions are the versions of that contract the plugin speaks.
	APIVersions []string

	// Version is that of the plugin itself and must parse as a version.
	Version string

	// Name identifies the plugin among those of its type; a driver's name is
	// what jobs refer to.
	Name string
}

// Config is what SetConfig hands to a plugin.
type Config struct {
	// Values is the msgpack encoding of the configuration, decoded and
	// defaulted by the plugin's own schema. It is empty only for plugins
	// without a schema, and under hosts that have no values to send.
	Values []byte

	// Driver is what a driver needs to know of the agent. It is nil while a
	// host only validates the configuration.
	Driver *DriverHost

	// APIVersion is the negotiated version, in the plugin's own spelling.
	APIVersion string
}

// Decode decodes the values into a struct with codec tags, which stays as it is where none were sent.
func (c *Config) Decode(into any) error {
	if len(c.Values) == 0 {
		return nil
	}
	return hclspec.Decode(c.Values, into)
}

// DriverHost is what an agent tells its drivers about itself.
type DriverHost struct {
	// ClientMinPort and ClientMaxPort bound the TCP ports that a driver's
	// helper processes may listen on, both inclusive.
	ClientMinPort uint32
	ClientMaxPort uint32

	// Topology is the hardware of the node.
	Topology *Topology
}
