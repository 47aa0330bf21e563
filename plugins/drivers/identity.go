// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"context"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// Identity answers for a driver who it is and which configuration it takes. Drivers embed it.
type Identity struct {
	name, version string
	config, task  *hclspec.Spec
}

// NewIdentity takes the name that jobs use, the driver's own version, and the schemas of the agent's plugin block
// and of a task's config block.
func NewIdentity(name, version string, config, task *hclspec.Spec) Identity {
	return Identity{name: name, version: version, config: config, task: task}
}

// PluginInfo implements Driver.
func (i Identity) PluginInfo(context.Context) (*base.Info, error) {
	return &base.Info{
		Type: base.TypeDriver, APIVersions: []string{base.APIVersion}, Version: i.version, Name: i.name,
	}, nil
}

// ConfigSchema implements Driver.
func (i Identity) ConfigSchema(context.Context) (*hclspec.Spec, error) { return i.config, nil }

// TaskConfigSchema implements Driver.
func (i Identity) TaskConfigSchema(context.Context) (*hclspec.Spec, error) { return i.task, nil }
