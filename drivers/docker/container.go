// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// The label by which containers are known to be the driver's, and the beginning
// of all its labels.
const (
	labelPrefix = "com.hashicorp.nomad."
	allocLabel  = labelPrefix + "alloc_id"

	// nodeLabel tells the containers of agents that share an engine apart.
	nodeLabel = "io.nomadlike.node_id"
)

// builder makes the engine's description of a container from that of a task.
type builder struct {
	driver  *Driver
	plugin  *pluginConfig
	task    *drivers.TaskConfig
	options *taskConfig
	image   *image

	out client.ContainerCreateOptions
	// portMap says which ports of the container the labels mean.
	portMap map[string]int
	// publishes is true if ports of the host lead to the container.
	publishes bool
	// held is where the sources that the job names are held, empty if they are not; asked says that this is known, and holds how many
	// there are.
	held  string
	holds int
	asked bool
}

// containerName is the name of a task's container.
func containerName(task *drivers.TaskConfig) string {
	return strings.ReplaceAll(task.Name, "/", "_") + "-" + task.AllocID
}

// build describes the container.
func (b *builder) build() error {
	if err := errors.Join(b.options.validate(), b.options.allowModes(b.plugin)); err != nil {
		return fmt.Errorf("task config: %w", err)
	}
	b.out = client.ContainerCreateOptions{
		Name: containerName(b.task),
		Config: &container.Config{
			Image:      b.image.id,
			Hostname:   b.options.Hostname,
			User:       b.task.User,
			Tty:        b.options.TTY,
			OpenStdin:  b.options.Interactive,
			WorkingDir: b.options.WorkDir,
			Labels:     b.labels(),
		},
		HostConfig: &container.HostConfig{
			CgroupnsMode:   container.CgroupnsMode(b.options.CgroupNS),
			GroupAdd:       b.options.GroupAdd,
			IpcMode:        container.IpcMode(b.options.IPCMode),
			PidMode:        container.PidMode(b.options.PidMode),
			UTSMode:        container.UTSMode(b.options.UTSMode),
			UsernsMode:     container.UsernsMode(b.options.UserNSMode),
			Isolation:      container.Isolation(b.options.Isolation),
			OomScoreAdj:    b.options.OOMScoreAdj,
			ReadonlyRootfs: b.options.ReadonlyRootfs,
			ShmSize:        b.options.ShmSize,
			StorageOpt:     b.options.StorageOpt,
			Sysctls:        b.options.Sysctl,
			Runtime:        b.options.Runtime,
			VolumeDriver:   b.options.VolumeDriver,
			LogConfig:      b.logging(),
		},
	}
	b.command()
	var errs []error
	for _, part := range []func() error{
		b.user, b.isolation, b.runtime, b.securityOptions, b.ulimits, b.devices, b.resources, b.network, b.mounts, b.names,
	} {
		errs = append(errs, part())
	}
	// Last, because ports change it.
	for name, value := range b.task.Env {
		b.out.Config.Env = append(b.out.Config.Env, name+"="+value)
	}
	slices.Sort(b.out.Config.Env)
	return errors.Join(errs...)
}

// command chooses what the container runs.
func (b *builder) command() {
	if b.options.Command != "" {
		b.out.Config.Cmd = append([]string{b.options.Command}, b.options.Args...)
	} else if len(b.options.Args) > 0 {
		b.out.Config.Cmd = b.options.Args
	}
	if len(b.options.Entrypoint) > 0 {
		b.out.Config.Entrypoint = b.options.Entrypoint
	}
	if b.options.Healthchecks.Disable {
		b.out.Config.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
	}
	if b.options.Init {
		b.out.HostConfig.Init = new(true)
	}
}

// labels are those of the task and those by which operators find things.
func (b *builder) labels() map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, b.options.Labels)
	known := map[string]string{
		"job_name": b.task.JobName, "job_id": b.task.JobID, "parent_job_id": b.task.ParentJobID,
		"task_group_name": b.task.TaskGroupName, "task_name": b.task.Name, "namespace": b.task.Namespace,
		"node_name": b.task.NodeName, "node_id": b.task.NodeID,
	}
	for name, value := range known {
		if value != "" && slices.ContainsFunc(b.plugin.ExtraLabels, func(glob string) bool {
			ok, err := path.Match(glob, name)
			return err == nil && ok
		}) {
			labels[labelPrefix+name] = value
		}
	}
	maps.Copy(labels, b.driver.ownLabels(b.task.AllocID))
	return labels
}

// allocVariable begins the variable by which containers of tasks and networks are told from others when there is nothing
// left of them but a process.
const allocVariable = "NOMAD_ALLOC_ID="

// ownLabels are those by which the driver finds its containers again.
func (d *Driver) ownLabels(allocID string) map[string]string {
	labels := map[string]string{allocLabel: allocID}
	if d.node != "" {
		labels[nodeLabel] = d.node
	}
	return labels
}

// logging is that of the task, else that of the agent's configuration.
func (b *builder) logging() container.LogConfig {
	l := b.options.Logging
	kind := l.Type
	if kind == "" {
		kind = l.Driver
	}
	if kind == "" && len(l.Config) == 0 {
		return container.LogConfig{Type: b.plugin.Logging.Type, Config: b.plugin.Logging.Config}
	}
	if kind == "" {
		kind = b.plugin.Logging.Type
	}
	return container.LogConfig{Type: kind, Config: l.Config}
}

// user refuses what would be an administrator of the host on Windows.
func (b *builder) user() error {
	if runtime.GOOS != "windows" || b.options.Privileged || b.plugin.WindowsAllowAdmin || b.options.Isolation == "hyperv" {
		return nil
	}
	who := b.task.User
	if who == "" {
		who = b.image.user
	}
	if strings.EqualFold(who, "ContainerAdmin") || strings.EqualFold(who, "ContainerAdministrator") {
		return errors.New("running as ContainerAdmin needs privileged, isolation = \"hyperv\" or windows_allow_insecure_container_admin")
	}
	return nil
}

func (b *builder) isolation() error {
	if b.options.Privileged {
		if !b.plugin.AllowPrivileged {
			return errors.New(`Docker privileged mode is disabled on this Nomad agent; set allow_privileged = true in the docker plugin block`)
		}
		b.out.HostConfig.Privileged = true
	}
	var err error
	b.out.HostConfig.CapAdd, b.out.HostConfig.CapDrop, err = b.plugin.caps.choose(b.options.CapAdd, b.options.CapDrop)
	return err
}

// runtime checks the runtime, and chooses that of the graphics cards for a task
// that was given one.
func (b *builder) runtime() error {
	if _, ok := b.task.DeviceEnv["NVIDIA_VISIBLE_DEVICES"]; ok {
		if b.options.Runtime != "" && b.options.Runtime != b.plugin.NvidiaRuntime {
			return fmt.Errorf("conflicting runtime requests: the device needs %q and the task asks for %q",
				b.plugin.NvidiaRuntime, b.options.Runtime)
		}
		b.out.HostConfig.Runtime = b.plugin.NvidiaRuntime
	}
	if r := b.out.HostConfig.Runtime; r != "" && !slices.Contains(b.plugin.AllowRuntimes, r) {
		return fmt.Errorf("requested runtime %q is not allowed; name it in allow_runtimes of the docker plugin block", r)
	}
	return nil
}

// securityOptions passes options on, and the contents of seccomp profiles in
// place of their files, which only this machine has.
func (b *builder) securityOptions() error {
	for _, option := range b.options.SecurityOpt {
		key, value, ok := strings.Cut(option, "=")
		if !ok {
			key, value, ok = strings.Cut(option, ":")
		}
		if !ok && option != "no-new-privileges" {
			return fmt.Errorf("security_opt %q is neither key=value nor key:value", option)
		}
		if key == "seccomp" && value != "unconfined" && value != "builtin" {
			text, err := readProfile(value)
			if err != nil {
				return fmt.Errorf("security_opt %q: %w", option, err)
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, text); err != nil {
				return fmt.Errorf("security_opt %q: %w", option, err)
			}
			option = "seccomp=" + compact.String()
		}
		b.out.HostConfig.SecurityOpt = append(b.out.HostConfig.SecurityOpt, option)
	}
	return nil
}

func (b *builder) ulimits() error {
	var errs []error
	for name, text := range b.options.Ulimit {
		first, second, both := strings.Cut(text, ":")
		if !both {
			second = first
		}
		soft, err1 := strconv.ParseInt(first, 10, 64)
		hard, err2 := strconv.ParseInt(second, 10, 64)
		if err1 != nil || err2 != nil {
			errs = append(errs, fmt.Errorf("ulimit %s: %q is neither soft nor soft:hard in whole numbers", name, text))
			continue
		}
		b.out.HostConfig.Ulimits = append(b.out.HostConfig.Ulimits, &units.Ulimit{Name: name, Soft: soft, Hard: hard})
	}
	return errors.Join(errs...)
}

func (b *builder) devices() error {
	add := func(host, inside, permissions string) {
		if inside == "" {
			inside = host
		}
		if permissions == "" {
			permissions = "rwm"
		}
		b.out.HostConfig.Devices = append(b.out.HostConfig.Devices, container.DeviceMapping{
			PathOnHost: host, PathInContainer: inside, CgroupPermissions: permissions,
		})
	}
	for _, d := range b.options.Devices {
		add(d.HostPath, d.ContainerPath, d.CgroupPermissions)
	}
	for _, d := range b.task.Devices {
		add(d.HostPath, d.TaskPath, d.Permissions)
	}
	return nil
}

// names are the settings that have to do with how names are resolved.
func (b *builder) names() error {
	host := b.out.HostConfig
	host.ExtraHosts = b.options.ExtraHosts
	network := b.task.NetworkIsolation
	if network != nil && network.Hosts != nil && network.Hosts.Hostname != "" && network.Hosts.Address != "" && b.options.NetworkMode == "" {
		extra, err := b.addresses(b.options.ExtraHosts)
		if err != nil {
			return err
		}
		file, err := hostsFile(b.task, network.Hosts, extra)
		if err != nil {
			return err
		}
		host.ExtraHosts = nil
		b.bind(file, "/etc/hosts", false)
	}
	if b.task.DNS != nil {
		file, err := resolvFile(b.task)
		if err != nil {
			return err
		}
		b.bind(file, "/etc/resolv.conf", true)
		return nil
	}
	host.DNSSearch, host.DNSOptions = b.options.DNSSearchDomains, b.options.DNSOptions
	for _, server := range b.options.DNSServers {
		addr, err := netip.ParseAddr(server)
		if err != nil {
			b.driver.logger.Warn("name server is no IP address and is left out", "server", server, "task", b.task.Name)
			continue
		}
		host.DNS = append(host.DNS, addr)
	}
	return nil
}

// endpoint is the container's place in the network that it joins by itself.
func (b *builder) endpoint(mode string) error {
	o := b.options
	if len(o.NetworkAliases) == 0 && o.IPv4Address == "" && o.IPv6Address == "" && o.MacAddress == "" {
		return nil
	}
	settings := &network.EndpointSettings{Aliases: o.NetworkAliases}
	address := func(name, text string, into *netip.Addr) error {
		if text == "" {
			return nil
		}
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return fmt.Errorf("%s %q is no IP address", name, text)
		}
		*into = addr
		return nil
	}
	var ipam network.EndpointIPAMConfig
	if err := errors.Join(address("ipv4_address", o.IPv4Address, &ipam.IPv4Address), address("ipv6_address", o.IPv6Address, &ipam.IPv6Address)); err != nil {
		return err
	}
	if o.IPv4Address != "" || o.IPv6Address != "" {
		settings.IPAMConfig = &ipam
	}
	if o.MacAddress != "" {
		mac, err := net.ParseMAC(o.MacAddress)
		if err != nil {
			return fmt.Errorf("mac_address %q is no hardware address", o.MacAddress)
		}
		settings.MacAddress = network.HardwareAddr(mac)
	}
	b.out.NetworkingConfig = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{mode: settings}}
	return nil
}

// within reports whether a path, with its links resolved as far as it exists, lies in a directory, and returns that
// directory and the rest of the path without links.
func within(dir, path string) (base, name string, ok bool) {
	base, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", "", false
	}
	rest := ""
	for {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			path = filepath.Join(real, rest)
			break
		}
		if !errors.Is(err, os.ErrNotExist) || path == filepath.Dir(path) {
			return "", "", false
		}
		if st, err := os.Lstat(path); err == nil && st.Mode()&os.ModeSymlink != 0 {
			return "", "", false // a link that leads nowhere now may lead anywhere later
		}
		rest = filepath.Join(filepath.Base(path), rest)
		path = filepath.Dir(path)
	}
	name, err = filepath.Rel(base, path)
	return base, name, err == nil && filepath.IsLocal(name)
}
