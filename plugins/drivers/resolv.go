// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"bytes"
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
