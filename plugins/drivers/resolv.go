// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"bytes"
	"fmt"
	"strings"
)

// ResolvConf returns the resolver configuration of a task: that of the host,
// with the parts replaced that are given. Drivers that give tasks a file system
// of their own show it to them as /etc/resolv.conf.
func ResolvConf(host []byte, dns *DNSConfig) []byte {
	if dns == nil || len(dns.Servers)+len(dns.Searches)+len(dns.Options) == 0 {
		return host
	}
	var kept struct{ servers, searches, options []string }
	for line := range bytes.Lines(host) {
		words := strings.Fields(string(line))
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			kept.servers = append(kept.servers, words[1])
		case "search", "domain":
			kept.searches = words[1:]
		case "options":
			kept.options = append(kept.options, words[1:]...)
		}
	}
	choose := func(given, host []string) []string {
		if len(given) > 0 {
			return given
		}
		return host
	}
	var out bytes.Buffer
	if searches := choose(dns.Searches, kept.searches); len(searches) > 0 {
		out.WriteString("search " + strings.Join(searches, " ") + "\n")
	}
	for _, server := range choose(dns.Servers, kept.servers) {
		out.WriteString("nameserver " + server + "\n")
	}
	if options := choose(dns.Options, kept.options); len(options) > 0 {
		out.WriteString("options " + strings.Join(options, " ") + "\n")
	}
	return out.Bytes()
}

// HostsFile returns the hosts file of a task in a network that has a name and an
// address.
func HostsFile(own *HostsConfig) []byte {
	return fmt.Append(nil, "127.0.0.1 localhost\n::1 localhost\n::1 ip6-localhost ip6-loopback\n"+
		"fe00::0 ip6-localnet\nff00::0 ip6-mcastprefix\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\nff02::3 ip6-allhosts\n\n"+
		"# this entry is the IP address and hostname of the allocation\n# shared with tasks in the task group's network\n",
		own.Address, " ", own.Hostname, "\n")
}
