// SPDX-License-Identifier: MPL-2.0

package client

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/artifact"
	"github.com/nomadlike/nomadlike/client/fingerprint"
	"github.com/nomadlike/nomadlike/client/taskenv"
	"github.com/nomadlike/nomadlike/client/template"
	"github.com/nomadlike/nomadlike/plugins/host"
)

// Config is the client block of the agent's configuration (agent-config.md 4), and what the client needs
// of the rest of it. Sizes are in MiB and compute in MHz.
type Config struct {
	Enabled  bool   `hcl:"enabled"`
	StateDir string `hcl:"state_dir"`
	AllocDir string `hcl:"alloc_dir"`
	// AllocMountsDir has what tasks see of their directories whose driver hides the rest of the host; beside data_dir
	// when unset.
	AllocMountsDir string       `hcl:"alloc_mounts_dir"`
	Users          *UsersConfig `hcl:"users,block"`

	NodeClass string            `hcl:"node_class" live:"true"`
	NodePool  string            `hcl:"node_pool" default:"default"`
	Meta      map[string]string `hcl:"meta,map" live:"true"`
	Options   map[string]string `hcl:"options,map"`
	// ChrootEnv is which paths of the host drivers with a root of their own show to tasks, and where; empty
	// for the usual ones.
	ChrootEnv map[string]string `hcl:"chroot_env,map"`

	NetworkInterface       string `hcl:"network_interface"`
	PreferredAddressFamily string `hcl:"preferred_address_family"`
	NetworkSpeed           int    `hcl:"network_speed"`

	// CNIPath lists directories, separated by colons; see client/network for what these say.
	CNIPath                 string `hcl:"cni_path" default:"/opt/cni/bin:/usr/libexec/cni"`
	CNIConfigDir            string `hcl:"cni_config_dir" default:"/opt/cni/config"`
	BridgeNetworkName       string `hcl:"bridge_network_name" default:"nomad"`
	BridgeNetworkSubnet     string `hcl:"bridge_network_subnet" default:"172.26.64.0/20"`
	BridgeNetworkSubnetIPv6 string `hcl:"bridge_network_subnet_ipv6"`
	BridgeNetworkHairpin    bool   `hcl:"bridge_network_hairpin_mode" json:"BridgeNetworkHairpinMode"`
	// BindWildcardDefaultHostNetwork is true when unset.
	BindWildcardDefaultHostNetwork *bool `hcl:"bind_wildcard_default_host_network"`

	CPUTotalCompute int             `hcl:"cpu_total_compute" json:"CpuCompute"`
	MemoryTotalMB   int             `hcl:"memory_total_mb" json:"MemoryMB"`
	DiskTotalMB     int             `hcl:"disk_total_mb"`
	ReservableCores string          `hcl:"reservable_cores"`
	Reserved        *ReservedConfig `hcl:"reserved,block"`

	MaxKillTimeout time.Duration `hcl:"max_kill_timeout" default:"30s"`
	ClientMinPort  int           `hcl:"client_min_port" default:"14000"`
	ClientMaxPort  int           `hcl:"client_max_port" default:"14512"`
	MinDynamicPort int           `hcl:"min_dynamic_port" default:"20000"`
	MaxDynamicPort int           `hcl:"max_dynamic_port" default:"32000"`

	GCInterval            time.Duration `hcl:"gc_interval" default:"1m"`
	GCParallelDestroys    int           `hcl:"gc_parallel_destroys" default:"2"`
	GCDiskUsageThreshold  float64       `hcl:"gc_disk_usage_threshold" default:"80"`
	GCInodeUsageThreshold float64       `hcl:"gc_inode_usage_threshold" default:"70"`
	GCMaxAllocs           int           `hcl:"gc_max_allocs" default:"50"`

	// NoHostUUID, true when unset, makes the node ID random instead of derived from the machine.
	NoHostUUID        *bool `hcl:"no_host_uuid"`
	DisableRemoteExec bool  `hcl:"disable_remote_exec"`
	// NomadServiceDiscovery is true when unset.
	NomadServiceDiscovery *bool  `hcl:"nomad_service_discovery"`
	NodeMaxAllocs         int    `hcl:"node_max_allocs"`
	DefaultIneligible     bool   `hcl:"default_ineligible"`
	CgroupParent          string `hcl:"cgroup_parent"`

	// DrainOnShutdown is nil for an agent that leaves without a drain.
	DrainOnShutdown *DrainConfig `hcl:"drain_on_shutdown,block" json:"Drain"`

	Artifact artifact.Config `hcl:"artifact,block"`
	Template template.Config `hcl:"template,block" json:"TemplateConfig"`

	HostVolumes  []*HostVolumeConfig  `hcl:"host_volume,block" live:"true"`
	HostNetworks []*HostNetworkConfig `hcl:"host_network,block"`

	// The fields below are not of the client block, and stand elsewhere in what the agent tells of itself.

	Region     string `hcl:"-" json:"-"`
	Datacenter string `hcl:"-" json:"-"`
	// Name is that of the node.
	Name    string `hcl:"-" json:"-"`
	DataDir string `hcl:"-" json:"-"`
	// Metrics says what is published, MetricsInterval how often; 0 for the default.
	Metrics         MetricsConfig `hcl:"-" json:"-"`
	MetricsInterval time.Duration `hcl:"-" json:"-"`
	// HTTPAddr is the advertised address of the agent's HTTP API, host:port.
	HTTPAddr   string `hcl:"-" json:"-"`
	TLSEnabled bool   `hcl:"-" json:"-"`
	// DevMode puts the node on the loopback interface.
	DevMode bool `hcl:"-" json:"-"`
	// StopTasksOnExit ends all tasks and removes their directories when Run ends.
	StopTasksOnExit bool `hcl:"-" json:"-"`
	// Program starts this binary again; its arguments are followed by what it is to do.
	Program []string `hcl:"-" json:"-"`
	// Drivers of the agent's own binary, the directory of external plugins, and the plugin blocks.
	InternalDrivers []host.Internal `hcl:"-" json:"-"`
	PluginDir       string          `hcl:"-" json:"-"`
	PluginBlocks    []host.Block    `hcl:"-" json:"-"`
}

// ReservedConfig is what the operator withholds from tasks.
type ReservedConfig struct {
	CPU           int    `hcl:"cpu"`
	Cores         string `hcl:"cores"`
	MemoryMB      int    `hcl:"memory"`
	DiskMB        int    `hcl:"disk"`
	ReservedPorts string `hcl:"reserved_ports"`
}

// UsersConfig bounds the numbers of the users that are lent to tasks.
type UsersConfig struct {
	Min int `hcl:"dynamic_user_min" default:"80000" json:"MinDynamicUser"`
	Max int `hcl:"dynamic_user_max" default:"89999" json:"MaxDynamicUser"`
}

// HostVolumeConfig is a directory of the node that tasks may mount.
type HostVolumeConfig struct {
	Name     string `hcl:"name,label"`
	Path     string `hcl:"path"`
	ReadOnly bool   `hcl:"read_only"`
}

// HostNetworkConfig is a named set of the node's addresses.
type HostNetworkConfig struct {
	Name          string `hcl:"name,label"`
	CIDR          string `hcl:"cidr"`
	Interface     string `hcl:"interface"`
	ReservedPorts string `hcl:"reserved_ports"`
}

// orDefault sets *p unless it is set.
func orDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// EnsureDefaults fills in what is not set.
func (c *Config) EnsureDefaults() {
	orDefault(&c.Region, api.DefaultRegion)
	orDefault(&c.Datacenter, "dc1")
	orDefault(&c.NodePool, api.NodePoolDefault)
	if c.DataDir != "" {
		orDefault(&c.StateDir, filepath.Join(c.DataDir, "client"))
		orDefault(&c.AllocDir, filepath.Join(c.DataDir, "alloc"))
		orDefault(&c.AllocMountsDir, filepath.Join(filepath.Dir(filepath.Clean(c.DataDir)), "alloc_mounts"))
	}
	if c.AllocDir != "" {
		orDefault(&c.AllocMountsDir, filepath.Join(filepath.Dir(c.AllocDir), "alloc_mounts"))
	}
	if c.Users == nil {
		c.Users = &UsersConfig{}
	}
	orDefault(&c.Users.Min, 80000)
	orDefault(&c.Users.Max, 89999)
	orDefault(&c.CNIPath, "/opt/cni/bin:/usr/libexec/cni")
	orDefault(&c.CNIConfigDir, "/opt/cni/config")
	orDefault(&c.BridgeNetworkName, "nomad")
	orDefault(&c.BridgeNetworkSubnet, "172.26.64.0/20")
	orDefault(&c.MaxKillTimeout, 30*time.Second)
	orDefault(&c.ClientMinPort, 14000)
	orDefault(&c.ClientMaxPort, 14512)
	orDefault(&c.MinDynamicPort, 20000)
	orDefault(&c.MaxDynamicPort, 32000)
	orDefault(&c.GCInterval, time.Minute)
	orDefault(&c.GCParallelDestroys, 2)
	orDefault(&c.GCDiskUsageThreshold, 80)
	orDefault(&c.GCInodeUsageThreshold, 70)
	orDefault(&c.GCMaxAllocs, 50)
	c.Artifact.EnsureDefaults()
	c.Template.EnsureDefaults()
	if c.Reserved == nil {
		c.Reserved = &ReservedConfig{}
	}
}

// lastPort is the highest number of a port.
const lastPort = math.MaxUint16

// lastUser is the highest number of a user: the one above it stands for none.
const lastUser = math.MaxUint32 - 1

var poolName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`)

// metaKey is what a reference to metadata can name: anything but what ends a word or the reference.
var metaKey = regexp.MustCompile(`^[^ \x00-\x1f\x7f"'$\x60{}]+$`)

// Validate reports everything that is wrong, each with the key it is about.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, d := range []struct{ key, dir string }{{"state_dir", c.StateDir}, {"alloc_dir", c.AllocDir}, {"alloc_mounts_dir", c.AllocMountsDir}} {
		switch {
		case d.dir == "":
			bad("client.%s: must be set when there is no data_dir", d.key)
		case !filepath.IsAbs(d.dir):
			bad("client.%s: %q must be an absolute path", d.key, d.dir)
		}
	}
	switch {
	case c.NodePool == api.NodePoolAll:
		bad("client.node_pool: nodes cannot join the pool %q", api.NodePoolAll)
	case !poolName.MatchString(c.NodePool):
		bad("client.node_pool: %q must match %s", c.NodePool, poolName)
	}
	// Compat: the contract's range ends with 65536, which is no port and is given to nobody.
	if c.MinDynamicPort < 0 || c.MaxDynamicPort > lastPort+1 || c.MinDynamicPort > min(c.MaxDynamicPort, lastPort) {
		bad("client.min_dynamic_port and max_dynamic_port: %d and %d must lie within 0 and %d, the lower one first", c.MinDynamicPort, c.MaxDynamicPort, lastPort)
	}
	if c.ClientMinPort < 0 || c.ClientMaxPort > lastPort || c.ClientMinPort > c.ClientMaxPort {
		bad("client.client_min_port and client_max_port: %d and %d must lie within 0 and %d, the lower one first", c.ClientMinPort, c.ClientMaxPort, lastPort)
	}
	if f := c.PreferredAddressFamily; f != "" && f != "ipv4" && f != "ipv6" {
		bad("client.preferred_address_family: %q must be \"ipv4\" or \"ipv6\"", f)
	}
	for _, cores := range []struct{ key, list string }{{"reservable_cores", c.ReservableCores}, {"reserved.cores", c.Reserved.Cores}} {
		if _, err := fingerprint.ParseCores(cores.list); err != nil {
			bad("client.%s: %w", cores.key, err)
		}
	}
	for _, n := range []struct {
		key   string
		value int
	}{
		{"network_speed", c.NetworkSpeed},
		{"cpu_total_compute", c.CPUTotalCompute},
		{"memory_total_mb", c.MemoryTotalMB},
		{"disk_total_mb", c.DiskTotalMB},
		{"reserved.cpu", c.Reserved.CPU},
		{"reserved.memory", c.Reserved.MemoryMB},
		{"reserved.disk", c.Reserved.DiskMB},
	} {
		if n.value < 0 {
			bad("client.%s: must not be negative", n.key)
		}
	}
	if c.GCDiskUsageThreshold < 0 || c.GCInodeUsageThreshold < 0 {
		bad("client.gc_disk_usage_threshold and gc_inode_usage_threshold: must not be negative")
	}
	for _, source := range slices.Sorted(maps.Keys(c.ChrootEnv)) {
		if !path.IsAbs(source) {
			bad("client.chroot_env: %q must be an absolute path", source)
		}
	}
	if c.MaxKillTimeout < 0 {
		bad("client.max_kill_timeout: must not be negative")
	}
	for _, key := range slices.Sorted(maps.Keys(c.Meta)) {
		if !metaKey.MatchString(key) {
			bad("client.meta: %q cannot be used as ${meta.KEY}; it is empty or holds spaces, quotes, braces or $", key)
		}
	}
	if _, err := api.ParsePorts(c.Reserved.ReservedPorts); err != nil {
		bad("client.reserved.reserved_ports: %w", err)
	}
	if c.GCParallelDestroys < 1 || c.GCMaxAllocs < 0 || c.GCInterval < time.Second {
		bad("client.gc_parallel_destroys must be at least 1, gc_max_allocs 0, gc_interval 1s")
	}
	for _, err := range []error{c.Artifact.Validate(), c.Template.Validate(), c.DrainOnShutdown.validate()} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, c.validateBridge()...)
	if c.Users.Min < 1 || c.Users.Max < c.Users.Min || c.Users.Max > lastUser {
		bad("client.users: dynamic_user_min and dynamic_user_max: %d and %d must lie within 1 and %d, the lower one first", c.Users.Min, c.Users.Max, lastUser)
	}
	if c.NodeMaxAllocs < 0 {
		bad("client.node_max_allocs: must not be negative")
	}
	return errors.Join(append(errs, c.validateHost()...)...)
}

// validateHost reports what is wrong with the volumes and networks of the machine that tasks may use.
func (c *Config) validateHost() []error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	for _, v := range c.HostVolumes {
		if v.Name == "" || v.Path == "" || !filepath.IsAbs(v.Path) {
			bad("client.host_volume %q: path %q must be absolute", v.Name, v.Path)
		}
		if seen[v.Name] {
			bad("client.host_volume %q: is given twice", v.Name)
		}
		seen[v.Name] = true
	}
	for _, n := range c.HostNetworks {
		if n.Name == "" {
			bad("client.host_network: needs a name")
		}
		if _, err := api.ParsePorts(n.ReservedPorts); err != nil {
			bad("client.host_network %q: reserved_ports: %w", n.Name, err)
		}
		if n.CIDR != "" {
			if _, err := netip.ParsePrefix(n.CIDR); err != nil {
				bad("client.host_network %q: cidr: %w", n.Name, err)
			}
		}
		if n.CIDR == "" && n.Interface == "" {
			bad("client.host_network %q: needs cidr or interface", n.Name)
		}
	}
	return errs
}

// interfaceNames are those that Linux takes.
var interfaceNames = regexp.MustCompile(`^[^\s/:]{1,15}$`)

// cniPath are the directories with CNI plugins; there are none on systems where a path is written otherwise.
func (c *Config) cniPath() []string { return strings.Split(c.CNIPath, ":") }

// bindHostIP tells whether mapped ports listen on their own address of the host only. Without host networks there is one
// address, and ports listen on all unless bind_wildcard_default_host_network is off.
func (c *Config) bindHostIP() bool {
	return len(c.HostNetworks) > 0 || !api.Or(c.BindWildcardDefaultHostNetwork, true)
}

// validateBridge reports what is wrong with the network of allocations.
func (c *Config) validateBridge() []error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !interfaceNames.MatchString(c.BridgeNetworkName) {
		bad("client.bridge_network_name: %q cannot be the name of an interface", c.BridgeNetworkName)
	}
	if p, err := netip.ParsePrefix(c.BridgeNetworkSubnet); err != nil || !p.Addr().Is4() {
		bad("client.bridge_network_subnet: %q must be an IPv4 network such as \"172.26.64.0/20\"", c.BridgeNetworkSubnet)
	}
	if text := c.BridgeNetworkSubnetIPv6; text != "" {
		if p, err := netip.ParsePrefix(text); err != nil || !p.Addr().Is6() {
			bad("client.bridge_network_subnet_ipv6: %q must be an IPv6 network such as \"fd00:a110:c8::/120\"", text)
		}
	}
	for _, dir := range c.cniPath() {
		if !path.IsAbs(dir) {
			bad("client.cni_path: %q must be an absolute path", dir)
		}
	}
	if !path.IsAbs(c.CNIConfigDir) {
		bad("client.cni_config_dir: %q must be an absolute path", c.CNIConfigDir)
	}
	return errs
}

// option returns a client option, under its name or an older one.
func (c *Config) option(names ...string) string {
	for _, n := range names {
		if v, ok := c.Options[n]; ok {
			return v
		}
	}
	return ""
}

// optionList returns a comma separated option.
func (c *Config) optionList(names ...string) []string {
	list := strings.FieldsFunc(c.option(names...), func(r rune) bool { return r == ',' || r == ' ' })
	return slices.Compact(list)
}

// optionOr returns a comma separated option, or the default when it is not set.
func (c *Config) optionOr(fallback []string, name string) []string {
	if _, ok := c.Options[name]; !ok {
		return fallback
	}
	return c.optionList(name)
}

func (c *Config) envDenylist() []string {
	if _, ok := c.Options["env.denylist"]; !ok {
		if old := c.option("env.blacklist"); old != "" {
			return c.optionList("env.blacklist")
		}
	}
	return c.optionOr(taskenv.DefaultDenylist, "env.denylist")
}
