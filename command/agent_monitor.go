// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"io"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// whichAgent say which agent a command is about.
type whichAgent struct{ node, server string }

func (a *whichAgent) register(f *flag.FlagSet) {
	f.StringVar(&a.node, "node-id", "", "The agent of the node with this `id`, or one that starts so.")
	f.StringVar(&a.server, "server-id", "", "The agent of the server with this `id` or name; \"leader\" for the leader.")
}

// complete checks the flags and completes the start of a node's ID.
func (a *whichAgent) complete(ctx context.Context, m *meta, c *client.Client) (err error) {
	if a.node != "" && a.server != "" {
		return usageError("Cannot set both -node-id and -server-id")
	}
	a.node, err = m.nodeOrOwn(ctx, c, a.node)
	return err
}

func monitorCommand() *spec {
	var (
		req   api.AgentMonitorRequest
		agent whichAgent
	)
	return &spec{
		usage: "monitor [options]", synopsis: "Follow the log of an agent", remote: true,
		long: `Shows what an agent logs, as it comes, until it is interrupted. The level may be lower than the one that the agent
logs at itself.

Example:

    $ nomadlike monitor -log-level DEBUG -node-id c0c63d32`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&req.LogLevel, "log-level", "", "The lowest `level` shown: TRACE, DEBUG, INFO, WARN or ERROR.")
			f.BoolVar(&req.IncludeLocation, "log-include-location", false, "Show the source file and line of each message.")
			f.BoolVar(&req.LogJSON, "json", false, "Show the log as JSON.")
			agent.register(f)
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			if err := agent.complete(ctx, m, c); err != nil {
				return err
			}
			req.NodeID, req.ServerID, req.Plain = agent.node, agent.server, true
			req.LogLevel = strings.ToUpper(req.LogLevel)
			s, err := api.AgentMonitor.Open(ctx, c, &req)
			return showLog(ctx, m, s, doOpen("Error starting monitor", err))
		}),
	}
}

func monitorExportCommand() *spec {
	var (
		req   api.AgentMonitorExportRequest
		since time.Duration
		agent whichAgent
	)
	return &spec{
		usage: "monitor export [options]", synopsis: "Show the log that an agent has written", remote: true,
		long: `Shows what an agent has logged: from its log file, or from the journal of the service that it runs as.

Example:

    $ nomadlike monitor export -service-name nomad -logs-since 1h`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&req.ServiceName, "service-name", "", "The `name` of the agent's systemd unit; it contains \"nomad\".")
			f.BoolVar(&req.OnDisk, "on-disk", false, "Read the agent's log file.")
			f.DurationVar(&since, "logs-since", 72*time.Hour, "How far back to go in the journal, a `time` such as 24h.")
			f.BoolVar(&req.Follow, "follow", false, "Go on with what the journal gets from now on.")
			agent.register(f)
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			set := map[string]bool{}
			m.flags.Visit(func(f *flag.Flag) { set[f.Name] = true })
			switch {
			case req.OnDisk == (req.ServiceName != ""):
				return usageError("Exactly one of -service-name and -on-disk must be set")
			case req.OnDisk && (req.Follow || set["logs-since"]):
				return usageError("-follow and -logs-since are about the journal, not the log file")
			case req.ServiceName != "" && !strings.Contains(req.ServiceName, "nomad"):
				return usageError("-service-name must contain \"nomad\"")
			}
			if err := agent.complete(ctx, m, c); err != nil {
				return err
			}
			if !req.OnDisk {
				req.LogsSince = since.String()
			}
			req.NodeID, req.ServerID, req.Plain = agent.node, agent.server, true
			s, err := api.AgentMonitorExport.Open(ctx, c, &req)
			return showLog(ctx, m, s, doOpen("Error exporting log", err))
		}),
	}
}

// doOpen is doing for errors that may be none.
func doOpen(text string, err error) error {
	if err == nil {
		return nil
	}
	return doing(text, err)
}

// showLog copies a log until it ends or the user has seen enough.
func showLog(ctx context.Context, m *meta, s api.Stream, err error) error {
	for err == nil {
		var f api.StreamFrame
		if err = s.Recv(&f); err == nil {
			_, err = m.out.Write(f.Data)
		}
	}
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		err = nil
	}
	return err
}
