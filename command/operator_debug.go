// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// captureFailed is the exit status of "operator debug" when something could not be written.
const captureFailed = 2

// debugBundle is what "operator debug" is told, and where it collects.
type debugBundle struct {
	duration, interval, pprofDuration, pprofInterval, lookback time.Duration
	logLevel, nodeIDs, nodeClass, serverIDs, topics, output    string
	location, export, stale, verbose                           bool
	maxNodes, eventIndex                                       int

	servers, nodes []debugTarget
	dir, region    string
	notes          debugNotes
}

// debugTarget is an agent that logs and profiles are taken of.
type debugTarget struct {
	// dir is its directory in the bundle, id how requests name it.
	dir, id string
}

func operatorDebugCommand() *spec {
	var b debugBundle
	return &spec{
		usage: "operator debug [options]", synopsis: "Collect what helps to look into a problem", remote: true,
		long: `Collects the configuration and state of the cluster every interval for a while, with logs, metrics, profiles and, if
asked, events of servers and clients, into nomad-debug-<time>.tar.gz. Interrupted, it keeps what it has so far.

Profiles need agents with enable_debug. Secrets that the agents know as such are left out, but jobs, logs and events
may have others: look through the archive before you pass it on.

Example:

    $ nomadlike operator debug -duration 2m -interval 20s -server-id leader -node-id c0c63d32`,
		flags: b.register,
		run:   remotely(nil, b.run),
	}
}

func (b *debugBundle) register(f *flag.FlagSet) {
	f.DurationVar(&b.duration, "duration", 5*time.Minute, "How long to collect, a `time`.")
	f.DurationVar(&b.interval, "interval", 30*time.Second, "The `time` between two looks at the state.")
	f.StringVar(&b.logLevel, "log-level", "TRACE", "The lowest `level` of the logs: TRACE, DEBUG, INFO, WARN or ERROR.")
	f.BoolVar(&b.location, "log-include-location", true, "Have the source file and line of each log message.")
	f.BoolVar(&b.export, "log-file-export", false, "Collect the agents' log files too.")
	f.DurationVar(&b.lookback, "log-lookback", 0, "Collect the journal of the agents' service this far back too, a `time`.")
	f.IntVar(&b.maxNodes, "max-nodes", 10, "Take logs and profiles of at most `n` nodes, 0 for no limit.")
	f.StringVar(&b.nodeIDs, "node-id", "all", "Comma separated `ids` of nodes to take logs and profiles of, or starts of them; \"all\", or \"none\".")
	f.StringVar(&b.nodeClass, "node-class", "", "Only nodes of this `class`.")
	f.StringVar(&b.serverIDs, "server-id", "all", "Comma separated `ids` or names of servers to take logs and profiles of; \"all\", \"leader\", or \"none\".")
	f.BoolVar(&b.stale, "stale", false, "Let servers answer that do not lead, for a cluster without a leader.")
	f.DurationVar(&b.pprofDuration, "pprof-duration", time.Second, "How long each CPU profile and trace is, a `time`.")
	f.DurationVar(&b.pprofInterval, "pprof-interval", 30*time.Second, "The `time` between two sets of profiles.")
	f.StringVar(&b.topics, "event-topic", "none", "Comma separated `topics` of events to collect, Topic or Topic:key; \"all\", or \"none\".")
	f.IntVar(&b.eventIndex, "event-index", 0, "The `index` to start the events at.")
	f.StringVar(&b.output, "output", "", "Collect into a new directory below this `directory`, and make no archive.")
	f.BoolVar(&b.verbose, "verbose", false, "Say more about what is done.")
	refuse(f, "agents of this version work with neither Consul nor Vault; ask those for their state with tools of their own",
		"consul-http-addr=", "consul-auth=", "consul-token=", "consul-token-file=", "consul-client-cert=", "consul-client-key=",
		"consul-ca-cert=", "consul-ca-path=", "vault-address=", "vault-token=", "vault-ca-cert=", "vault-ca-path=", "vault-client-cert=", "vault-client-key=")
}

// check refuses values that cannot be meant.
func (b *debugBundle) check() error {
	switch {
	case b.duration <= 0 || b.interval <= 0 || b.pprofInterval <= 0:
		return usageError("-duration, -interval and -pprof-interval must be above 0")
	case b.interval > b.duration:
		return usageError(fmt.Sprintf("-interval %s is longer than -duration %s", b.interval, b.duration))
	case b.pprofDuration < time.Second:
		return usageError("-pprof-duration must be at least 1s")
	case !slices.Contains([]string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR"}, strings.ToUpper(b.logLevel)):
		return usageError(fmt.Sprintf("Unknown log level %q: -log-level takes TRACE, DEBUG, INFO, WARN or ERROR", b.logLevel))
	case b.maxNodes < 0:
		return usageError("-max-nodes must not be negative")
	case b.lookback < 0:
		return usageError("-log-lookback must not be negative")
	case b.lookback > 0 && b.export:
		return usageError("-log-lookback and -log-file-export exclude each other")
	case b.eventIndex < 0:
		return usageError("-event-index must not be negative")
	}
	return nil
}

func (b *debugBundle) run(ctx context.Context, m *meta, c *client.Client, _ []string) error {
	if err := b.check(); err != nil {
		return err
	}
	b.region = m.region
	if err := b.chooseServers(ctx, c); err != nil {
		return err
	}
	if err := b.chooseNodes(ctx, m, c); err != nil {
		return err
	}
	name := "nomad-debug-" + m.now().UTC().Format("2006-01-02-150405Z")
	if err := b.makeDir(name); err != nil {
		return err
	}
	b.announce(m)
	err := b.collect(ctx, m, c)
	switch {
	case err == nil:
		err = b.finish(m, name)
	case b.output == "":
		err = errors.Join(err, os.RemoveAll(filepath.Dir(b.dir))) // nobody is told where it is
	}
	if err != nil {
		m.complain("%v", err)
		return exitError(captureFailed)
	}
	return nil
}

// makeDir makes the directory that is collected into: below -output, or a temporary one.
func (b *debugBundle) makeDir(name string) error {
	parent := b.output
	if parent == "" {
		tmp, err := os.MkdirTemp("", "nomad-debug-*")
		if err != nil {
			return err
		}
		parent = tmp
	}
	b.dir = filepath.Join(parent, name)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		return doing("Failed to create output directory", err)
	}
	return nil
}

// finish makes the archive, unless a directory was asked for.
func (b *debugBundle) finish(m *meta, name string) error {
	if b.output != "" {
		fmt.Fprintf(m.out, "\nCreated debug directory: %s\n", b.dir)
		return nil
	}
	file := name + ".tar.gz"
	if err := archiveDir(filepath.Dir(b.dir), name, file); err != nil {
		return fmt.Errorf("Error creating archive: %w; what was collected is in %s", err, b.dir) //nolint:staticcheck // the contract's text
	}
	if err := os.RemoveAll(filepath.Dir(b.dir)); err != nil {
		return err
	}
	fmt.Fprintf(m.out, "\nCreated debug archive: %s\n", file)
	return nil
}

func (b *debugBundle) announce(m *meta) {
	ids := func(list []debugTarget) string {
		var out []string
		for _, t := range list {
			out = append(out, filepath.Base(t.dir))
		}
		return fmt.Sprintf("(%d) %s", len(list), strings.Join(out, ", "))
	}
	fmt.Fprintf(m.out, "Starting debugger...\n\n%s\n\n", pairs(
		"Servers", ids(b.servers), "Clients", ids(b.nodes), "Interval", b.interval.String(), "Duration", b.duration.String(),
		"Profiles", fmt.Sprintf("%s every %s", b.pprofDuration, b.pprofInterval), "Events", b.topics,
	))
}

// chooseServers finds the servers that are meant.
func (b *debugBundle) chooseServers(ctx context.Context, c *client.Client) error {
	req := &api.AgentRequest{}
	req.AllowStale = b.stale
	members, _, err := api.AgentMembers.Call(ctx, c, req)
	if err != nil {
		return doing("Failed to retrieve server list", err)
	}
	if b.serverIDs == "none" {
		return nil
	}
	add := func(id, label string) {
		b.servers = append(b.servers, debugTarget{dir: filepath.Join("server", safeName(label)), id: id})
	}
	if b.serverIDs == "leader" {
		add("leader", "leader")
		return nil
	}
	for want := range strings.SplitSeq(b.serverIDs, ",") {
		found := false
		for _, s := range members.Members {
			if want == "all" && s.Status == "alive" || want == s.Name || want != "" && want == s.Tags["id"] {
				add(s.Name, s.Name)
				found = true
			}
		}
		if !found {
			return fmt.Errorf("no server %q among those of \"server members\"", want)
		}
	}
	return nil
}

// chooseNodes finds the nodes that are meant.
func (b *debugBundle) chooseNodes(ctx context.Context, m *meta, c *client.Client) error {
	if b.nodeIDs == "none" {
		return nil
	}
	var nodes []*api.NodeListStub
	for want := range strings.SplitSeq(b.nodeIDs, ",") {
		req := &api.NodeListRequest{}
		req.AllowStale = b.stale
		if want != "all" {
			prefix, err := cleanPrefix("Node ID", want)
			if err != nil {
				return err
			}
			req.Prefix = prefix
		}
		found, _, err := api.NodeList.Call(ctx, c, req)
		if err != nil {
			return doing("Error querying node info", err)
		}
		if want != "all" && len(found) == 0 {
			return fmt.Errorf("No node(s) with prefix %q found", want) //nolint:staticcheck // the contract's text
		}
		nodes = append(nodes, found...)
	}
	for _, n := range nodes {
		t := debugTarget{dir: filepath.Join("client", safeName(n.ID)), id: n.ID}
		if b.nodeClass != "" && n.NodeClass != b.nodeClass || slices.Contains(b.nodes, t) {
			continue
		}
		if b.maxNodes > 0 && len(b.nodes) == b.maxNodes {
			m.complain("There are more nodes than -max-nodes %d: logs and profiles are taken of the first ones", b.maxNodes)
			break
		}
		b.nodes = append(b.nodes, t)
	}
	if b.nodeClass != "" && len(b.nodes) == 0 {
		return errors.New("no node has the class " + b.nodeClass)
	}
	return nil
}

// safeName makes a file name of what an agent says.
func safeName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == 0 || r == ':' {
			return '_'
		}
		return r
	}, s)
	if s == "." || s == ".." || s == "" {
		return "_"
	}
	return s
}
