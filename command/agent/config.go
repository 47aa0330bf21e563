// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client"
)

// Config is the configuration of an agent; its hcl tags are the keys of the configuration files, its json tags the names
// that the agent tells it by (recorded agent-self.json) where those differ from ours. Files and flags merge into one Config
// by decode; EnsureDefaults and Validate finish it.
type Config struct {
	Region     string `hcl:"region"`
	Datacenter string `hcl:"datacenter"`
	Name       string `hcl:"name" json:"NodeName"`
	DataDir    string `hcl:"data_dir"`
	PluginDir  string `hcl:"plugin_dir"`
	BindAddr   string `hcl:"bind_addr"`

	LogLevel           string `hcl:"log_level" live:"true"`
	LogJSON            bool   `hcl:"log_json" json:"LogJson"`
	LogIncludeLocation bool   `hcl:"log_include_location"`
	LogFile            string `hcl:"log_file"`

	LogRotateDuration time.Duration `hcl:"log_rotate_duration"`
	LogRotateBytes    int           `hcl:"log_rotate_bytes"`
	LogRotateMaxFiles int           `hcl:"log_rotate_max_files"`
	EnableSyslog      bool          `hcl:"enable_syslog"`
	SyslogFacility    string        `hcl:"syslog_facility"`

	EnableDebug      bool `hcl:"enable_debug"`
	LeaveOnInterrupt bool `hcl:"leave_on_interrupt" json:"LeaveOnInt"`
	LeaveOnTerminate bool `hcl:"leave_on_terminate" json:"LeaveOnTerm"`
	// Nothing is ever checked and no signature is sent, so that these are told as they are set and change nothing.
	DisableUpdateCheck  *bool `hcl:"disable_update_check"`
	DisableAnonymousSig bool  `hcl:"disable_anonymous_signature" json:"DisableAnonymousSignature"`

	HTTPAPIResponseHeaders map[string]string        `hcl:"http_api_response_headers,map"`
	Ports                  Ports                    `hcl:"ports,block"`
	Addresses              Addresses                `hcl:"addresses,block"`
	Advertise              Addresses                `hcl:"advertise,block" json:"AdvertiseAddrs"`
	Server                 ServerConfig             `hcl:"server,block"`
	Client                 ClientConfig             `hcl:"client,block"`
	Telemetry              TelemetryConfig          `hcl:"telemetry,block"`
	UI                     UIConfig                 `hcl:"ui,block"`
	Limits                 LimitsConfig             `hcl:"limits,block"`
	RPC                    RPCConfig                `hcl:"rpc,block"`
	Autopilot              AutopilotConfig          `hcl:"autopilot,block"`
	Plugins                map[string]*PluginConfig `hcl:"plugin,labelled"`

	// Dev is development mode: everything in one process, in memory and temporary directories.
	Dev bool `json:"DevMode"`
	// Sources are the files that were read, in order.
	Sources []string `json:"Files"`
}

// Ports are the agent's ports.
type Ports struct {
	HTTP int `hcl:"http"`
	RPC  int `hcl:"rpc"`
	Serf int `hcl:"serf"`
}

// Addresses are addresses by role.
type Addresses struct {
	HTTP string `hcl:"http"`
	RPC  string `hcl:"rpc"`
	Serf string `hcl:"serf"`
}

// ServerJoin says how to find servers.
type ServerJoin struct {
	StartJoin     []string      `hcl:"start_join"`
	RetryJoin     []string      `hcl:"retry_join"`
	RetryMax      int           `hcl:"retry_max" json:"RetryMaxAttempts"`
	RetryInterval time.Duration `hcl:"retry_interval"`
}

// ServerConfig is the server block.
type ServerConfig struct {
	Enabled         bool   `hcl:"enabled"`
	BootstrapExpect int    `hcl:"bootstrap_expect"`
	DataDir         string `hcl:"data_dir"`
	LogFile         string `hcl:"log_file"`
	NumSchedulers   *int   `hcl:"num_schedulers" live:"true"`
	// EnabledSchedulers are the job types that are scheduled, all when empty.
	EnabledSchedulers []string `hcl:"enabled_schedulers" live:"true"`
	// Encrypt is the key of the gossip in base64: 16, 24 or 32 bytes. It counts until the server has a key ring.
	Encrypt          string     `hcl:"encrypt" json:"-"`
	RejoinAfterLeave bool       `hcl:"rejoin_after_leave"`
	ServerJoin       ServerJoin `hcl:"server_join,block"`
	// The settings of server_join stood here in older configurations.
	RetryJoin     []string      `hcl:"retry_join"`
	StartJoin     []string      `hcl:"start_join"`
	RetryMax      int           `hcl:"retry_max" json:"RetryMaxAttempts"`
	RetryInterval time.Duration `hcl:"retry_interval"`

	NodeGCThreshold       *time.Duration `hcl:"node_gc_threshold"`
	JobGCInterval         *time.Duration `hcl:"job_gc_interval"`
	JobGCThreshold        *time.Duration `hcl:"job_gc_threshold"`
	EvalGCThreshold       *time.Duration `hcl:"eval_gc_threshold"`
	BatchEvalGCThreshold  *time.Duration `hcl:"batch_eval_gc_threshold"`
	DeploymentGCThreshold *time.Duration `hcl:"deployment_gc_threshold"`

	HeartbeatGrace         *time.Duration `hcl:"heartbeat_grace"`
	MinHeartbeatTTL        *time.Duration `hcl:"min_heartbeat_ttl"`
	FailoverHeartbeatTTL   *time.Duration `hcl:"failover_heartbeat_ttl"`
	MaxHeartbeatsPerSecond *float64       `hcl:"max_heartbeats_per_second"`

	// AuthoritativeRegion is the region that namespaces and node pools are copied from.
	AuthoritativeRegion string `hcl:"authoritative_region"`

	EnableEventBroker  *bool  `hcl:"enable_event_broker"`
	EventBufferSize    *int   `hcl:"event_buffer_size"`
	JobMaxPriority     *int   `hcl:"job_max_priority"`
	JobDefaultPriority *int   `hcl:"job_default_priority"`
	JobMaxCount        *int   `hcl:"job_max_count"`
	JobMaxSourceSize   string `hcl:"job_max_source_size"`
	JobTrackedVersions *int   `hcl:"job_tracked_versions"`

	RaftProtocol          *int           `hcl:"raft_protocol"`
	RaftMultiplier        *int           `hcl:"raft_multiplier" live:"true"`
	RaftSnapshotThreshold *int           `hcl:"raft_snapshot_threshold" live:"true"`
	RaftSnapshotInterval  *time.Duration `hcl:"raft_snapshot_interval" live:"true"`
	RaftTrailingLogs      *int           `hcl:"raft_trailing_logs" live:"true"`

	RaftLogStore *RaftLogStoreConfig `hcl:"raft_logstore,block" json:"RaftLogStoreConfig"`
	RaftBoltDB   *BoltDBConfig       `hcl:"raft_boltdb,block" json:"RaftBoltConfig"`

	DefaultSchedulerConfig *SchedulerConfig     `hcl:"default_scheduler_config,block"`
	PlanRejectionTracker   PlanRejectionTracker `hcl:"plan_rejection_tracker,block"`
	Search                 SearchConfig         `hcl:"search,block"`
}

// RaftLogStoreConfig is the raft_logstore block.
type RaftLogStoreConfig struct {
	DisableLogCache bool         `hcl:"disable_log_cache"`
	BoltDB          BoltDBConfig `hcl:"boltdb,block"`
}

// BoltDBConfig is how the log of raft is kept in its file.
type BoltDBConfig struct {
	NoFreelistSync bool `hcl:"no_freelist_sync"`
}

// SearchConfig is the search block.
type SearchConfig struct {
	FuzzyEnabled  *bool `hcl:"fuzzy_enabled"`
	LimitQuery    int   `hcl:"limit_query"`
	LimitResults  int   `hcl:"limit_results"`
	MinTermLength int   `hcl:"min_term_length"`
}

// PlanRejectionTracker makes nodes ineligible that refuse many plans.
type PlanRejectionTracker struct {
	Enabled       *bool         `hcl:"enabled"`
	NodeThreshold int           `hcl:"node_threshold"`
	NodeWindow    time.Duration `hcl:"node_window"`
}

// SchedulerConfig is the configuration that a new cluster starts with.
type SchedulerConfig struct {
	SchedulerAlgorithm            string `hcl:"scheduler_algorithm"`
	MemoryOversubscriptionEnabled bool   `hcl:"memory_oversubscription_enabled"`
	RejectJobRegistration         bool   `hcl:"reject_job_registration"`
	PauseEvalBroker               bool   `hcl:"pause_eval_broker"`
	NodeLimit                     int    `hcl:"node_limit_for_feasibility_checks"`

	Preemption PreemptionConfig `hcl:"preemption_config,block"`
}

// PreemptionConfig says which schedulers may preempt.
type PreemptionConfig struct {
	SystemSchedulerEnabled   *bool `hcl:"system_scheduler_enabled"`
	SysBatchSchedulerEnabled bool  `hcl:"sysbatch_scheduler_enabled"`
	BatchSchedulerEnabled    bool  `hcl:"batch_scheduler_enabled"`
	ServiceSchedulerEnabled  bool  `hcl:"service_scheduler_enabled"`
}

// AutopilotConfig is what the autopilot of a new cluster starts with.
type AutopilotConfig struct {
	CleanupDeadServers      *bool          `hcl:"cleanup_dead_servers"`
	LastContactThreshold    *time.Duration `hcl:"last_contact_threshold"`
	MaxTrailingLogs         *int           `hcl:"max_trailing_logs"`
	MinQuorum               *int           `hcl:"min_quorum"`
	ServerStabilizationTime *time.Duration `hcl:"server_stabilization_time"`
}

// ClientConfig is the client block.
type ClientConfig struct {
	client.Config
	LogFile    string     `hcl:"log_file"`
	Servers    []string   `hcl:"servers"`
	ServerJoin ServerJoin `hcl:"server_join,block"`
}

// TelemetryConfig is the telemetry block.
type TelemetryConfig struct {
	InMemoryCollectionInterval *time.Duration `hcl:"in_memory_collection_interval"`
	InMemoryRetentionPeriod    *time.Duration `hcl:"in_memory_retention_period"`
	CollectionInterval         time.Duration  `hcl:"collection_interval"`

	PrometheusMetrics bool     `hcl:"prometheus_metrics"`
	StatsiteAddress   string   `hcl:"statsite_address" json:"StatsiteAddr"`
	StatsdAddress     string   `hcl:"statsd_address" json:"StatsdAddr"`
	DatadogAddress    string   `hcl:"datadog_address" json:"DataDogAddr"`
	DatadogTags       []string `hcl:"datadog_tags" json:"DataDogTags"`
	// DisableHostname leaves the host out of the names of gauges that are sent to another program; UseNodeName puts the
	// node's name there instead.
	DisableHostname bool `hcl:"disable_hostname"`
	UseNodeName     bool `hcl:"use_node_name"`

	// DisableAllocationHookMetrics leaves out how long the hooks of allocations and tasks take.
	DisableAllocationHookMetrics *bool `hcl:"disable_allocation_hook_metrics"`
	// DisableDispatchedJobSummaryMetrics leaves out what counts the allocations of dispatched jobs.
	DisableDispatchedJobSummaryMetrics bool `hcl:"disable_dispatched_job_summary_metrics"`

	PublishAllocationMetrics bool     `hcl:"publish_allocation_metrics"`
	PublishNodeMetrics       bool     `hcl:"publish_node_metrics"`
	IncludeAllocMetadata     bool     `hcl:"include_alloc_metadata_in_metrics" json:"IncludeAllocMetadataInMetrics"`
	AllowedMetadataKeys      []string `hcl:"allowed_metadata_keys_in_metrics" json:"AllowedMetadataKeysInMetrics"`

	// PrefixFilter are beginnings of names to publish ("+name") and not to ("-name"); FilterDefault, true when unset,
	// is for the other names.
	PrefixFilter  []string `hcl:"prefix_filter"`
	FilterDefault *bool    `hcl:"filter_default"`
}

// UIConfig is the ui block.
type UIConfig struct {
	Enabled               *bool    `hcl:"enabled"`
	ShowCLIHints          *bool    `hcl:"show_cli_hints"`
	Label                 UILabel  `hcl:"label,block"`
	ContentSecurityPolicy UIPolicy `hcl:"content_security_policy,block"`
}

// UILabel is what the header of the web interface says, to tell clusters apart.
type UILabel struct {
	Text            string `hcl:"text"`
	BackgroundColor string `hcl:"background_color"`
	TextColor       string `hcl:"text_color"`
}

// UIPolicy replaces directives of the web interface's content security policy.
type UIPolicy struct {
	ConnectSrc     []string `hcl:"connect_src"`
	DefaultSrc     []string `hcl:"default_src"`
	FormAction     []string `hcl:"form_action"`
	FrameAncestors []string `hcl:"frame_ancestors"`
	ImgSrc         []string `hcl:"img_src"`
	ScriptSrc      []string `hcl:"script_src"`
	StyleSrc       []string `hcl:"style_src"`
}

// LimitsConfig is the limits block.
type LimitsConfig struct {
	HTTPMaxConnsPerClient *int           `hcl:"http_max_conns_per_client"`
	RPCHandshakeTimeout   *time.Duration `hcl:"rpc_handshake_timeout"`
	RPCMaxConnsPerClient  *int           `hcl:"rpc_max_conns_per_client"`
}

// RPCConfig is the rpc block, the patience of connections to other agents.
type RPCConfig struct {
	DialTimeout            time.Duration `hcl:"dial_timeout"`
	KeepAliveInterval      time.Duration `hcl:"keep_alive_interval"`
	ConnectionWriteTimeout time.Duration `hcl:"connection_write_timeout"`
}

// PluginConfig is a plugin block.
type PluginConfig struct {
	Args   []string       `hcl:"args"`
	Config map[string]any `hcl:"config,any"`
}

// DevConfig returns the starting point of development mode.
func DevConfig() *Config {
	return &Config{
		Dev: true, BindAddr: "127.0.0.1", LogLevel: "DEBUG", EnableDebug: true, DisableUpdateCheck: new(true), DisableAnonymousSig: true,
		Server: ServerConfig{Enabled: true, BootstrapExpect: 1},
		Client: ClientConfig{Config: client.Config{
			Enabled: true, Options: map[string]string{"driver.raw_exec.enable": "true"}, GCInterval: 10 * time.Minute,
			GCDiskUsageThreshold: 99, GCInodeUsageThreshold: 99,
		}},
		Telemetry: TelemetryConfig{PrometheusMetrics: true, PublishAllocationMetrics: true, PublishNodeMetrics: true, IncludeAllocMetadata: true},
	}
}

// LoadPath merges a file, or the *.hcl and *.json files directly inside a directory in lexical order.
func (c *Config) LoadPath(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	if !info.IsDir() {
		return c.loadFile(path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("read configuration directory: %w", err)
	}
	for _, e := range entries {
		n := e.Name()
		temporary := strings.HasSuffix(n, "~") || strings.HasPrefix(n, ".#") || strings.HasPrefix(n, "#") && strings.HasSuffix(n, "#")
		if e.IsDir() || temporary || !strings.HasSuffix(n, ".hcl") && !strings.HasSuffix(n, ".json") {
			continue
		}
		file := filepath.Join(path, n)
		switch info, err := os.Stat(file); {
		case err != nil:
			return fmt.Errorf("read configuration: %w", err)
		case info.IsDir(): // by way of a link
			continue
		case !info.Mode().IsRegular():
			return fmt.Errorf("read configuration: %s is no regular file; remove it or rename it", file)
		}
		if err := c.loadFile(file); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) loadFile(path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	s, err := parse(path, src)
	if err == nil {
		err = s.decode(c)
	}
	if err != nil {
		return fmt.Errorf("Error loading %s: %w", path, err) //nolint:staticcheck // the contract's text
	}
	if !s.empty() {
		c.Sources = append(c.Sources, path)
	}
	return nil
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// EnsureDefaults fills what was not set and resolves address templates.
func (c *Config) EnsureDefaults() error {
	orDefault(&c.Region, api.DefaultRegion)
	orDefault(&c.Datacenter, "dc1")
	if c.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("find the host name; set name: %w", err)
		}
		c.Name = host
	}
	orDefault(&c.BindAddr, "0.0.0.0")
	orDefault(&c.LogLevel, "INFO")
	orDefault(&c.SyslogFacility, "LOCAL0")
	orDefault(&c.Ports.HTTP, 4646)
	orDefault(&c.Ports.RPC, 4647)
	orDefault(&c.Ports.Serf, 4648)
	orDefault(&c.Client.NodePool, api.NodePoolDefault)
	orDefault(&c.UI.Enabled, new(true))
	orDefault(&c.UI.ShowCLIHints, new(true))
	orDefault(&c.DisableUpdateCheck, new(false))
	orDefault(&c.Telemetry.DisableAllocationHookMetrics, new(false))
	orDefault(&c.Server.PlanRejectionTracker.Enabled, new(false))
	c.Client.DataDir, c.Client.DevMode = c.DataDir, c.Dev
	if c.Client.Enabled {
		c.Client.EnsureDefaults()
	}
	if c.DataDir != "" {
		orDefault(&c.PluginDir, filepath.Join(c.DataDir, "plugins"))
		orDefault(&c.Server.DataDir, filepath.Join(c.DataDir, "server"))
		orDefault(&c.Client.StateDir, filepath.Join(c.DataDir, "client"))
		orDefault(&c.Client.AllocDir, filepath.Join(c.DataDir, "alloc"))
	}
	if err := c.Server.settleJoin(); err != nil {
		return err
	}
	orDefault(&c.Client.ServerJoin.RetryInterval, defaultRetryInterval)
	return c.resolveAddresses()
}

// ownHeaders are the headers that the agent has to say itself; with others in their place no client could read an answer.
var ownHeaders = []string{"Content-Length", "Transfer-Encoding", "Content-Encoding", "Connection", "Trailer", "Upgrade"}

var logLevels = []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "OFF"}

// Validate returns everything that is wrong with the finished configuration.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Server.Enabled || c.Client.Enabled, "Must specify either server, client or dev mode for the agent.")
	check(slices.Contains(logLevels, strings.ToUpper(c.LogLevel)), "Invalid log level: %s. Valid log levels are: [%s]", c.LogLevel, strings.Join(logLevels, " "))
	if c.EnableSyslog {
		if err := checkSyslog(c); err != nil {
			errs = append(errs, err)
		}
	}
	check(c.LogRotateBytes >= 0 && c.LogRotateDuration >= 0, "log_rotate_bytes and log_rotate_duration must not be negative")
	check(!strings.Contains(c.Region, "\x00"), "region must not hold a NUL character")
	check(!strings.Contains(c.Name, "\x00"), "name must not hold a NUL character")
	for _, name := range slices.Sorted(maps.Keys(c.HTTPAPIResponseHeaders)) {
		text := c.HTTPAPIResponseHeaders[name]
		check(httpguts.ValidHeaderFieldName(name), "http_api_response_headers: %q cannot be the name of a header", name)
		check(httpguts.ValidHeaderFieldValue(text), "http_api_response_headers: %q: the value %q holds a line break or another control character", name, text)
		check(!slices.Contains(ownHeaders, http.CanonicalHeaderKey(name)), "http_api_response_headers: %q says how long an answer is and how it comes, which the agent says of each", name)
	}
	check(!strings.ContainsAny(c.Datacenter, "\x00*"), "datacenter must not hold a NUL character or *")
	if !c.Dev {
		apart := !c.Server.Enabled && c.PluginDir != "" && c.Client.StateDir != "" && c.Client.AllocDir != ""
		check(c.DataDir != "" || apart, "data_dir: must be set (with an absolute path) unless the agent runs in dev mode, or runs a client only whose plugin_dir, state_dir, alloc_dir and alloc_mounts_dir are set")
	}
	check(c.DataDir == "" || filepath.IsAbs(c.DataDir), "data_dir: %q is not an absolute path", c.DataDir)
	check(c.PluginDir == "" || filepath.IsAbs(c.PluginDir), "plugin_dir: %q is not an absolute path", c.PluginDir)
	for _, p := range []struct {
		key  string
		port int
	}{{"http", c.Ports.HTTP}, {"rpc", c.Ports.RPC}, {"serf", c.Ports.Serf}} {
		check(p.port > 0 && p.port < 65536, "ports.%s: %d is not a port", p.key, p.port)
	}
	check(api.Or(c.Limits.HTTPMaxConnsPerClient, 0) >= 0, "limits.http_max_conns_per_client must not be negative; 0 is no limit")
	check(api.Or(c.Limits.RPCHandshakeTimeout, 0) >= 0, "limits.rpc_handshake_timeout must not be negative; 0 is no limit")
	if n := c.Limits.RPCMaxConnsPerClient; n != nil {
		check(*n == 0 || *n > leastRPCConns, "limits.rpc_max_conns_per_client: want 0 for no limit or more than %d, which servers and clients need themselves", leastRPCConns)
	}
	if c.Server.Enabled {
		errs = append(errs, c.Server.validate())
	}
	if c.Client.Enabled {
		errs = append(errs, c.Client.ServerJoin.validate("client"))
		if _, err := serverAddresses(c.Client.Servers); err != nil {
			errs = append(errs, fmt.Errorf("client.servers: %w", err))
		}
	}
	errs = append(errs, c.Telemetry.validate())
	check(c.RPC.DialTimeout >= 0 && c.RPC.KeepAliveInterval >= 0 && c.RPC.ConnectionWriteTimeout >= 0, "rpc: times must not be negative")
	check(c.Server.RaftLogStore == nil || c.Server.RaftBoltDB == nil, "server.raft_boltdb: it is the old name of raft_logstore { boltdb {} }; use one of the two")
	check(c.Server.BootstrapExpect >= 0, "server.bootstrap_expect must not be negative")
	key, err := base64.StdEncoding.DecodeString(c.Server.Encrypt)
	check(err == nil && slices.Contains([]int{0, 16, 24, 32}, len(key)), "server.encrypt: want a key of 16, 24 or 32 bytes in base64; operator gossip keyring generate makes one")
	check(c.Server.RaftProtocol == nil || *c.Server.RaftProtocol == 3, "server.raft_protocol: only 3 is supported")
	a := &c.Autopilot
	check(a.LastContactThreshold == nil || *a.LastContactThreshold > 0, "autopilot.last_contact_threshold must be positive")
	check(a.ServerStabilizationTime == nil || *a.ServerStabilizationTime > 0, "autopilot.server_stabilization_time must be positive")
	check(a.MaxTrailingLogs == nil || *a.MaxTrailingLogs >= 0, "autopilot.max_trailing_logs must not be negative")
	check(a.MinQuorum == nil || *a.MinQuorum >= 0, "autopilot.min_quorum must not be negative")
	if _, err := parseSize(c.Server.JobMaxSourceSize); err != nil {
		errs = append(errs, fmt.Errorf("server.job_max_source_size: %w", err))
	}
	if c.Client.Enabled {
		block := c.Client.Config
		if c.Dev { // directories are temporary ones that the agent makes
			orDefault(&block.StateDir, os.TempDir())
			orDefault(&block.AllocDir, os.TempDir())
			orDefault(&block.AllocMountsDir, os.TempDir())
		}
		if err := block.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// parseSize reads a size such as "1M" in bytes; empty is 1 MiB.
func parseSize(s string) (int, error) {
	if s == "" {
		return 1 << 20, nil
	}
	unit := 1
	num := strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(s)), "B")
	for suffix, u := range map[string]int{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30} {
		if before, ok := strings.CutSuffix(num, suffix); ok {
			unit, num = u, before
			break
		}
	}
	n, err := strconv.Atoi(strings.TrimSpace(num))
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a size such as \"1M\"", s)
	}
	return n * unit, nil
}
