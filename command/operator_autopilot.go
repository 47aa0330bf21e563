// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func autopilotGetCommand() *spec {
	var out output
	return &spec{
		usage: "operator autopilot get-config [options]", synopsis: "Show the autopilot configuration", remote: true,
		long:  "Shows how the servers look after their raft peers.\n\nExample:\n\n    $ nomadlike operator autopilot get-config",
		flags: out.register,
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			cfg, _, err := api.AutopilotGet.Call(ctx, c, &api.OperatorReadRequest{})
			if err != nil {
				return doing("Error querying Autopilot configuration", err)
			}
			if out.wanted() {
				return out.print(m, cfg)
			}
			fmt.Fprintf(m.out, `CleanupDeadServers = %t
LastContactThreshold = %s
MaxTrailingLogs = %d
MinQuorum = %d
ServerStabilizationTime = %s
EnableRedundancyZones = %t
DisableUpgradeMigration = %t
EnableCustomUpgrades = %t
`, cfg.CleanupDeadServers, cfg.LastContactThreshold, cfg.MaxTrailingLogs, cfg.MinQuorum, cfg.ServerStabilizationTime,
				cfg.EnableRedundancyZones, cfg.DisableUpgradeMigration, cfg.EnableCustomUpgrades)
			return nil
		}),
	}
}

func autopilotSetCommand() *spec {
	var (
		want                       api.AutopilotConfiguration
		lastContact, stabilization time.Duration
	)
	return &spec{
		usage: "operator autopilot set-config [options]", synopsis: "Change the autopilot configuration", remote: true,
		long: `Changes the settings that are given; the others stay.

Example:

    $ nomadlike operator autopilot set-config -min-quorum 3 -cleanup-dead-servers=false`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&want.CleanupDeadServers, "cleanup-dead-servers", false, "Remove dead servers when a new one joins.")
			f.DurationVar(&lastContact, "last-contact-threshold", 0, "The `time` without contact to the leader after which a server is unhealthy.")
			f.Uint64Var(&want.MaxTrailingLogs, "max-trailing-logs", 0, "The number `n` of log entries that a healthy server may be behind.")
			f.IntVar(&want.MinQuorum, "min-quorum", 0, "The number `n` of servers below which none are removed.")
			f.DurationVar(&stabilization, "server-stabilization-time", 0, "The `time` that a server must be healthy before it may vote.")
			f.BoolVar(&want.EnableRedundancyZones, "enable-redundancy-zones", false, "A setting of the commercial edition.")
			f.BoolVar(&want.DisableUpgradeMigration, "disable-upgrade-migration", false, "A setting of the commercial edition.")
			f.BoolVar(&want.EnableCustomUpgrades, "enable-custom-upgrades", false, "A setting of the commercial edition.")
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			cfg, _, err := api.AutopilotGet.Call(ctx, c, &api.OperatorReadRequest{})
			if err != nil {
				return doing("Error querying Autopilot configuration", err)
			}
			want.LastContactThreshold, want.ServerStabilizationTime = lastContact.String(), stabilization.String()
			m.flags.Visit(func(f *flag.Flag) {
				switch f.Name {
				case "cleanup-dead-servers":
					cfg.CleanupDeadServers = want.CleanupDeadServers
				case "last-contact-threshold":
					cfg.LastContactThreshold = want.LastContactThreshold
				case "max-trailing-logs":
					cfg.MaxTrailingLogs = want.MaxTrailingLogs
				case "min-quorum":
					cfg.MinQuorum = want.MinQuorum
				case "server-stabilization-time":
					cfg.ServerStabilizationTime = want.ServerStabilizationTime
				case "enable-redundancy-zones":
					cfg.EnableRedundancyZones = want.EnableRedundancyZones
				case "disable-upgrade-migration":
					cfg.DisableUpgradeMigration = want.DisableUpgradeMigration
				case "enable-custom-upgrades":
					cfg.EnableCustomUpgrades = want.EnableCustomUpgrades
				}
			})
			done, _, err := api.AutopilotSet.Call(ctx, c, &api.AutopilotSetRequest{CAS: strconv.FormatUint(cfg.ModifyIndex, 10), Config: cfg})
			if err == nil && !done {
				err = errors.New("somebody else changed it at the same time, try again")
			}
			if err != nil {
				return doing("Error setting Autopilot configuration", err)
			}
			fmt.Fprintln(m.out, "Configuration updated!")
			return nil
		}),
	}
}

func autopilotHealthCommand() *spec {
	var out output
	return &spec{
		usage: "operator autopilot health [options]", synopsis: "Show the health of the servers", remote: true,
		long:  "Shows how healthy the leader finds the servers.\n\nExample:\n\n    $ nomadlike operator autopilot health",
		flags: func(f *flag.FlagSet) { f.BoolVar(&out.json, "json", false, "Print as JSON.") },
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			h, _, err := api.AutopilotHealth.Call(ctx, c, &api.OperatorReadRequest{})
			if answer, ok := errors.AsType[*client.StatusError](err); ok && answer.Code == http.StatusTooManyRequests {
				// The report of servers that are not healthy comes with this status (http-api.md 15).
				h = &api.OperatorHealthReply{}
				err = c.Decode(api.AutopilotHealth.Info().Name, "", []byte(answer.Body), h)
			}
			if err != nil {
				return doing("Error querying Autopilot health", err)
			}
			if out.wanted() {
				return out.print(m, h)
			}
			showHealth(m, h)
			return nil
		}),
	}
}

func showHealth(m *meta, h *api.OperatorHealthReply) {
	fmt.Fprintf(m.out, "Healthy: %t\nFailureTolerance: %d\nLeader: %s\nVoters:\n\t%s\nServers:\n",
		h.Healthy, h.FailureTolerance, h.Leader, strings.Join(h.Voters, "\n\t"))
	rows := [][]string{{
		"ID", "Name", "Address", "SerfStatus", "Version", "Leader", "Voter", "Healthy", "LastContact", "LastTerm", "LastIndex", "StableSince",
	}}
	for _, s := range h.Servers {
		since := ""
		if s.StableSince != nil {
			since = s.StableSince.String()
		}
		rows = append(rows, []string{
			s.ID, s.Name, s.Address, s.SerfStatus, s.Version, strconv.FormatBool(s.Leader), strconv.FormatBool(s.Voter), strconv.FormatBool(s.Healthy),
			s.LastContact, strconv.FormatUint(s.LastTerm, 10), strconv.FormatUint(s.LastIndex, 10), since,
		})
	}
	fmt.Fprintln(m.out, columns(rows))
}
