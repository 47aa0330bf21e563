// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// minimum of the two settings below which the engine is only kept busy.
const leastGrace = time.Minute

// pluginConfig is the agent's config block.
type pluginConfig struct {
	Endpoint string `codec:"endpoint"`
	Auth     struct {
		Config string `codec:"config"`
		Helper string `codec:"helper"`
	} `codec:"auth"`
	TLS struct {
		Cert string `codec:"cert"`
		Key  string `codec:"key"`
		CA   string `codec:"ca"`
	} `codec:"tls"`
	ExtraLabels []string `codec:"extra_labels"`
	Logging     struct {
		Type   string            `codec:"type"`
		Config map[string]string `codec:"config"`
	} `codec:"logging"`
	GC struct {
		Image      bool   `codec:"image"`
		ImageDelay string `codec:"image_delay"`
		Container  bool   `codec:"container"`
		Dangling   struct {
			Enabled       bool   `codec:"enabled"`
			Period        string `codec:"period"`
			CreationGrace string `codec:"creation_grace"`
			DryRun        bool   `codec:"dry_run"`
		} `codec:"dangling_containers"`
	} `codec:"gc"`
	Volumes struct {
		Enabled      bool   `codec:"enabled"`
		SELinuxLabel string `codec:"selinuxlabel"`
	} `codec:"volumes"`
	AllowPrivileged         bool     `codec:"allow_privileged"`
	AllowCaps               []string `codec:"allow_caps"`
	NvidiaRuntime           string   `codec:"nvidia_runtime"`
	AllowRuntimes           []string `codec:"allow_runtimes"`
	InfraImage              string   `codec:"infra_image"`
	InfraImagePullTimeout   string   `codec:"infra_image_pull_timeout"`
	ImagePullTimeout        string   `codec:"image_pull_timeout"`
	PullActivityTimeout     string   `codec:"pull_activity_timeout"`
	ContainerExistsAttempts int      `codec:"container_exists_attempts"`
	OOMScoreAdj             int      `codec:"oom_score_adj"`
	PidsLimit               int64    `codec:"pids_limit"`
	DisableLogCollection    bool     `codec:"disable_log_collection"`
	WindowsAllowAdmin       bool     `codec:"windows_allow_insecure_container_admin"`
	AllowedModes            struct {
		PID    []string `codec:"pid"`
		IPC    []string `codec:"ipc"`
		UserNS []string `codec:"userns"`
		UTS    []string `codec:"uts"`
	} `codec:"allowed_modes"`

	imageDelay, danglingPeriod, creationGrace      time.Duration
	infraPullTimeout, pullTimeout, activityTimeout time.Duration
	caps                                           capabilities
}

// infraRepository is where the image of pause containers comes from.
const infraRepository = "registry.k8s.io/pause-"

// parse checks the block and reads what is text for people.
func (c *pluginConfig) parse() error {
	var errs []error
	duration := func(name, text string, into *time.Duration, least time.Duration) {
		d, err := time.ParseDuration(text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		case d < least:
			errs = append(errs, fmt.Errorf("%s is less than minimum, %v", name, least))
		}
		*into = d
	}
	duration("gc.image_delay", c.GC.ImageDelay, &c.imageDelay, 0)
	duration("gc.dangling_containers.period", c.GC.Dangling.Period, &c.danglingPeriod, time.Second)
	duration("gc.dangling_containers.creation_grace", c.GC.Dangling.CreationGrace, &c.creationGrace, leastGrace)
	duration("infra_image_pull_timeout", c.InfraImagePullTimeout, &c.infraPullTimeout, 0)
	duration("image_pull_timeout", c.ImagePullTimeout, &c.pullTimeout, 0)
	duration("pull_activity_timeout", c.PullActivityTimeout, &c.activityTimeout, leastGrace)
	if c.InfraImage == "" {
		c.InfraImage = infraRepository + runtime.GOARCH + ":3.3"
	}
	c.InfraImage = strings.TrimPrefix(c.InfraImage, "https://")
	if c.Logging.Type == "" {
		c.Logging.Type = "json-file"
	}
	if c.PidsLimit < 0 {
		errs = append(errs, fmt.Errorf("pids_limit must not be negative, is %d", c.PidsLimit))
	}
	c.caps = newCapabilities(c.AllowCaps)
	for _, glob := range c.ExtraLabels {
		if _, err := path.Match(glob, ""); err != nil {
			errs = append(errs, fmt.Errorf("extra_labels: %q: %w", glob, err))
		}
	}
	return errors.Join(append(errs, c.checkModes())...)
}

// checkModes checks that what is allowed exists.
func (c *pluginConfig) checkModes() error {
	var errs []error
	for name, m := range map[string]struct {
		globs []string
		valid func(string) bool
	}{
		"pid": {c.AllowedModes.PID, sharedMode},
		"ipc": {c.AllowedModes.IPC, func(m string) bool {
			return sharedMode(m) || slices.Contains([]string{"private", "shareable", "none"}, m)
		}},
		"userns": {c.AllowedModes.UserNS, func(m string) bool { return m == "host" }},
		"uts":    {c.AllowedModes.UTS, func(m string) bool { return m == "host" }},
	} {
		for _, glob := range m.globs {
			if _, err := path.Match(glob, ""); err != nil || !m.valid(glob) {
				errs = append(errs, fmt.Errorf("allowed_modes.%s: %q is not a mode of the engine", name, glob))
			}
		}
	}
	return errors.Join(errs...)
}

// sharedMode reports whether a mode is that of the host or of a container.
func sharedMode(mode string) bool {
	container, ok := strings.CutPrefix(mode, "container:")
	return mode == "host" || ok && container != ""
}

// taskConfig is a task's config block.
type taskConfig struct {
	Image                string   `codec:"image"`
	AdvertiseIPv6Address bool     `codec:"advertise_ipv6_address"`
	Args                 []string `codec:"args"`
	Auth                 struct {
		Username      string `codec:"username"`
		Password      string `codec:"password"`
		Email         string `codec:"email"`
		ServerAddress string `codec:"server_address"`
	} `codec:"auth"`
	AuthSoftFail     bool           `codec:"auth_soft_fail"`
	CapAdd           []string       `codec:"cap_add"`
	CapDrop          []string       `codec:"cap_drop"`
	CgroupNS         string         `codec:"cgroupns"`
	Command          string         `codec:"command"`
	CPUHardLimit     bool           `codec:"cpu_hard_limit"`
	CPUCFSPeriod     int64          `codec:"cpu_cfs_period"`
	CpusetCpus       string         `codec:"cpuset_cpus"`
	Devices          []deviceConfig `codec:"devices"`
	DNSSearchDomains []string       `codec:"dns_search_domains"`
	DNSOptions       []string       `codec:"dns_options"`
	DNSServers       []string       `codec:"dns_servers"`
	Entrypoint       []string       `codec:"entrypoint"`
	ExtraHosts       []string       `codec:"extra_hosts"`
	ForcePull        bool           `codec:"force_pull"`
	GroupAdd         []string       `codec:"group_add"`
	Healthchecks     struct {
		Disable bool `codec:"disable"`
	} `codec:"healthchecks"`
	Hostname    string            `codec:"hostname"`
	Init        bool              `codec:"init"`
	Interactive bool              `codec:"interactive"`
	IPCMode     string            `codec:"ipc_mode"`
	IPv4Address string            `codec:"ipv4_address"`
	IPv6Address string            `codec:"ipv6_address"`
	Isolation   string            `codec:"isolation"`
	Labels      hclspec.StringMap `codec:"labels"`
	Load        string            `codec:"load"`
	Logging     struct {
		Type   string            `codec:"type"`
		Driver string            `codec:"driver"`
		Config hclspec.StringMap `codec:"config"`
	} `codec:"logging"`
	MacAddress       string            `codec:"mac_address"`
	MemoryHardLimit  int64             `codec:"memory_hard_limit"`
	Mount            []mountConfig     `codec:"mount"`
	Mounts           []mountConfig     `codec:"mounts"`
	NetworkAliases   []string          `codec:"network_aliases"`
	NetworkMode      string            `codec:"network_mode"`
	OOMScoreAdj      int               `codec:"oom_score_adj"`
	PidMode          string            `codec:"pid_mode"`
	PidsLimit        int64             `codec:"pids_limit"`
	PortMap          hclspec.IntMap    `codec:"port_map"`
	Ports            []string          `codec:"ports"`
	Privileged       bool              `codec:"privileged"`
	ImagePullTimeout string            `codec:"image_pull_timeout"`
	ReadonlyRootfs   bool              `codec:"readonly_rootfs"`
	Runtime          string            `codec:"runtime"`
	SecurityOpt      []string          `codec:"security_opt"`
	ShmSize          int64             `codec:"shm_size"`
	StorageOpt       map[string]string `codec:"storage_opt"`
	Sysctl           hclspec.StringMap `codec:"sysctl"`
	TTY              bool              `codec:"tty"`
	Ulimit           hclspec.StringMap `codec:"ulimit"`
	UserNSMode       string            `codec:"userns_mode"`
	UTSMode          string            `codec:"uts_mode"`
	Volumes          []string          `codec:"volumes"`
	VolumeDriver     string            `codec:"volume_driver"`
	WorkDir          string            `codec:"work_dir"`
}

type deviceConfig struct {
	HostPath          string `codec:"host_path"`
	ContainerPath     string `codec:"container_path"`
	CgroupPermissions string `codec:"cgroup_permissions"`
}

type mountConfig struct {
	Type        string `codec:"type"`
	Target      string `codec:"target"`
	Source      string `codec:"source"`
	Readonly    bool   `codec:"readonly"`
	BindOptions struct {
		Propagation string `codec:"propagation"`
	} `codec:"bind_options"`
	TmpfsOptions struct {
		Size int64 `codec:"size"`
		Mode int64 `codec:"mode"`
	} `codec:"tmpfs_options"`
	VolumeOptions *struct {
		NoCopy       bool              `codec:"no_copy"`
		Labels       hclspec.StringMap `codec:"labels"`
		DriverConfig *struct {
			Name    string            `codec:"name"`
			Options hclspec.StringMap `codec:"options"`
		} `codec:"driver_config"`
	} `codec:"volume_options"`
}

// maxCFSPeriod is the longest period the kernel takes, in microseconds.
const maxCFSPeriod = 1000000

// validate checks what needs no look at the plugin's settings.
func (c *taskConfig) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	c.Image = strings.TrimPrefix(c.Image, "https://")
	if c.Image == "" {
		bad("image must not be empty")
	}
	if c.Command != "" && strings.TrimSpace(c.Command) != c.Command {
		bad("command must not be blank or have spaces around it, is %q", c.Command)
	}
	if c.CPUCFSPeriod < 0 || c.CPUCFSPeriod > maxCFSPeriod {
		bad("cpu_cfs_period must be between 0 and %d, not %d", maxCFSPeriod, c.CPUCFSPeriod)
	}
	if c.Isolation != "" && runtime.GOOS != "windows" {
		bad("isolation is for Windows only")
	}
	if c.CgroupNS != "" && c.CgroupNS != "host" && c.CgroupNS != "private" {
		bad("cgroupns must be host or private, not %q", c.CgroupNS)
	}
	for i, d := range c.Devices {
		if d.HostPath == "" {
			bad("devices[%d]: host_path must be set", i)
		}
		if strings.Trim(d.CgroupPermissions, "rwm") != "" {
			bad("devices[%d]: cgroup_permissions may have r, w and m only, not %q", i, d.CgroupPermissions)
		}
	}
	if c.ImagePullTimeout != "" {
		if _, err := time.ParseDuration(c.ImagePullTimeout); err != nil {
			bad("image_pull_timeout: %w", err)
		}
	}
	if len(c.PortMap) > 0 && len(c.Ports) > 0 {
		bad("port_map and ports cannot be used together")
	}
	return errors.Join(errs...)
}

// allowModes checks the modes that let a container out of its own namespaces.
func (c *taskConfig) allowModes(plugin *pluginConfig) error {
	var errs []error
	for name, m := range map[string]struct {
		mode  string
		globs []string
	}{
		"pid_mode":    {c.PidMode, plugin.AllowedModes.PID},
		"ipc_mode":    {c.IPCMode, plugin.AllowedModes.IPC},
		"userns_mode": {c.UserNSMode, plugin.AllowedModes.UserNS},
		"uts_mode":    {c.UTSMode, plugin.AllowedModes.UTS},
	} {
		allowed := m.mode == "" || plugin.AllowPrivileged || slices.ContainsFunc(m.globs, func(glob string) bool {
			ok, err := path.Match(glob, m.mode)
			return err == nil && ok
		})
		if !allowed {
			errs = append(errs, fmt.Errorf("%s %q is not allowed; allow it in allowed_modes of the docker plugin", name, m.mode))
		}
	}
	return errors.Join(errs...)
}
