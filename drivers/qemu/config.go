// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// pluginSchema is that of the agent's config block.
var pluginSchema = hclspec.Object(hclspec.Fields{
	"image_paths":         hclspec.Attr("image_paths", "list(string)"),
	"args_allowlist":      hclspec.Attr("args_allowlist", "list(string)"),
	"emulators_allowlist": hclspec.Attr("emulators_allowlist", "list(string)"),
})

// taskSchema is that of a task's config block.
var taskSchema = hclspec.Object(hclspec.Fields{
	"image_path":        hclspec.RequiredAttr("image_path", "string"),
	"emulator":          hclspec.Attr("emulator", "string"),
	"machine_type":      hclspec.Attr("machine_type", "string"),
	"drive_interface":   hclspec.Attr("drive_interface", "string"),
	"accelerator":       hclspec.Attr("accelerator", "string"),
	"graceful_shutdown": hclspec.Attr("graceful_shutdown", "bool"),
	"guest_agent":       hclspec.Attr("guest_agent", "bool"),
	"args":              hclspec.Attr("args", "list(string)"),
	"port_map":          hclspec.Attr("port_map", "list(map(number))"),
	// An addition, see cloudInit.
	"cloud_init": hclspec.Block("cloud_init", hclspec.Object(hclspec.Fields{
		"user_data":      hclspec.Attr("user_data", "string"),
		"meta_data":      hclspec.Attr("meta_data", "string"),
		"network_config": hclspec.Attr("network_config", "string"),
	})),
})

// pluginConfig is the agent's config block.
type pluginConfig struct {
	ImagePaths []string `codec:"image_paths"`
	Args       []string `codec:"args_allowlist"`
	Emulators  []string `codec:"emulators_allowlist"`
}

// taskConfig is a task's config block.
type taskConfig struct {
	ImagePath        string         `codec:"image_path"`
	Emulator         string         `codec:"emulator"`
	MachineType      string         `codec:"machine_type"`
	DriveInterface   string         `codec:"drive_interface"`
	Accelerator      string         `codec:"accelerator"`
	GracefulShutdown bool           `codec:"graceful_shutdown"`
	GuestAgent       bool           `codec:"guest_agent"`
	Args             []string       `codec:"args"`
	PortMap          hclspec.IntMap `codec:"port_map"`
	CloudInit        *cloudInit     `codec:"cloud_init"`
}

// Limits of what a machine may be given, in MiB.
const (
	minMemory = 128
	maxMemory = 4000000
)

// Sockets in the task directory: the monitor and the guest agent.
const (
	monitorName = "qm.sock"
	agentName   = "qa.sock"
)

// interfaces are the values that drive_interface may have.
var interfaces = []string{"ide", "scsi", "sd", "mtd", "floppy", "pflash", "virtio", "none"}

// auto is an accelerator that takes the machine's own virtualisation where there is one. All others are QEMU's to know.
const auto = "auto"

// machineArg is the argument of QEMU that machine_type and accelerator are part of.
const machineArg = "-machine"

// complete fills in defaults and checks what needs no look at the machine.
func (o *taskConfig) complete(plugin *pluginConfig) error {
	var errs []error
	if len(plugin.Emulators) > 0 && !slices.Contains(plugin.Emulators, o.Emulator) {
		errs = append(errs, fmt.Errorf("emulator %q is not in emulators_allowlist of the qemu plugin", o.Emulator))
	}
	o.Emulator = strings.TrimPrefix(o.Emulator, emulatorName)
	for field, fallback := range map[*string]string{
		&o.Emulator: "x86_64", &o.MachineType: "pc", &o.DriveInterface: "ide", &o.Accelerator: "tcg",
	} {
		if *field == "" {
			*field = fallback
		}
	}
	if strings.ContainsAny(o.Emulator, `/\`) {
		errs = append(errs, fmt.Errorf("emulator %q is no name of one", o.Emulator))
	}
	if !slices.Contains(interfaces, o.DriveInterface) {
		errs = append(errs, fmt.Errorf("Unsupported drive_interface %q; it is one of %s", o.DriveInterface, strings.Join(interfaces, ", ")))
	}
	if strings.Contains(o.Accelerator, ",") {
		errs = append(errs, fmt.Errorf("accelerator %q has options; give them in machine_type or args", o.Accelerator))
	}
	if o.Accelerator == "kvm" && runtime.GOOS == "darwin" {
		errs = append(errs, errors.New("KVM accelerator is unsupported on your platform"))
	}
	if o.Accelerator == auto {
		o.Accelerator = "tcg"
		if file, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err == nil {
			_ = file.Close()
			o.Accelerator = "kvm"
		}
	}
	// What comes after the name of a machine is as good as an argument.
	if strings.Contains(o.MachineType, ",") && len(plugin.Args) > 0 && !slices.Contains(plugin.Args, machineArg) {
		errs = append(errs, fmt.Errorf("machine_type %q has options, and argument %q is not in args_allowlist of the qemu plugin", o.MachineType, machineArg))
	}
	for _, arg := range o.Args {
		if strings.HasPrefix(arg, "-") && len(plugin.Args) > 0 && !slices.Contains(plugin.Args, arg) {
			errs = append(errs, fmt.Errorf("argument %q is not in args_allowlist of the qemu plugin", arg))
		}
	}
	return errors.Join(errs...)
}

// command is the command line of the machine, its program first.
func (c *pluginConfig) command(task *drivers.TaskConfig, o *taskConfig) ([]string, error) {
	if err := o.complete(c); err != nil {
		return nil, fmt.Errorf("task config: %w", err)
	}
	image, err := c.image(task, o.ImagePath)
	if err == nil && len(c.Args) > 0 {
		err = c.chain(task, image)
	}
	if err != nil {
		return nil, fmt.Errorf("task config: %w", err)
	}
	var memory int64
	if task.Resources != nil {
		memory = task.Resources.MemoryMB
	}
	if memory < minMemory || memory > maxMemory {
		return nil, fmt.Errorf("Qemu memory assignment out of bounds: %d MiB is not between %d and %d", memory, minMemory, maxMemory)
	}
	program, err := exec.LookPath(emulatorName + o.Emulator)
	if err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		return nil, fmt.Errorf("emulator %q could not be found in PATH", emulatorName+o.Emulator)
	}
	args := []string{
		program,
		machineArg, "type=" + o.MachineType + ",accel=" + o.Accelerator,
		"-name", plain(filepath.Base(o.ImagePath)),
		"-m", strconv.FormatInt(memory, 10) + "M",
		"-drive", "file=" + plain(image) + ",if=" + o.DriveInterface + ",id=image0",
		"-nographic",
	}
	if o.CloudInit != nil {
		args = append(args, "-drive", o.CloudInit.drive(task, o))
	}
	if o.GracefulShutdown {
		path, err := socket(task, monitorName)
		if err != nil {
			return nil, err
		}
		args = append(args, "-monitor", "unix:"+plain(path)+",server=on,wait=off")
	}
	if o.GuestAgent {
		path, err := socket(task, agentName)
		if err != nil {
			return nil, err
		}
		args = append(args, "-chardev", "socket,path="+plain(path)+",server=on,wait=off,id=qga0",
			"-device", "virtio-serial", "-device", "virtserialport,chardev=qga0,name=org.qemu.guest_agent.0")
	}
	args = append(args, o.Args...)
	network, err := network(task, o)
	if err != nil {
		return nil, fmt.Errorf("task config: %w", err)
	}
	args = append(args, network...)
	if o.Accelerator == "kvm" {
		args = append(args, "-enable-kvm")
		if l := task.Resources.Linux; l != nil && l.CpusetCpus != "" && !slices.Contains(o.Args, "-smp") {
			args = append(args, "-smp", strconv.Itoa(strings.Count(l.CpusetCpus, ",")+1))
		}
	}
	return args, nil
}

// plain writes a value so that a comma in it does not begin another option.
func plain(value string) string { return strings.ReplaceAll(value, ",", ",,") }

// image checks that an image lies where the operator allows. Tasks can put links
// into their directories, so where a path leads counts, not how it looks.
func (c *pluginConfig) image(task *drivers.TaskConfig, path string) (string, error) {
	if path == "" {
		return "", errors.New("image_path must be set")
	}
	full := path
	if !filepath.IsAbs(full) {
		full = filepath.Join(task.TaskDir(), path)
	}
	real, err := filepath.EvalSymlinks(full)
	if err != nil {
		return "", fmt.Errorf("image_path %q: %w", path, err)
	}
	for _, dir := range append([]string{task.AllocDir}, c.ImagePaths...) {
		if dir, err := filepath.EvalSymlinks(dir); err == nil {
			if relative, err := filepath.Rel(dir, real); err == nil && filepath.IsLocal(relative) {
				return real, nil
			}
		}
	}
	leads := ""
	if real != filepath.Clean(full) {
		leads = fmt.Sprintf(" leads to %q, which", real)
	}
	return "", fmt.Errorf("image_path is not in the allowed paths: %q%s is neither in the allocation directory nor in image_paths of the qemu plugin", path, leads)
}

// maxSocketPath is how long the path of a socket may be.
func maxSocketPath() int {
	if runtime.GOOS == "linux" {
		return 108
	}
	return 104
}

// socket is the path of a socket in the task directory, freed of what an
// earlier start has left there.
func socket(task *drivers.TaskConfig, name string) (string, error) {
	path := filepath.Join(task.TaskDir(), name)
	if len(path) > maxSocketPath() {
		return "", fmt.Errorf("socket path %q is too long for this operating system: %d characters, at most %d", path, len(path), maxSocketPath())
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("make room for a socket: %w", err)
	}
	return path, nil
}

// dialMonitor connects to the monitor of a machine, if it has one.
func dialMonitor(ctx context.Context, taskDir string) (net.Conn, error) {
	path := filepath.Join(taskDir, monitorName)
	st, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if st.Mode()&fs.ModeSocket == 0 {
		return nil, errors.New("the monitor is no socket")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}

// network are the arguments that make ports of the host lead to the guest.
func network(task *drivers.TaskConfig, o *taskConfig) ([]string, error) {
	hostPorts := map[string]int{}
	inGroup := task.NetworkIsolation != nil && task.NetworkIsolation.Mode == drivers.NetworkIsolationGroup
	if r := task.Resources; r != nil {
		for _, p := range r.Ports {
			hostPorts[p.Label] = p.Value
			if inGroup && p.To > 0 {
				hostPorts[p.Label] = p.To // where the host's port leads to
			}
		}
		for _, n := range r.Networks {
			for _, p := range slices.Concat(n.ReservedPorts, n.DynamicPorts) {
				hostPorts[p.Label] = p.Value
			}
		}
	}
	var options []string
	if dns := task.DNS; dns != nil {
		if len(dns.Servers) > 0 {
			options = append(options, "dns="+plain(dns.Servers[0]))
		}
		for _, domain := range dns.Searches {
			options = append(options, "dnssearch="+plain(domain))
		}
	}
	labels := make([]string, 0, len(o.PortMap))
	for label := range o.PortMap {
		labels = append(labels, label)
	}
	slices.Sort(labels)
	for _, label := range labels {
		host, ok := hostPorts[label]
		if !ok {
			return nil, fmt.Errorf("Unknown port label %q", label)
		}
		for _, protocol := range []string{"udp", "tcp"} {
			options = append(options, fmt.Sprintf("hostfwd=%s::%d-:%d", protocol, host, o.PortMap[label]))
		}
	}
	if len(options) == 0 {
		return nil, nil
	}
	return []string{"-netdev", "user,id=user.0," + strings.Join(options, ","), "-device", "virtio-net,netdev=user.0"}, nil
}

// installed are the emulators in the first directory of the PATH that has any.
func installed() []string {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		found, err := filepath.Glob(filepath.Join(dir, emulatorName+"*"))
		if err == nil && len(found) > 0 {
			return found
		}
	}
	return nil
}

func nameOf(path string) string { return strings.TrimPrefix(filepath.Base(path), emulatorName) }

var versionText = regexp.MustCompile(`version (\d[\d.+]+)`)

// versionOf asks an emulator for its version, once.
func (e *emulators) versionOf(ctx context.Context, path string) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.path == path {
		return e.version, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", path, err)
	}
	found := versionText.FindSubmatch(out)
	if found == nil {
		return "", fmt.Errorf("%s does not tell its version", path)
	}
	e.path, e.version = path, string(found[1])
	return e.version, nil
}

func describe(version string, names []string) map[string]*values.Attribute {
	return map[string]*values.Attribute{
		"driver.qemu": values.Flag(true), "driver.qemu.version": values.Text(version),
		"driver.qemu.emulators": values.Text(strings.Join(names, ",")),
	}
}
