// SPDX-License-Identifier: MPL-2.0

//go:build linux

package qemu

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/shim/logspec"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/config"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// patience is long: without virtualisation a machine takes its time.
const patience = 4 * time.Minute

// boot is the first program of the machine.
const boot = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox insmod /button.ko
/bin/busybox insmod /evdev.ko
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk cdrom isofs; do
	/bin/busybox insmod /$module.ko
done
/bin/busybox mkdir /seed
/bin/busybox mount -t iso9660 -o ro /dev/vdb /seed
echo "label $(/bin/busybox head -c 32814 /dev/vdb | /bin/busybox tail -c 6)"
for file in $(/bin/busybox ls /seed); do
	echo "[$file: $(/bin/busybox cat /seed/$file)]"
done
for event in /dev/input/event*; do
	{ /bin/busybox head -c 1 $event >/dev/null; echo button pressed; /bin/busybox poweroff -f; } &
done
/bin/busybox sleep 2 # until they listen
echo machine is up
while :; do /bin/busybox sleep 3600; done
`

// TestMachine boots a real kernel and switches the machine off by its monitor.
func TestMachine(t *testing.T) {
	t.Parallel()
	// With these modules it notices its power button.
	image, modules := testkit.Kernel(t, "drivers/acpi/button.ko", "drivers/input/evdev.ko",
		// With these it reads the disc of cloud_init.
		"drivers/virtio/virtio_ring.ko", "drivers/virtio/virtio.ko", "drivers/virtio/virtio_pci_legacy_dev.ko", "drivers/virtio/virtio_pci_modern_dev.ko",
		"drivers/virtio/virtio_pci.ko", "drivers/block/virtio_blk.ko", "drivers/cdrom/cdrom.ko", "fs/isofs/isofs.ko")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d := New(hclog.NewNullLogger())
	if err := d.SetConfig(ctx, &base.Config{Values: encode(t, pluginSchema, nil)}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "qm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, sub := range []string{"alloc/logs", "vm/local", "vm/private", "vm/secrets"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	err = logspec.Write(dir, []string{"alloc", "logs"}, "vm", logspec.Spec{
		StdoutPrefix: "vm.stdout", StderrPrefix: "vm.stderr", MaxFiles: 2, MaxFileSizeBytes: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	local := filepath.Join(dir, "vm", "local")
	if err := os.WriteFile(filepath.Join(local, "disk"), make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	userData := "#cloud-config\n# " + strings.Repeat("long ", 1000) + "\n"
	if err := os.WriteFile(filepath.Join(local, "user-data"), []byte(userData), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(local, "net"), []byte("version: 2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(local, "initramfs"), testkit.Initramfs(t, boot, modules...), 0o644); err != nil {
		t.Fatal(err)
	}
	task := &drivers.TaskConfig{
		ID: "00000000-0000-4000-c000-000000000001/vm/00000001", Name: "vm", AllocDir: dir, AllocID: "00000000-0000-4000-c000-000000000001",
		DriverConfig: encode(t, taskSchema, map[string]any{
			"image_path": "local/disk", "graceful_shutdown": true, "guest_agent": true, "accelerator": "tcg", "drive_interface": "virtio",
			"cloud_init": []any{map[string]any{"user_data": "local/user-data", "network_config": "local/net"}},
			"args":       []any{"-kernel", image, "-initrd", "local/initramfs", "-append", "console=ttyS0 quiet panic=-1", "-no-reboot", "-nodefaults", "-serial", "stdio"},
		}),
		Env:        map[string]string{"PATH": os.Getenv("PATH")},
		Resources:  &drivers.Resources{CPUShares: 100, MemoryMB: 256, Linux: &drivers.LinuxResources{}},
		StdoutPath: filepath.Join(dir, "x"), StderrPath: filepath.Join(dir, "y"),
	}
	if _, _, err := d.StartTask(ctx, task); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.DestroyTask(context.Background(), task.ID, true) }()
	console := func() string {
		text, _ := os.ReadFile(filepath.Join(dir, "alloc", "logs", "vm.stdout.0"))
		errors, _ := os.ReadFile(filepath.Join(dir, "alloc", "logs", "vm.stderr.0"))
		return string(text) + string(errors)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(console(), "machine is up") {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the machine did not come up: %q", console())
		}
		if status, err := d.InspectTask(ctx, task.ID); err != nil || status.State != drivers.TaskStateRunning {
			t.Fatalf("the machine ended: %+v, %v, %q", status, err, console())
		}
	}
	seen := strings.ReplaceAll(console(), "\r\n", "\n")
	for _, text := range []string{
		"label cidata\n", "[user-data: " + strings.TrimSuffix(userData, "\n") + "]", "[network-config: version: 2]",
		"[meta-data: instance-id: \"" + task.AllocID + "\"\nlocal-hostname: \"vm-00000000\"]",
	} {
		if !strings.Contains(seen, text) {
			t.Errorf("the machine does not tell %q of its disc", text)
		}
	}
	if t.Failed() {
		t.Logf("console: %s", seen)
	}
	if _, err := os.Stat(filepath.Join(dir, "vm", "qa.sock")); err != nil {
		t.Error(err)
	}
	if err := d.StopTask(ctx, task.ID, patience/2, ""); err != nil {
		t.Fatal(err)
	}
	exit, err := d.WaitTask(ctx, task.ID)
	if err != nil || !exit.Successful() {
		t.Errorf("exit is %+v, %v", exit, err)
	}
	if !strings.Contains(console(), "button pressed") {
		t.Errorf("the machine was not switched off by its button: %q", console())
	}
}

func encode(t *testing.T, spec *hclspec.Spec, values map[string]any) []byte {
	t.Helper()
	schema, err := config.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := schema.Encode(values, &config.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}
