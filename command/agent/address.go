// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-sockaddr/template"
)

func (c *Config) resolveAddresses() error {
	bind, err := resolveOne("bind_addr", c.BindAddr)
	if err != nil {
		return err
	}
	c.BindAddr = bind
	for _, a := range []struct {
		key       string
		bind, adv *string
		port      int
	}{
		{"http", &c.Addresses.HTTP, &c.Advertise.HTTP, c.Ports.HTTP},
		{"rpc", &c.Addresses.RPC, &c.Advertise.RPC, c.Ports.RPC},
		{"serf", &c.Addresses.Serf, &c.Advertise.Serf, c.Ports.Serf},
	} {
		orDefault(a.bind, c.BindAddr)
		hosts, err := resolveAll("addresses."+a.key, *a.bind)
		if err != nil {
			return err
		}
		*a.bind = strings.Join(hosts, " ")
		if *a.adv, err = c.advertise(a.key, *a.adv, hosts, a.port); err != nil {
			return err
		}
	}
	return nil
}

// hosts returns the addresses of a resolved entry of Addresses, at least one.
func hosts(entry string) []string { return strings.Fields(entry) }

// advertise settles what others are told (agent-config.md 2.1).
func (c *Config) advertise(key, adv string, bound []string, port int) (string, error) {
	if adv != "" {
		adv, err := resolveOne("advertise."+key, adv)
		if err != nil {
			return "", err
		}
		if adv = withPort(adv, port); !usableAddress(adv) {
			return "", fmt.Errorf("advertise.%s: %q is not of the form host or host:port", key, adv)
		}
		// That of http is told to people and programs on this machine too, which reach it.
		if host, _, _ := net.SplitHostPort(adv); key != "http" && c.Server.Enabled && net.ParseIP(host).IsUnspecified() {
			return "", fmt.Errorf("advertise.%s: %q is no address that others reach; name one of this machine, {{ GetPrivateIP }} for example", key, host)
		}
		return adv, nil
	}
	bind := bound[0]
	if i := slices.IndexFunc(bound, isUnicast); i >= 0 {
		bind = bound[i]
	}
	ip := net.ParseIP(bind)
	switch {
	case ip != nil && ip.IsUnspecified():
		if bind = ownAddress(ip.To4() != nil); bind == "" {
			return "", fmt.Errorf("no private address found to advertise for %s; set advertise { %s = ... }", key, key)
		}
	case ip != nil && ip.IsLoopback() && !c.Dev && c.Server.Enabled && key != "http":
		return "", errors.New("Defaulting advertise to localhost is unsafe, please set advertise manually") //nolint:staticcheck // the contract's text
	}
	return net.JoinHostPort(bind, strconv.Itoa(port)), nil
}

// ownAddress is the private address of this machine, or "".
//
// Compat: who listens on all IPv4 addresses is not told of by an IPv6 address, which nobody would reach, but by that of the
// default route.
func ownAddress(ipv4 bool) string {
	private, err := template.Parse("{{ GetPrivateIP }}")
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(private); ipv4 && ip != nil && ip.To4() == nil {
		other, err := template.Parse(`{{ GetDefaultInterfaces | include "type" "IPv4" | limit 1 | attr "address" }}`)
		if err == nil && other != "" {
			return other
		}
	}
	return private
}

// isUnicast says whether others can be told the address.
func isUnicast(host string) bool {
	ip := net.ParseIP(host)
	return ip == nil || ip.IsGlobalUnicast()
}

// withPort adds the port to an address that has none.
func withPort(addr string, port int) string {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	return net.JoinHostPort(strings.Trim(addr, "[]"), strconv.Itoa(port))
}

// resolveAll returns the addresses that a setting gives: those of a template, or those it lists itself.
func resolveAll(key, v string) ([]string, error) {
	if strings.Contains(v, "{{") {
		out, err := template.Parse(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if strings.Trim(out, " []\n\t") == "" {
			return nil, fmt.Errorf("%s: the template %q gives no address", key, v)
		}
		v = out
	}
	var out []string
	for host := range strings.FieldsSeq(v) {
		if host = strings.Trim(host, "[]"); !slices.Contains(out, host) {
			out = append(out, host)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: want at least one address", key)
	}
	return out, nil
}

func resolveOne(key, v string) (string, error) {
	if !strings.Contains(v, "{{") {
		if f := strings.Fields(v); len(f) != 1 {
			return "", fmt.Errorf("%s: %q are %d addresses, want one", key, v, len(f))
		}
		return v, nil
	}
	out, err := template.Parse(v)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	if f := strings.Fields(out); len(f) != 1 {
		return "", fmt.Errorf("%s: the template %q gives %d addresses, want one", key, v, len(f))
	}
	return strings.TrimSpace(out), nil
}
