// SPDX-License-Identifier: MPL-2.0

//go:build linux

package qemu

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

func TestMain(m *testing.M) {
	drivertest.Main(m, drivertest.Roles{
		"driver":      func() { plugins.Serve(New(plugins.Logger())) },
		shim.Argument: shim.Main,
	})
}

// emulator is a program in place of QEMU that does what the argument after
// -script says: a machine cannot end with a code of its choice. The real thing is
// tested by TestMachine.
const emulator = `#!/bin/sh
[ "$1" = --version ] && echo "QEMU emulator version 7.2.1" && exit
while [ $# -gt 0 ]; do
	[ "$1" = -script ] && exec /bin/sh -c "$2"
	shift
done
exit 99
`

// TestDriver runs the suite that every driver passes.
func TestDriver(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "qemu-system-script"), []byte(emulator), 0o755); err != nil {
		t.Fatal(err)
	}
	script := func(format string, args ...any) drivertest.Config {
		return drivertest.Config{"image_path": "local/image", "emulator": "script", "args": []any{"-script", fmt.Sprintf(format, args...)}}
	}
	drivertest.Run(t, drivertest.Harness{
		Name: Name,
		Env:  []string{"PATH=" + bin + ":" + os.Getenv("PATH")},
		Setup: func(t testing.TB, config *drivers.TaskConfig) {
			config.Resources.MemoryMB = 128
			if err := os.WriteFile(filepath.Join(config.LocalDir(), "image"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			place := shim.Place{Base: config.AllocDir, Names: []string{config.Name, "private", "shim-" + path.Base(config.ID)}}
			t.Cleanup(func() {
				if err := shim.Reclaim(context.Background(), place); err != nil {
					t.Error(err)
				}
			})
		},
		Exit: func(code int) drivertest.Config { return script("exit %d", code) },
		Run:  func() drivertest.Config { return script("exec sleep 3600") },
		Stubborn: func() drivertest.Config {
			return script("trap '' TERM; echo ready; while :; do sleep 1; done")
		},
		Print: func(stdout, stderr string) drivertest.Config {
			return script("printf %%s '%s'; printf %%s '%s' >&2", stdout, stderr)
		},
		Await: func(file string, code int) drivertest.Config {
			return script("while [ ! -e '%s' ]; do sleep 0.01; done; rm '%s'; exit %d", file, file, code)
		},
		Invalid:        func() drivertest.Config { return drivertest.Config{"image_path": "/etc/passwd"} },
		SurvivesPlugin: true,
		Stats:          true,
	})
}

// TestProcess checks what the emulator is started with besides its arguments, and what the host is told.
func TestProcess(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "qemu-system-script"), []byte(emulator), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	task := machine(t)
	task.ID, task.StdoutPath, task.StderrPath = "a/web/1", os.DevNull, os.DevNull
	task.Env = map[string]string{"NOMAD_PORT_ssh": "22022", "A": "b", "PATH": os.Getenv("PATH")}
	task.DriverConfig = encode(t, taskSchema, map[string]any{
		"image_path": "local/a,b.img", "emulator": "script", "port_map": []any{map[string]any{"ssh": 22}},
		"args": []any{"-script", "echo $A $NOMAD_PORT_ssh > local/told"},
	})
	d := New(hclog.NewNullLogger())
	_, override, err := d.StartTask(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.DestroyTask(context.Background(), task.ID, true) }()
	if override == nil || override.PortMap["ssh"] != 22 {
		t.Errorf("the host is told %+v", override)
	}
	if exit, err := d.WaitTask(t.Context(), task.ID); err != nil || !exit.Successful() {
		t.Errorf("exit is %+v, %v", exit, err)
	}
	if told, err := os.ReadFile(filepath.Join(task.LocalDir(), "told")); err != nil || string(told) != "b 22\n" {
		t.Errorf("the environment is %q, %v", told, err)
	}
	if _, err := os.Stat(filepath.Join(task.TaskDir(), "web-executor.out")); err != nil {
		t.Error(err)
	}
}

func machine(t *testing.T) *drivers.TaskConfig {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "web", "local"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "web", "local", "a,b.img"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return &drivers.TaskConfig{
		Name: "web", AllocDir: dir,
		Resources: &drivers.Resources{
			MemoryMB: 256, Ports: []*drivers.PortMapping{{Label: "ssh", Value: 22022}},
			Linux: &drivers.LinuxResources{CpusetCpus: "1,3"},
		},
	}
}

func TestCommandLine(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	if err := os.WriteFile(filepath.Join(bin, "qemu-system-x86_64"), []byte(emulator), 0o755); err != nil {
		t.Fatal(err)
	}
	task := machine(t)
	task.DNS = &drivers.DNSConfig{Servers: []string{"10.0.0.1", "10.0.0.2"}, Searches: []string{"example.org"}}
	dir, err := filepath.EvalSymlinks(task.TaskDir())
	if err != nil {
		t.Fatal(err)
	}
	got, err := (&pluginConfig{}).command(task, &taskConfig{
		ImagePath: "local/a,b.img", Accelerator: "kvm", DriveInterface: "virtio", GracefulShutdown: true, GuestAgent: true,
		Args: []string{"-cpu", "host"}, PortMap: map[string]int{"ssh": 22},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		filepath.Join(bin, "qemu-system-x86_64"), "-machine", "type=pc,accel=kvm", "-name", "a,,b.img", "-m", "256M",
		"-drive", "file=" + filepath.Join(dir, "local") + "/a,,b.img,if=virtio,id=image0", "-nographic",
		"-monitor", "unix:" + task.TaskDir() + "/qm.sock,server=on,wait=off",
		"-chardev", "socket,path=" + task.TaskDir() + "/qa.sock,server=on,wait=off,id=qga0",
		"-device", "virtio-serial", "-device", "virtserialport,chardev=qga0,name=org.qemu.guest_agent.0", "-cpu", "host",
		"-netdev", "user,id=user.0,dns=10.0.0.1,dnssearch=example.org,hostfwd=udp::22022-:22,hostfwd=tcp::22022-:22",
		"-device", "virtio-net,netdev=user.0", "-enable-kvm", "-smp", "2",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	task.Resources.Ports[0].To = 8022
	for mode, port := range map[drivers.NetworkIsolationMode]string{drivers.NetworkIsolationHost: "22022", drivers.NetworkIsolationGroup: "8022"} {
		task.NetworkIsolation = &drivers.NetworkIsolationSpec{Mode: mode}
		args, err := network(task, &taskConfig{PortMap: map[string]int{"ssh": 22}})
		if err != nil || len(args) < 2 || !strings.HasSuffix(args[1], ",hostfwd=tcp::"+port+"-:22") {
			t.Errorf("in a network of mode %v: %q, %v", mode, args, err)
		}
	}
}

// TestMachineAndAccelerator checks that what QEMU knows of machines and accelerators is left to QEMU.
func TestMachineAndAccelerator(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	if err := os.WriteFile(filepath.Join(bin, "qemu-system-x86_64"), []byte(emulator), 0o755); err != nil {
		t.Fatal(err)
	}
	for want, test := range map[string]struct {
		plugin               pluginConfig
		machine, accelerator string
	}{
		"type=virt,highmem=off,accel=tcg": {machine: "virt,highmem=off"},
		"type=q35,usb=off,accel=xen":      {plugin: pluginConfig{Args: []string{"-machine"}}, machine: "q35,usb=off", accelerator: "xen"},
		"type=pc,accel=hvf:tcg":           {plugin: pluginConfig{Args: []string{"-smp"}}, accelerator: "hvf:tcg"},
	} {
		got, err := test.plugin.command(machine(t), &taskConfig{ImagePath: "local/a,b.img", MachineType: test.machine, Accelerator: test.accelerator})
		if err != nil || got[2] != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "outside.img")
	if err := os.WriteFile(outside, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for want, test := range map[string]struct {
		plugin pluginConfig
		change func(*drivers.TaskConfig, *taskConfig)
	}{
		"not in the allowed paths":    {change: func(_ *drivers.TaskConfig, o *taskConfig) { o.ImagePath = outside }},
		"no such file":                {change: func(_ *drivers.TaskConfig, o *taskConfig) { o.ImagePath = "local/none" }},
		"out of bounds":               {change: func(task *drivers.TaskConfig, _ *taskConfig) { task.Resources.MemoryMB = 127 }},
		"Unsupported drive_interface": {change: func(_ *drivers.TaskConfig, o *taskConfig) { o.DriveInterface = "tape" }},
		"give them in machine_type":   {change: func(_ *drivers.TaskConfig, o *taskConfig) { o.Accelerator = "tcg,thread=single" }},
		`argument "-machine" is not`:  {plugin: pluginConfig{Args: []string{"-smp"}}, change: func(_ *drivers.TaskConfig, o *taskConfig) { o.MachineType = "q35,kernel=/etc/passwd" }},
		"Unknown port label":          {change: func(_ *drivers.TaskConfig, o *taskConfig) { o.PortMap = map[string]int{"x": 1} }},
		"not in args_allowlist":       {plugin: pluginConfig{Args: []string{"-smp"}}, change: func(_ *drivers.TaskConfig, o *taskConfig) { o.Args = []string{"-smp", "2", "-cpu", "host"} }},
		"not in emulators_allowlist":  {plugin: pluginConfig{Emulators: []string{"arm"}}, change: func(*drivers.TaskConfig, *taskConfig) {}},
		"could not be found in PATH":  {change: func(_ *drivers.TaskConfig, o *taskConfig) { o.Emulator = "nothing" }},
		"is no name of one":           {change: func(_ *drivers.TaskConfig, o *taskConfig) { o.Emulator = "../x" }},
		"is too long for this operating": {change: func(task *drivers.TaskConfig, o *taskConfig) {
			o.GracefulShutdown, o.Emulator = true, ""
			long := filepath.Join(task.AllocDir, strings.Repeat("x", 100))
			if err := os.MkdirAll(filepath.Join(long, "web", "local"), 0o755); err != nil {
				t.Fatal(err)
			}
			task.AllocDir = long
			if err := os.WriteFile(filepath.Join(task.LocalDir(), "a,b.img"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		task, options := machine(t), &taskConfig{ImagePath: "local/a,b.img"}
		test.change(task, options)
		if _, err := test.plugin.command(task, options); err == nil || !strings.Contains(err.Error(), want) {
			if !strings.Contains(fmt.Sprint(err), "could not be found in PATH") { // without QEMU
				t.Errorf("got %v, want %q", err, want)
			}
		}
	}
	task := machine(t)
	if err := os.Symlink(outside, filepath.Join(task.LocalDir(), "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := (&pluginConfig{}).image(task, "local/link"); err == nil || !strings.Contains(err.Error(), `"local/link" leads to "`+outside+`", which is neither`) {
		t.Errorf("a link that leads out of the allocation: %v", err)
	}
	if _, err := (&pluginConfig{ImagePaths: []string{filepath.Dir(outside)}}).image(task, outside); err != nil {
		t.Error(err)
	}
}
