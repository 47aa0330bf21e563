// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-sockaddr/template"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client"
)

func load(t *testing.T, texts ...string) (*Config, error) {
	t.Helper()
	c := &Config{}
	for i, text := range texts {
		p := filepath.Join(t.TempDir(), "c"+string(rune('0'+i))+".hcl")
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.LoadPath(p); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func TestMerge(t *testing.T) {
	c, err := load(t, `
region = "eu"
ports { http = 1 }
client {
  enabled = true
  meta {
    a = "1"
    b = 2
  }
  servers = ["x"]
  max_kill_timeout = "5s"
  reserved { cpu = 10 }
  host_network "public" {
    cidr = "10.0.0.0/8"
  }
}
plugin "docker" {
  config {
    allow_privileged = true
    auth { config = "f" }
  }
}
`, `
region = "us"
ports { rpc = 2 }
client {
  meta = { "b.c" = "$${x}", image = "envoy:v${NOMAD_envoy_version}" }
  servers = ["y"]
  reserved { memory = 20 }
  host_network "public" {
    interface = "eth1"
  }
}
plugin "docker" {
  args = ["z"]
  config {
    volumes { enabled = true }
  }
}
`, `{"datacenter": "dc9", "server": {"enabled": true, "bootstrap_expect": 3}, "client": {"meta": {"j": "k"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if c.Region != "us" || c.Ports.HTTP != 1 || c.Ports.RPC != 2 || c.Datacenter != "dc9" || c.Server.BootstrapExpect != 3 {
		t.Errorf("scalars: %+v", c)
	}
	if m := c.Client.Meta; m["a"] != "1" || m["b"] != "2" || m["b.c"] != "$${x}" || m["image"] != "envoy:v${NOMAD_envoy_version}" || m["j"] != "k" {
		t.Errorf("meta: %v", m)
	}
	if strings.Join(c.Client.Servers, ",") != "x,y" || c.Client.Reserved.CPU != 10 || c.Client.Reserved.MemoryMB != 20 || c.Client.MaxKillTimeout != 5*time.Second || len(c.Client.HostNetworks) != 1 || c.Client.HostNetworks[0].Interface != "eth1" || c.Client.HostNetworks[0].CIDR != "10.0.0.0/8" {
		t.Errorf("client: %+v", c.Client)
	}
	d := c.Plugins["docker"]
	if d.Args[0] != "z" || d.Config["allow_privileged"] != true || len(d.Config["auth"].([]any)) != 1 || len(d.Config["volumes"].([]any)) != 1 {
		t.Errorf("plugin: %+v", d)
	}
}

// TestOverride gives keys once more in a later file: those that know unset may be switched off again, an empty value
// changes nothing.
func TestOverride(t *testing.T) {
	c, err := load(t, `
disable_update_check = true
enable_debug = true
telemetry { disable_allocation_hook_metrics = true }
server {
  job_gc_interval = "7m"
  plan_rejection_tracker { enabled = true }
}
client { max_kill_timeout = "5s" }
`, `
disable_update_check = false
enable_debug = false
telemetry { disable_allocation_hook_metrics = false }
server {
  job_gc_interval = ""
  plan_rejection_tracker { enabled = false }
}
client { max_kill_timeout = "" }
`)
	if err != nil {
		t.Fatal(err)
	}
	if api.Or(c.DisableUpdateCheck, true) || api.Or(c.Telemetry.DisableAllocationHookMetrics, true) || api.Or(c.Server.PlanRejectionTracker.Enabled, true) {
		t.Error("a key was not switched off")
	}
	if !c.EnableDebug || api.Or(c.Server.JobGCInterval, 0) != 7*time.Minute || c.Client.MaxKillTimeout != 5*time.Second {
		t.Errorf("enable_debug %v, job_gc_interval %v, max_kill_timeout %v", c.EnableDebug, c.Server.JobGCInterval, c.Client.MaxKillTimeout)
	}
}

// TestMark reads files that begin with a byte order mark.
func TestMark(t *testing.T) {
	c, err := load(t, "\xef\xbb\xbfregion = \"a\"", "\xef\xbb\xbf{\"datacenter\": \"b\"}")
	if err != nil {
		t.Fatal(err)
	}
	if c.Region != "a" || c.Datacenter != "b" {
		t.Errorf("region %q, datacenter %q", c.Region, c.Datacenter)
	}
}

// TestEmpty expects a file without keys not to count as one that was loaded.
func TestEmpty(t *testing.T) {
	c, err := load(t, "", "# nothing", "{}")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Sources) > 0 {
		t.Errorf("loaded: %v", c.Sources)
	}
}

// TestBlockLists reads JSON in which every block is a list of objects, as programs write it that turn the native syntax
// into JSON.
func TestBlockLists(t *testing.T) {
	c, err := load(t, `{"client": [{"meta": [{"a": "b"}, {"c": 1}], "reserved": [{"cpu": 5}]}], "plugin": [{"docker": [{"config": [{"volumes": [{"enabled": true}]}]}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Client.Meta; m["a"] != "b" || m["c"] != "1" || c.Client.Reserved.CPU != 5 {
		t.Errorf("client: %+v", c.Client)
	}
	if v, ok := c.Plugins["docker"].Config["volumes"].([]any); !ok || len(v) != 1 {
		t.Errorf("plugin: %v", c.Plugins["docker"].Config)
	}
}

// TestLanguage reads what only the first version of HCL allows, and all that it does.
func TestLanguage(t *testing.T) {
	c, err := load(t, `
/* several keys in a line, quoted keys, blocks with an equals sign */
ports { http = 1 rpc = 2, serf = 3 }
addresses = { http = "127.0.0.1" }
"client" {
  options { "driver.raw_exec.enable" = "1" "user.denylist" = "a,b" }
  meta = { "x.y" = true, z = 1.5 }
  server_join { retry_join = ["a", "b", ] retry_interval = "7s" }
  "host_volume" "data" { path = "/srv" read_only = true }
}
region = "one"
region = "two" # the last counts
datacenter = <<EOT
dc-7
EOT
plugin "docker" { config { auth { config = "a" } endpoint = "${b}" extra_labels = ["*"] gc { dangling_containers { enabled = false } } } }
`)
	if err != nil {
		t.Fatal(err)
	}
	if c.Ports != (Ports{1, 2, 3}) || c.Addresses.HTTP != "127.0.0.1" || c.Region != "two" || strings.TrimSpace(c.Datacenter) != "dc-7" {
		t.Errorf("%+v", c)
	}
	cl := c.Client
	if cl.Options["driver.raw_exec.enable"] != "1" || cl.Options["user.denylist"] != "a,b" || cl.Meta["x.y"] != "true" || cl.Meta["z"] != "1.5" {
		t.Errorf("options %v, meta %v", cl.Options, cl.Meta)
	}
	if len(cl.ServerJoin.RetryJoin) != 2 || cl.ServerJoin.RetryInterval != 7*time.Second || len(cl.HostVolumes) != 1 || !cl.HostVolumes[0].ReadOnly {
		t.Errorf("%+v", cl)
	}
	d := c.Plugins["docker"].Config
	if d["endpoint"] != "${b}" || len(d["extra_labels"].([]any)) != 1 || len(d["gc"].([]any)) != 1 {
		t.Errorf("plugin: %v", d)
	}
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"bogus = 1":                            "c0.hcl: unexpected keys bogus (line 1)",
		"client {\n  bogus = 1\n}":             "c0.hcl: client unexpected keys bogus (line 2)",
		"server {\n  thing {}\n}":              "c0.hcl: server unexpected keys thing (line 2)",
		`region = ["a"]`:                       "want a string",
		`client { max_kill_timeout = "soon" }`: "want a duration",
		`ports { http = 1.5 }`:                 "want a whole number",
		`client { enabled = "perhaps" }`:       "want true or false",
		`ports { http = `:                      "c0.hcl:1",
		`{"client": {"nope": 1}}`:              "nope",
		`server { job_max_priority = "many" }`: "want a number",
		`client { servers = "one" }`:           "want a list of strings",
		`server { min_heartbeat_ttl = true }`:  "want a duration",
		`client { meta = "x" }`:                "want a map of strings",
		`plugin "x" { config = 3 }`:            "want a block or an object",
		`plugin { args = [] }`:                 "c0.hcl:1",
		`ports = 3`:                            "want a block in braces",
		`region { a = 1 }`:                     "want a value after an equals sign",
		`ports "x" { http = 1 }`:               "want no label before the brace",
		"region = \"a\nb\"":                    "literal not terminated",
		`name = 99999999999999999999`:          "c0.hcl:1,8: Invalid value for name; 99999999999999999999 cannot be read",
		`client { servers = [["a"]] }`:         "want a list of strings",
		`client { servers = [{ a = "b" }] }`:   "want a list of strings",
		`client { meta = { a = ["b"] } }`:      `Invalid value for meta; want a string for "a"`,
		`client { meta { a = ["b"] } }`:        `Invalid value for meta; want a string for "a"`,
		`server { job_gc_interval = ["1s"] }`:  "want a duration",
		`{"client": {"meta": [["a"]]}}`:        "want a map of strings",
		`{"plugin": {"x": {"config": ["a"]}}}`: "want a block or an object",

		"telemetry {\n  circonus_api_url = \"x:1\"\n}": "telemetry.circonus_api_url (line 2) is not supported",
		"consul {\n  address = \"x\"\n}":               "consul (line 1) is not supported",
		"tls {\n  http = true\n}":                      "tls.http (line 2) is not supported",
	} {
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Error loading") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestValidate(t *testing.T) {
	base := func() *Config {
		return &Config{DataDir: t.TempDir(), BindAddr: "127.0.0.1", Client: ClientConfig{Config: client.Config{Enabled: true}}}
	}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"fine":        {func(*Config) {}, ""},
		"no role":     {func(c *Config) { c.Client.Enabled = false }, "Must specify either server, client or dev mode"},
		"no data dir": {func(c *Config) { c.DataDir = "" }, "data_dir: must be set"},
		"directories one by one": {func(c *Config) {
			c.DataDir, c.PluginDir, c.Client.StateDir, c.Client.AllocDir = "", "/a", "/b", "/c"
		}, ""},
		"no plugin dir":      {func(c *Config) { c.DataDir, c.Client.StateDir, c.Client.AllocDir = "", "/b", "/c" }, "data_dir: must be set"},
		"two bind addresses": {func(c *Config) { c.BindAddr = "127.0.0.1 127.0.0.2" }, "bind_addr"},
		"relative":           {func(c *Config) { c.DataDir = "x" }, "not an absolute path"},
		"relative of dev":    {func(c *Config) { c.Dev, c.DataDir = true, "x" }, `data_dir: "x" is not an absolute path`},
		"relative of server": {func(c *Config) {
			c.Server.Enabled, c.Server.DataDir, c.Advertise = true, "x", Addresses{"1.2.3.4", "1.2.3.4", "1.2.3.4"}
		}, `server.data_dir: "x" is not an absolute path`},
		"level":    {func(c *Config) { c.LogLevel = "LOUD" }, "Invalid log level: LOUD"},
		"loopback": {func(c *Config) { c.Server.Enabled, c.Server.BootstrapExpect = true, 1 }, "Defaulting advertise to localhost is unsafe"},
		"to be joined": {func(c *Config) {
			c.Server.Enabled, c.Advertise = true, Addresses{"1.2.3.4", "1.2.3.4", "1.2.3.4"}
		}, ""},
		"gossip key": {func(c *Config) { c.Server.Encrypt = "c2hvcnQ=" }, "server.encrypt"},
		"no base64":  {func(c *Config) { c.Server.Encrypt = "!" }, "server.encrypt"},
		"autopilot":  {func(c *Config) { c.Autopilot.LastContactThreshold = new(-time.Second) }, "autopilot.last_contact_threshold"},
		"quorum":     {func(c *Config) { c.Autopilot.MinQuorum = new(-1) }, "autopilot.min_quorum must not"},
		"trailing":   {func(c *Config) { c.Autopilot.MaxTrailingLogs = new(-1) }, "autopilot.max_trailing_logs must not"},
		"no period":  {func(c *Config) { c.Telemetry.InMemoryRetentionPeriod = new(-time.Minute) }, "telemetry.in_memory_collection_interval"},
		"no time":    {func(c *Config) { c.Telemetry.InMemoryCollectionInterval = new(-time.Minute) }, "telemetry.in_memory_collection_interval"},
		"short":      {func(c *Config) { c.Telemetry.InMemoryCollectionInterval = new(time.Hour) }, "telemetry.in_memory_collection_interval"},
		"usual times": {func(c *Config) {
			c.Telemetry.InMemoryCollectionInterval, c.Telemetry.InMemoryRetentionPeriod = new(time.Duration(0)), new(time.Duration(0))
		}, ""},
		"pool":         {func(c *Config) { c.Client.NodePool = "all" }, "client.node_pool"},
		"port":         {func(c *Config) { c.Ports.HTTP = 70000 }, "ports.http"},
		"size":         {func(c *Config) { c.Server.JobMaxSourceSize = "big" }, "job_max_source_size"},
		"template":     {func(c *Config) { c.BindAddr = "{{ GetNothing }}" }, "bind_addr"},
		"several":      {func(c *Config) { c.Addresses.HTTP = "127.0.0.1 [::1] 127.0.0.1" }, ""},
		"no address":   {func(c *Config) { c.Addresses.RPC = "{{ GetAllInterfaces | include \"name\" \"^none$\" }}" }, "addresses.rpc"},
		"statsd":       {func(c *Config) { c.Telemetry.StatsdAddress = "here" }, "telemetry.statsd_address"},
		"filter":       {func(c *Config) { c.Telemetry.PrefixFilter = []string{"nomad"} }, "telemetry.prefix_filter"},
		"few conns":    {func(c *Config) { c.Limits.RPCMaxConnsPerClient = new(20) }, "limits.rpc_max_conns_per_client"},
		"start join":   {func(c *Config) { c.Client.ServerJoin.StartJoin = []string{"a"} }, "client.server_join.start_join"},
		"empty name":   {func(c *Config) { c.Client.Servers = []string{"a", ""} }, `client.servers: server address ""`},
		"no port":      {func(c *Config) { c.Client.Servers = []string{"a:x"} }, `client.servers: server address "a:x"`},
		"servers":      {func(c *Config) { c.Client.Servers = []string{"a", "[::1]:5"} }, ""},
		"users":        {func(c *Config) { c.Client.Users = &client.UsersConfig{Min: 5, Max: 1 << 32} }, "dynamic_user_max"},
		"header":       {func(c *Config) { c.HTTPAPIResponseHeaders = map[string]string{"X-A": "b, c"} }, ""},
		"bad header":   {func(c *Config) { c.HTTPAPIResponseHeaders = map[string]string{"X A": "b"} }, `"X A" cannot be the name of a header`},
		"two lines":    {func(c *Config) { c.HTTPAPIResponseHeaders = map[string]string{"A": "b\r\nC: d"} }, `"A": the value`},
		"own header":   {func(c *Config) { c.HTTPAPIResponseHeaders = map[string]string{"content-length": "5"} }, `"content-length" says how long`},
		"NUL":          {func(c *Config) { c.Name = "a\x00" }, "name must not hold a NUL"},
		"advertised":   {func(c *Config) { c.Advertise = Addresses{"::1", "[::1]:5", "a.example"} }, ""},
		"no port told": {func(c *Config) { c.Advertise.HTTP = "127.0.0.1:x" }, `advertise.http: "127.0.0.1:x" is not`},
		"port 0 told":  {func(c *Config) { c.Advertise.RPC = "127.0.0.1:0" }, `advertise.rpc: "127.0.0.1:0" is not`},
		"any address": {func(c *Config) {
			c.Server.Enabled, c.Advertise = true, Addresses{"0.0.0.0", "1.2.3.4", "0.0.0.0"}
		}, `advertise.serf: "0.0.0.0" is no address that others reach`},
		"any of IPv6":  {func(c *Config) { c.Server.Enabled, c.Advertise.RPC = true, "[::]:5" }, `advertise.rpc: "::" is no address`},
		"of a client":  {func(c *Config) { c.Advertise = Addresses{"0.0.0.0", "0.0.0.0", "0.0.0.0"} }, ""},
		"nothing told": {func(c *Config) { c.Advertise.Serf = ":33" }, `advertise.serf: ":33" is not`},
		"cloud":        {func(c *Config) { c.Client.ServerJoin.RetryJoin = []string{"provider=aws tag_key=x"} }, "finding servers with a cloud's API is not supported"},
		"bad join":     {func(c *Config) { c.Client.ServerJoin.RetryJoin = []string{"{{ GetNothing }}"} }, "client.server_join"},
		"no command":   {func(c *Config) { c.Client.ServerJoin.RetryJoin = []string{"exec= "} }, "exec= wants a command"},
		"both joins": {func(c *Config) {
			c.Server.Enabled, c.Advertise = true, Addresses{"1.2.3.4", "1.2.3.4", "1.2.3.4"}
			c.Server.StartJoin, c.Server.RetryJoin = []string{"a"}, []string{"b"}
		}, "start_join and retry_join exclude each other"},
		"old and new join": {func(c *Config) {
			c.Server.RetryMax, c.Server.ServerJoin.RetryJoin = 3, []string{"b"}
		}, "belong into server_join"},
		"drain": {func(c *Config) {
			c.Client.DrainOnShutdown = &client.DrainConfig{Force: true, Deadline: new(time.Hour)}
		}, "deadline and force exclude each other"},
		"drain in no time": {func(c *Config) {
			c.Client.DrainOnShutdown = &client.DrainConfig{Deadline: new(time.Duration(0))}
		}, "deadline: 0s must be positive"},
		"dynamic":      {func(c *Config) { c.Client.MinDynamicPort = 40000 }, "min_dynamic_port"},
		"last port":    {func(c *Config) { c.Client.MaxDynamicPort = 65536 }, ""},
		"after it":     {func(c *Config) { c.Client.MaxDynamicPort = 65537 }, "max_dynamic_port"},
		"no port left": {func(c *Config) { c.Client.MinDynamicPort, c.Client.MaxDynamicPort = 65536, 65536 }, "min_dynamic_port"},
	} {
		cfg := base()
		c.change(cfg)
		err := cfg.EnsureDefaults()
		if err == nil {
			err = cfg.Validate()
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	cfg := base()
	if err := cfg.EnsureDefaults(); err != nil {
		t.Fatal(err)
	}
	cfg.Autopilot.MaxTrailingLogs, cfg.Autopilot.MinQuorum = new(-1), new(-1)
	cfg.Telemetry.StatsiteAddress, cfg.Telemetry.StatsdAddress, cfg.Telemetry.DatadogAddress = "a", "b", "c"
	cfg.Client.StateDir, cfg.Client.AllocDir, cfg.Client.AllocMountsDir = "", "", ""
	cfg.Client.NetworkSpeed, cfg.Client.MemoryTotalMB, cfg.Client.Reserved.CPU = -1, -1, -1
	cfg.Client.Meta = map[string]string{"a b": "", "c d": "", "e f": ""}
	cfg.Client.Template.MaxStale, cfg.Client.Template.BlockQueryWait, cfg.Client.Template.Wait.Min = new(-time.Second), new(-time.Second), new(-time.Second)
	first := cfg.Validate()
	for range 20 {
		if again := cfg.Validate(); first == nil || again.Error() != first.Error() {
			t.Fatalf("the mistakes of a configuration are told in another order: %v\n\n%v", again, first)
		}
	}
	dev := DevConfig()
	if err := dev.EnsureDefaults(); err != nil {
		t.Fatal(err)
	}
	if err := dev.Validate(); err != nil || dev.Advertise.HTTP != "127.0.0.1:4646" {
		t.Errorf("dev mode: %v %+v", err, dev.Advertise)
	}
}

// TestAdvertisedFamily: who listens on all IPv4 addresses advertises one of IPv4.
func TestAdvertisedFamily(t *testing.T) {
	if out, err := template.Parse(`{{ GetDefaultInterfaces | include "type" "IPv4" | attr "address" }}`); err != nil || out == "" {
		t.Skip("this machine has no route by IPv4")
	}
	c := &Config{DataDir: t.TempDir(), BindAddr: "0.0.0.0", Server: ServerConfig{Enabled: true}}
	if err := c.EnsureDefaults(); err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{c.Advertise.HTTP, c.Advertise.RPC, c.Advertise.Serf} {
		if a, err := netip.ParseAddrPort(addr); err != nil || !a.Addr().Is4() {
			t.Errorf("advertised is %q", addr)
		}
	}
}

// TestServerBounds sets each number of the server block to the values at its bounds and beyond.
func TestServerBounds(t *testing.T) {
	for text, want := range map[string]string{
		"raft_multiplier = 1": "", "raft_multiplier = 10": "", "raft_multiplier = 0": "raft_multiplier: 0 is not", "raft_multiplier = 11": "raft_multiplier: 11 is not",
		`raft_snapshot_interval = "6ms"`: "", `raft_snapshot_interval = "5ms"`: "raft_snapshot_interval: 5ms is not above 5ms",
		"raft_snapshot_threshold = -1": "server.raft_snapshot_threshold must not", "raft_trailing_logs = -1": "server.raft_trailing_logs must not",
		"num_schedulers = 0": "", "num_schedulers = -1": "number of schedulers -1", "num_schedulers = 100000": "number of schedulers 100000",
		`enabled_schedulers = ["batch", "_core"]`: "", `enabled_schedulers = ["x"]`: `unknown scheduler "x"`,
		"job_max_priority = 100": "", "job_max_priority = 99": "job_max_priority: 99 is not", "job_max_priority = 32766": "", "job_max_priority = 32767": "job_max_priority: 32767 is not",
		"job_default_priority = 50": "", "job_default_priority = 49": "job_default_priority: 49 is not", "job_default_priority = 99": "", "job_default_priority = 100": "job_default_priority: 100 is not",
		"job_max_priority = 200\njob_default_priority = 199": "", "job_max_count = 0": "", "job_max_count = -1": "server.job_max_count must not",
		"job_tracked_versions = 1": "", "job_tracked_versions = 0": "server.job_tracked_versions must be above 0",
		"event_buffer_size = 0": "", "event_buffer_size = -1": "server.event_buffer_size must not",
		`node_gc_threshold = "0s"`: "", `node_gc_threshold = "-1s"`: "server.node_gc_threshold must not", `heartbeat_grace = "-1s"`: "server.heartbeat_grace must not",
		`heartbeat_grace = "0s"`: "", `job_gc_interval = "0s"`: "", `job_gc_interval = "-1s"`: "server.job_gc_interval must not", `min_heartbeat_ttl = "0s"`: "",
		`failover_heartbeat_ttl = "-1s"`: "server.failover_heartbeat_ttl must not", "max_heartbeats_per_second = 0": "",
		"max_heartbeats_per_second = -0.5": "server.max_heartbeats_per_second must not", "search {\nlimit_query = -1\n}": "server.search.limit_query must not",
		"plan_rejection_tracker {\nnode_window = \"-1s\"\n}": "server.plan_rejection_tracker.node_window must not",
	} {
		c, err := load(t, "data_dir = \"/d\"\nadvertise {\nhttp = \"1.2.3.4\"\nrpc = \"1.2.3.4\"\nserf = \"1.2.3.4\"\n}\nserver {\nenabled = true\n"+text+"\n}")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if err = c.EnsureDefaults(); err == nil {
			err = c.Validate()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("client { meta { a = \"${x}\" } }")
	f.Add(`{"ports":{"http":1}}`)
	f.Add("name = 99999999999999999999 region = \"\\u00e9\" ports { http = 0x10 rpc = 1e400 serf = 017 }")
	f.Add("client { servers = [\"a\", 5] host_volume \"v\" { path = <<E\n/x\nE\n} meta = { \"a.b\" = [1] } }")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parse("f.hcl", []byte(text))
		if err != nil {
			return
		}
		if err := s.decode(&Config{}); err != nil && err.Error() == "" {
			t.Error("an error without text")
		}
	})
}

// TestStart reads what a new cluster starts with.
func TestStart(t *testing.T) {
	c, err := load(t, "server {\n  default_scheduler_config {\n    scheduler_algorithm = \"spread\"\n    preemption_config {\n      batch_scheduler_enabled = true\n    }\n  }\n}\nautopilot {\n  min_quorum = 3\n  last_contact_threshold = \"1s\"\n}")
	if err != nil {
		t.Fatal(err)
	}
	s := c.Server.DefaultSchedulerConfig.start()
	if s.SchedulerAlgorithm != "spread" || !s.PreemptionConfig.BatchSchedulerEnabled || !s.PreemptionConfig.SystemSchedulerEnabled {
		t.Errorf("scheduler: %+v", s)
	}
	if p := c.Autopilot.start(); p.MinQuorum != 3 || p.LastContactThreshold != "1s" || !p.CleanupDeadServers {
		t.Errorf("autopilot: %+v", p)
	}
}
