// SPDX-License-Identifier: MPL-2.0

package network

import (
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coreos/go-iptables/iptables"
)

// family is a version of the protocol that the bridge has addresses of.
type family struct {
	protocol iptables.Protocol
	subnet   string
}

func (m *Manager) families() []family {
	all := []family{{iptables.ProtocolIPv4, m.cfg.Subnet}, {iptables.ProtocolIPv6, m.cfg.SubnetIPv6}}
	return slices.DeleteFunc(all, func(f family) bool { return f.subnet == "" })
}

// admit lets traffic to the addresses of the bridge pass the firewall (drivers.md 11.4).
func (m *Manager) admit() error {
	for _, family := range m.families() {
		tables, err := iptables.NewWithProtocol(family.protocol)
		if err != nil {
			return err
		}
		exists, err := tables.ChainExists("filter", adminChain)
		if err != nil {
			return err
		}
		if !exists {
			if err := tables.NewChain("filter", adminChain); err != nil {
				return err
			}
		}
		if err := tables.AppendUnique("filter", adminChain, "-o", m.cfg.Bridge, "-d", family.subnet, "-j", "ACCEPT"); err != nil {
			return err
		}
	}
	return nil
}

// forget removes the rules and the chain by which the packets of an allocation get the address of the host,
// which are left when its plugins could not be run to their end. It reports whether there were any.
func (m *Manager) forget(allocID string) (left bool) {
	for _, f := range m.families() {
		tables, err := iptables.NewWithProtocol(f.protocol)
		if err != nil {
			continue
		}
		rules, err := tables.List("nat", "POSTROUTING")
		if err != nil {
			continue
		}
		chains := map[string]bool{}
		for _, rule := range rules {
			if !strings.Contains(rule, `id: \"`+allocID+`\"`) || !strings.Contains(rule, `name: \"`+bridgeList+`\"`) {
				continue
			}
			// "-A POSTROUTING -s 172.26.64.5/32 -m comment --comment "..." -j CNI-0123"
			_, chain, ok := strings.Cut(rule, " -j ")
			source, found := word(rule, "-s")
			if !ok || !found {
				continue
			}
			comment := `name: "` + bridgeList + `" id: "` + allocID + `"`
			if err := tables.Delete("nat", "POSTROUTING", "-s", source, "-m", "comment", "--comment", comment, "-j", chain); err != nil {
				m.cfg.Logger.Warn("rule of a network that is gone cannot be removed", "alloc_id", allocID, "error", err)
				continue
			}
			chains[chain] = true
		}
		// One that was interrupted may have left the chain only.
		if chain := masqueradeChain(allocID); !chains[chain] {
			if exists, err := tables.ChainExists("nat", chain); err == nil && exists {
				chains[chain] = true
			}
		}
		for chain := range chains {
			left = true
			if err := tables.ClearAndDeleteChain("nat", chain); err != nil {
				m.cfg.Logger.Warn("chain of a network that is gone cannot be removed", "alloc_id", allocID, "chain", chain, "error", err)
			}
		}
	}
	return left
}

// masqueradeChain is how the plugin of the bridge calls the chain of an allocation.
func masqueradeChain(allocID string) string {
	const length = 28 // what names of chains have room for
	sum := sha512.Sum512([]byte(bridgeList + allocID))
	return ("CNI-" + hex.EncodeToString(sum[:]))[:length]
}

// sweep removes the rules for addresses of the bridge that nobody has: plugins take an address before they make rules
// for it, give it back after they have removed them, and leave them if the agent died while it was connecting.
func (m *Manager) sweep() {
	for _, f := range m.families() {
		tables, err := iptables.NewWithProtocol(f.protocol)
		if err != nil {
			continue
		}
		subnet, err := netip.ParsePrefix(f.subnet)
		if err != nil {
			continue
		}
		rules, err := tables.List("filter", forwardChain)
		if err != nil {
			continue // nobody has made the chain
		}
		for _, rule := range rules {
			// "-A CNI-FORWARD -s 172.26.64.5/32 -j ACCEPT"
			fields := strings.Fields(rule)
			if len(fields) < 4 || fields[0] != "-A" || fields[2] != "-s" && fields[2] != "-d" {
				continue
			}
			single, err := netip.ParsePrefix(fields[3])
			if err != nil || !single.IsSingleIP() || !subnet.Contains(single.Addr()) {
				continue
			}
			if _, err := os.Stat(filepath.Join(dataDir, bridgeList, single.Addr().String())); !errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err := tables.DeleteIfExists("filter", forwardChain, fields[2:]...); err != nil {
				m.cfg.Logger.Warn("rule of an address that nobody has cannot be removed", "rule", rule, "error", err)
			}
		}
	}
}

// word returns what follows a flag in a rule.
func word(rule, flag string) (string, bool) {
	words := strings.Fields(rule)
	for i := range len(words) - 1 {
		if words[i] == flag {
			return words[i+1], true
		}
	}
	return "", false
}
