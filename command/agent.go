// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nomadlike/nomadlike/command/agent"
	"github.com/nomadlike/nomadlike/internal/version"
)

// agentFlags are the flags that set configuration.
type agentFlags struct {
	dev bool
	// empty are the configuration paths in which nothing was found.
	empty           []string
	paths           stringList
	server, client  bool
	servers         string
	meta            stringList
	join, retryJoin stringList
	bootstrap       int
	retryMax        int
	retryInterval   time.Duration
	raftProtocol    int
	location, json  bool
	rejoin          bool
	networkSpeed    int
	text            map[string]*string
}

func agentCommand() *spec {
	fl := &agentFlags{text: map[string]*string{}}
	return &spec{
		usage: "agent [options]", synopsis: "Run an agent", serves: true,
		long: `Runs an agent: a server, a client that runs tasks, or with -dev both in one process with everything in memory.
It ends on SIGINT or SIGTERM; on SIGUSR1 it tells its metrics of the last minute on standard error.

Example:

    $ nomadlike agent -dev`,
		flags: fl.register,
		run: func(_ context.Context, m *meta, _ []string) error {
			cfg, err := fl.config()
			if err != nil {
				return err
			}
			for _, p := range fl.empty {
				fmt.Fprintf(m.out, "==> No configuration loaded from %s\n", p)
			}
			return runAgent(m, cfg, fl.config)
		},
	}
}

func (fl *agentFlags) register(f *flag.FlagSet) {
	f.BoolVar(&fl.dev, "dev", false, "Development mode: server and client in one process, nothing is kept.")
	f.Var(&fl.paths, "config", "A configuration `path`, file or directory; repeatable.")
	f.BoolVar(&fl.server, "server", false, "Run a server.")
	f.BoolVar(&fl.client, "client", false, "Run a client.")
	f.StringVar(&fl.servers, "servers", "", "Comma separated `list` of servers of a client.")
	f.Var(&fl.meta, "meta", "`key=value` of the node's meta; repeatable.")
	f.Var(&fl.join, "join", "An `address` of a server to join; repeatable.")
	f.Var(&fl.retryJoin, "retry-join", "An `address` of a server to join, tried until it works; repeatable.")
	f.IntVar(&fl.bootstrap, "bootstrap-expect", 0, "Start a cluster once `n` servers are there.")
	for _, t := range [][2]string{
		{"bind", "The `address` to listen on."},
		{"region", "The `region`."},
		{"dc", "The `datacenter`."},
		{"node", "The node's `name`."},
		{"data-dir", "The data `directory`."},
		{"plugin-dir", "The `directory` of external plugins."},
		{"log-level", "The `level`: TRACE, DEBUG, INFO, WARN, ERROR or OFF."},
		{"state-dir", "The client's state `directory`."},
		{"alloc-dir", "The `directory` of allocations."},
		{"alloc-mounts-dir", "The `directory` of what tasks see of theirs whose driver hides the host."},
		{"node-class", "The node's `class`."},
		{"node-pool", "The node's `pool`."},
		{"encrypt", "The `key` of the gossip, 16, 24 or 32 bytes in base64."},
		{"preferred-address-family", "The `family` of the node's address, ipv4 or ipv6."},
		{"network-interface", "The `interface` that tasks get addresses of."},
	} {
		fl.text[t[0]] = f.String(t[0], "", t[1])
	}
	f.BoolVar(&fl.json, "log-json", false, "Write the log as JSON.")
	f.BoolVar(&fl.location, "log-include-location", false, "Write file and line into the log.")
	f.BoolVar(&fl.rejoin, "rejoin", false, "Join the cluster again although the server left it.")
	f.IntVar(&fl.networkSpeed, "network-speed", 0, "The speed of the network in `Mbit/s`, where it cannot be found out.")
	f.IntVar(&fl.raftProtocol, "raft-protocol", 0, "The raft protocol `version`; 3 is the only one.")
	f.IntVar(&fl.retryMax, "retry-max", 0, "Give up joining after `n` attempts; 0 for never.")
	f.DurationVar(&fl.retryInterval, "retry-interval", 0, "The `time` between attempts to join.")
	refuseAgentFlags(f)
}

// What flags that are refused lack.
const (
	noMesh   = "agents do not run the proxies of a service mesh yet"
	noConsul = "this version does not work with Consul; use -dev"
	noVault  = "this version does not work with Vault; use -dev"
)

// unservedFlags are the flags of the contract that set a configuration key that nothing acts on, by that key. What is said
// of the key counts for them too: the reason, and the values that may be given all the same.
var unservedFlags = map[string][]string{
	"acl.enabled":                   {"acl-enabled"},
	"acl.replication_token":         {"acl-replication-token="},
	"client.host_volume_plugin_dir": {"host-volume-plugin-dir="},
	"client.host_volumes_dir":       {"host-volumes-dir="},
	"consul": {
		"consul-address=", "consul-auth=", "consul-auto-advertise", "consul-ca-file=", "consul-cert-file=", "consul-key-file=",
		"consul-checks-use-advertise", "consul-client-auto-join", "consul-client-service-name=", "consul-client-http-check-name=",
		"consul-client-failures-before-critical=", "consul-client-failures-before-warning=", "consul-server-auto-join",
		"consul-server-service-name=", "consul-server-http-check-name=", "consul-server-serf-check-name=", "consul-server-rpc-check-name=",
		"consul-server-failures-before-critical=", "consul-server-failures-before-warning=", "consul-ssl", "consul-token=", "consul-verify-ssl",
	},
	"eventlog.enabled":       {"eventlog"},
	"eventlog.level":         {"eventlog-level="},
	"vault.address":          {"vault-address="},
	"vault.ca_file":          {"vault-ca-file="},
	"vault.ca_path":          {"vault-ca-path="},
	"vault.cert_file":        {"vault-cert-file="},
	"vault.create_from_role": {"vault-create-from-role="},
	"vault.enabled":          {"vault-enabled"},
	"vault.key_file":         {"vault-key-file="},
	"vault.namespace":        {"vault-namespace="},
	"vault.tls_server_name":  {"vault-tls-server-name="},
	"vault.tls_skip_verify":  {"vault-tls-skip-verify"},
}

// refuseAgentFlags adds the flags of the contract for what this version does not have.
func refuseAgentFlags(f *flag.FlagSet) {
	refuse(f, noMesh+"; use -dev", "dev-connect")
	refuse(f, noConsul, "dev-consul")
	refuse(f, noVault, "dev-vault")
	refuse(f, noIdentity+"; leave the flag out", "client-intro-token=")
	for _, k := range agent.Keys() {
		if flags := unservedFlags[k.Path]; len(flags) > 0 {
			why := k.Unserved
			if !slices.Contains(k.Accepts, "*") {
				why += "; " + k.Instead()
			}
			refuseBut(f, why, k.Accepts, flags...)
		}
	}
}

// config merges defaults, files and flags.
func (fl *agentFlags) config() (*agent.Config, error) {
	cfg := &agent.Config{}
	if fl.dev {
		cfg = agent.DevConfig()
	}
	for _, p := range fl.paths {
		had := len(cfg.Sources)
		if err := cfg.LoadPath(p); err != nil {
			return nil, err
		}
		if len(cfg.Sources) == had {
			fl.empty = append(fl.empty, p)
		}
	}
	for name, dst := range map[string]*string{
		"bind": &cfg.BindAddr, "region": &cfg.Region, "dc": &cfg.Datacenter, "node": &cfg.Name, "data-dir": &cfg.DataDir,
		"plugin-dir": &cfg.PluginDir, "log-level": &cfg.LogLevel, "state-dir": &cfg.Client.StateDir, "alloc-dir": &cfg.Client.AllocDir,
		"alloc-mounts-dir": &cfg.Client.AllocMountsDir,
		"node-class":       &cfg.Client.NodeClass, "node-pool": &cfg.Client.NodePool, "network-interface": &cfg.Client.NetworkInterface,
		"encrypt": &cfg.Server.Encrypt, "preferred-address-family": &cfg.Client.PreferredAddressFamily,
	} {
		if v := *fl.text[name]; v != "" {
			*dst = v
		}
	}
	cfg.Server.Enabled = cfg.Server.Enabled || fl.server
	cfg.Client.Enabled = cfg.Client.Enabled || fl.client
	cfg.Server.RejoinAfterLeave = cfg.Server.RejoinAfterLeave || fl.rejoin
	if fl.networkSpeed != 0 {
		cfg.Client.NetworkSpeed = fl.networkSpeed
	}
	if fl.bootstrap != 0 {
		cfg.Server.BootstrapExpect = fl.bootstrap
	}
	if fl.servers != "" {
		cfg.Client.Servers = append(cfg.Client.Servers, strings.Split(fl.servers, ",")...)
	}
	join := &cfg.Server.ServerJoin
	join.StartJoin, join.RetryJoin = append(join.StartJoin, fl.join...), append(join.RetryJoin, fl.retryJoin...)
	if fl.retryMax != 0 {
		join.RetryMax = fl.retryMax
	}
	if fl.retryInterval != 0 {
		join.RetryInterval = fl.retryInterval
	}
	if fl.raftProtocol != 0 {
		cfg.Server.RaftProtocol = &fl.raftProtocol
	}
	cfg.LogIncludeLocation = cfg.LogIncludeLocation || fl.location
	cfg.LogJSON = cfg.LogJSON || fl.json
	for _, kv := range fl.meta {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			return nil, usageError(fmt.Sprintf("-meta wants key=value, got %q", kv))
		}
		if cfg.Client.Meta == nil {
			cfg.Client.Meta = map[string]string{}
		}
		cfg.Client.Meta[k] = v
	}
	return cfg, nil
}

func runAgent(m *meta, cfg *agent.Config, load func() (*agent.Config, error)) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's path: %w", err)
	}
	if err := errors.Join(cfg.EnsureDefaults(), cfg.Validate()); err != nil {
		return err
	}
	early := &gate{out: m.out}
	defer early.open() // for an agent that does not come that far
	log, err := agent.OpenLog(cfg, early)
	if err != nil {
		return err
	}
	defer log.Close()
	// One that comes while the agent is set up waits.
	reloads := make(chan os.Signal, 4)
	signal.Notify(reloads, syscall.SIGHUP)
	defer signal.Stop(reloads)
	a, err := agent.New(cfg, agent.Deps{Log: log, Load: load, Program: []string{exe}, Drivers: agentDrivers()})
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	banner(m, cfg, a)
	early.open()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	go func() {
		select {
		case <-a.Ready():
			notify("READY=1")
		case <-ctx.Done():
		}
	}()
	go func() {
		for {
			select {
			case <-reloads:
				fmt.Fprintln(m.out, "==> Reloading agent configuration...")
				notify("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonic(), 10))
				a.Reload() //nolint:errcheck // the log has it
				notify("READY=1")
			case <-ctx.Done():
				return
			}
		}
	}()
	var failed error
	select {
	case err := <-done:
		return err
	case s := <-signals:
		// Compat: without leave_on_interrupt or leave_on_terminate the agent stops in order too, with status 0.
		fmt.Fprintf(m.out, "==> Caught signal: %s\n", s)
		if s == os.Interrupt && cfg.LeaveOnInterrupt || s == syscall.SIGTERM && cfg.LeaveOnTerminate {
			var ok bool
			if failed, ok = leave(ctx, m, a, signals); !ok {
				return exitError(1)
			}
		}
		notify("STOPPING=1")
		cancel()
	}
	select {
	case err := <-done:
		if errors.Is(err, context.Canceled) {
			return failed
		}
		return errors.Join(err, failed)
	case <-signals:
		return exitError(1)
	}
}

// leave lets the agent leave in order and returns why it could not; ok is false when another signal came first.
func leave(ctx context.Context, m *meta, a *agent.Agent, signals <-chan os.Signal) (failed error, ok bool) {
	fmt.Fprintln(m.out, "==> Gracefully shutting down agent...")
	left := make(chan error, 1)
	go func() { left <- a.Leave(ctx) }()
	select {
	case err := <-left:
		if err != nil {
			err = fmt.Errorf("could not leave in order: %w", err)
		}
		return err, true
	case <-signals:
		return nil, false
	}
}

// banner says what was started and where it answers.
func banner(m *meta, cfg *agent.Config, a *agent.Agent) {
	if len(cfg.Sources) == 0 {
		fmt.Fprintln(m.out, "==> No configuration files loaded")
	} else {
		fmt.Fprintf(m.out, "==> Loaded configuration from %s\n", strings.Join(cfg.Sources, ", "))
	}
	lines := [][2]string{
		{"Advertise Addrs", addresses(cfg, cfg.Advertise.HTTP, cfg.Advertise.RPC, cfg.Advertise.Serf)},
		{"Bind Addrs", addresses(cfg, bound(cfg.Addresses.HTTP, cfg.Ports.HTTP, true), bound(cfg.Addresses.RPC, cfg.Ports.RPC, false), bound(cfg.Addresses.Serf, cfg.Ports.Serf, false))},
		{"Client", strconv.FormatBool(cfg.Client.Enabled)},
		{"Log Level", strings.ToUpper(cfg.LogLevel)},
		{"Node Id", a.ServerID()},
		{"Region", cfg.Region + " (DC: " + cfg.Datacenter + ")"},
		{"Server", strconv.FormatBool(cfg.Server.Enabled)},
		{"Version", version.String()},
	}
	if *cfg.UI.Enabled {
		lines = append(lines, [2]string{"Web UI", "http://" + a.HTTPAddr() + "/ui/"})
	}
	fmt.Fprint(m.out, "==> Starting nomadlike agent...\n==> nomadlike agent configuration:\n\n")
	for _, l := range lines {
		if l[1] != "" {
			fmt.Fprintf(m.out, "%22s: %s\n", l[0], l[1])
		}
	}
	fmt.Fprint(m.out, "\n==> nomadlike agent started! Log data will stream in below:\n\n")
}

// addresses lists addresses by role; gossip is for servers only.
func addresses(cfg *agent.Config, http, rpc, serf string) string {
	out := "HTTP: " + http
	if cfg.Server.Enabled {
		out += "; RPC: " + rpc + "; Serf: " + serf
	}
	return out
}

// bound is what a role listens on.
func bound(hosts string, port int, list bool) string {
	var out []string
	for h := range strings.FieldsSeq(hosts) {
		out = append(out, net.JoinHostPort(h, strconv.Itoa(port)))
	}
	text := strings.Join(out, " ")
	if !list && len(out) == 1 {
		return text
	}
	return "[" + text + "]"
}
