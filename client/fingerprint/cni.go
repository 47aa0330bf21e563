// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// pluginPrefix begins the attributes with the versions of CNI plugins.
const pluginPrefix = "plugins.cni.version."

// AllocNetworks are the networks besides the host's that allocations can be given.
type AllocNetworks interface {
	// Versions are those of the installed CNI plugins, by name.
	Versions() map[string]string
	// Names are those of the networks that the operator has configured.
	Names() ([]string, error)
}

// cni finds the plugins and the networks that they make.
func cni(cfg *Config, f *Facts) error {
	for name := range f.Attributes {
		if strings.HasPrefix(name, pluginPrefix) {
			delete(f.Attributes, name)
		}
	}
	if cfg.AllocNetworks == nil {
		return nil
	}
	for name, version := range cfg.AllocNetworks.Versions() {
		f.set(pluginPrefix+name, version)
	}
	names, err := cfg.AllocNetworks.Names()
	for _, name := range names {
		f.offer("cni/" + name)
	}
	return err
}

// bridge offers the node's bridge if there can be one.
func bridge(cfg *Config, f *Facts) error {
	f.set("nomad.bridge.hairpin_mode", strconv.FormatBool(cfg.Hairpin))
	if cfg.Bridge {
		f.offer(api.NetworkModeBridge)
	}
	return nil
}

// offer adds a network mode before the networks of the host.
func (f *Facts) offer(mode string) {
	f.Resources.NodeNetworks = slices.Insert(f.Resources.NodeNetworks, 0, &api.NodeNetworkResource{Mode: mode})
	f.Resources.Networks = slices.Insert(f.Resources.Networks, 0, &api.NetworkResource{Mode: mode})
}
