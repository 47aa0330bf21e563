// SPDX-License-Identifier: MPL-2.0

package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/containernetworking/cni/libcni"
)

// cniPrefix begins the modes of networks that the operator has configured.
const cniPrefix = "cni/"

// bridge is the chain of plugins of bridge mode (drivers.md 11.3).
func (m *Manager) bridge() (*libcni.NetworkConfigList, error) {
	type object = map[string]any
	ranges := [][]object{{{"subnet": m.cfg.Subnet}}}
	routes := []object{{"dst": "0.0.0.0/0"}}
	if m.cfg.SubnetIPv6 != "" {
		ranges = append(ranges, []object{{"subnet": m.cfg.SubnetIPv6}})
		routes = append(routes, object{"dst": "::/0"})
	}
	text, err := json.Marshal(object{
		"cniVersion": "0.4.0", "name": bridgeList,
		"plugins": []object{
			{"type": "loopback"},
			{
				"type": "bridge", "bridge": m.cfg.Bridge, "ipMasq": true, "isGateway": true, "forceAddress": true,
				"hairpinMode": m.cfg.Hairpin,
				"ipam":        object{"type": "host-local", "ranges": ranges, "routes": routes, "dataDir": dataDir},
			},
			{"type": "firewall", "backend": "iptables", "iptablesAdminChainName": adminChain},
			{"type": "portmap", "capabilities": object{"portMappings": true}, "snat": true},
		},
	})
	if err != nil {
		return nil, err
	}
	return libcni.NetworkConfFromBytes(text)
}

// lists reads the networks that the operator has configured, by name. A file that cannot be used is part of
// the error, the others are returned. A directory that is not there has none.
func lists(dir string) (map[string]*libcni.NetworkConfigList, error) {
	files, err := libcni.ConfFiles(dir, []string{".conf", ".conflist", ".json"})
	if err != nil {
		return nil, fmt.Errorf("list the networks in %s: %w", dir, err)
	}
	found := map[string]*libcni.NetworkConfigList{}
	var errs []error
	for _, file := range slices.Sorted(slices.Values(files)) {
		list, err := read(file)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		case found[list.Name] != nil:
			errs = append(errs, fmt.Errorf("%s: network %q is defined in another file too", file, list.Name))
		default:
			found[list.Name] = list
		}
	}
	return found, errors.Join(errs...)
}

// read reads a file with a chain of plugins, or with one plugin.
func read(file string) (*libcni.NetworkConfigList, error) {
	list, err := libcni.NetworkConfFromFile(file)
	if err == nil && len(list.Plugins) > 0 {
		return list, nil
	}
	//nolint:staticcheck // Files with a single plugin are part of the contract, and nothing else reads them.
	one, e := libcni.ConfFromFile(file)
	if e != nil {
		return nil, errors.Join(err, e)
	}
	return libcni.ConfListFromConf(one) //nolint:staticcheck // see above
}

// Names returns the names of the networks that the operator has configured, sorted.
func (m *Manager) Names() ([]string, error) {
	all, err := lists(m.cfg.ConfigDir)
	return slices.Sorted(maps.Keys(all)), err
}
