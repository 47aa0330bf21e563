// SPDX-License-Identifier: MPL-2.0

package client

import "testing"

// TestBindHostIP: a port of a host network is not open on the others; without any it is open on all unless that is switched off.
func TestBindHostIP(t *testing.T) {
	private := []*HostNetworkConfig{{Name: "private", CIDR: "10.0.0.0/8"}}
	for name, tc := range map[string]struct {
		wildcard *bool
		networks []*HostNetworkConfig
		want     bool
	}{
		"default":                   {},
		"on":                        {wildcard: new(true)},
		"off":                       {wildcard: new(false), want: true},
		"default with host network": {networks: private, want: true},
		"on with host network":      {wildcard: new(true), networks: private, want: true},
		"off with host network":     {wildcard: new(false), networks: private, want: true},
	} {
		cfg := Config{BindWildcardDefaultHostNetwork: tc.wildcard, HostNetworks: tc.networks}
		if got := cfg.bindHostIP(); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
