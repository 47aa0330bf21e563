// SPDX-License-Identifier: MPL-2.0

package command

import (
	"flag"
	"strings"
	"testing"
)

// TestNegativeFlags: numbers below zero are passed on, to be refused like those of files.
func TestNegativeFlags(t *testing.T) {
	for args, want := range map[string]string{
		"-server -bootstrap-expect=-1":  "server.bootstrap_expect must not be negative",
		"-server -retry-max=-1":         "server.server_join: retry_max and retry_interval must not be negative",
		"-server -retry-interval=-1s":   "server.server_join: retry_max and retry_interval must not be negative",
		"-server -raft-protocol=-1":     "server.raft_protocol: only 3 is supported",
		"-client -network-speed=-1":     "client.network_speed: must not be negative",
		"-client -servers=10.0.0.1,":    `client.servers: server address ""`,
		"-client -servers=10.0.0.1,b:c": `client.servers: server address "b:c"`,
	} {
		fl := &agentFlags{text: map[string]*string{}}
		set := flag.NewFlagSet("agent", flag.ContinueOnError)
		fl.register(set)
		if err := set.Parse(append(strings.Fields(args), "-data-dir", t.TempDir(), "-bind", "127.0.0.1")); err != nil {
			t.Fatal(err)
		}
		cfg, err := fl.config()
		if err != nil {
			t.Fatal(err)
		}
		cfg.Advertise.RPC, cfg.Advertise.Serf = "127.0.0.1", "127.0.0.1"
		if err = cfg.EnsureDefaults(); err == nil {
			err = cfg.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}
