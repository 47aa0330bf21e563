// SPDX-License-Identifier: MPL-2.0

package network

import (
	"cmp"
	"errors"
	"slices"

	"github.com/containernetworking/cni/pkg/types"
	types100 "github.com/containernetworking/cni/pkg/types/100"

	"github.com/nomadlike/nomadlike/api"
)

// status is the address that the plugins gave: that of the first interface, by name, inside the namespace
// which has one, or else of any interface (drivers.md 11.5).
func status(result types.Result) (*api.AllocNetworkStatus, error) {
	res, err := types100.NewResultFromResult(result)
	if err != nil {
		return nil, err
	}
	type candidate struct {
		outside  bool
		name     string
		ip4, ip6 string
	}
	var found []candidate
	for i, in := range res.Interfaces {
		c := candidate{outside: in.Sandbox == "", name: in.Name}
		for _, ip := range res.IPs {
			switch {
			case ip.Interface == nil || *ip.Interface != i:
			case ip.Address.IP.To4() != nil:
				c.ip4 = cmp.Or(c.ip4, ip.Address.IP.String())
			default:
				c.ip6 = cmp.Or(c.ip6, ip.Address.IP.String())
			}
		}
		if c.ip4 != "" || c.ip6 != "" {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("the network plugins gave the allocation no address")
	}
	best := slices.MinFunc(found, func(a, b candidate) int {
		if a.outside != b.outside {
			if a.outside {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.name, b.name)
	})
	out := &api.AllocNetworkStatus{InterfaceName: best.name, Address: cmp.Or(best.ip4, best.ip6), AddressIPv6: best.ip6}
	if len(res.DNS.Nameservers) > 0 {
		out.DNS = &api.DNSConfig{Servers: res.DNS.Nameservers, Searches: res.DNS.Search, Options: res.DNS.Options}
	}
	return out, nil
}
