// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/sim"
)

func simNodesCommand() *spec {
	var (
		servers string
		cfg     sim.Config
	)
	return &spec{
		usage: "sim nodes [options]", synopsis: "Simulate many nodes", serves: true,
		long: `Registers simulated nodes with the servers and plays their part until it is interrupted: heartbeats, allocation
watches and status reports over the real protocol, with tasks that count as running at once (mock_driver).

Example:

    $ nomadlike sim nodes -servers 127.0.0.1:4647 -count 1000 -cpu 4000 -memory 8192`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&servers, "servers", "127.0.0.1:4647", "Comma separated `list` of RPC addresses of servers.")
			f.IntVar(&cfg.Count, "count", 100, "The number `n` of nodes.")
			f.Int64Var(&cfg.CPU, "cpu", 4000, "`MHz` of CPU a node.")
			f.Int64Var(&cfg.MemoryMB, "memory", 8192, "`MiB` of memory a node.")
			f.Int64Var(&cfg.DiskMB, "disk", 100<<10, "`MiB` of disk a node.")
			f.StringVar(&cfg.Datacenter, "datacenter", "dc1", "The nodes' datacenter `name`.")
			f.StringVar(&cfg.Class, "class", "", "The nodes' class `name`.")
			f.StringVar(&cfg.Pool, "pool", "default", "The nodes' pool `name`.")
			f.StringVar(&cfg.Name, "name", "sim", "What the nodes' names begin with, `text`.")
		},
		run: func(ctx context.Context, m *meta, _ []string) error {
			cfg.Servers = strings.Split(servers, ",")
			cfg.Logger = hclog.New(&hclog.LoggerOptions{Name: "sim", Level: hclog.Warn, Output: m.err})
			fleet, err := sim.New(cfg)
			if err != nil {
				return err
			}
			done := make(chan error, 1)
			go func() { done <- fleet.Run(ctx) }()
			select {
			case <-fleet.Ready():
				fmt.Fprintf(m.out, "%s registered; they run until interrupted\n", count(cfg.Count, "node"))
			case err := <-done:
				return err
			}
			err = <-done
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the user has enough
			}
			return err
		},
	}
}
