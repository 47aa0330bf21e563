// SPDX-License-Identifier: MPL-2.0

//go:build unix

package host_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/plugins/device"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/host"
)

func deviceConfig(t *testing.T, told chan []*device.Group, values map[string]any) host.Config {
	config := baseConfig(t)
	config.Dir = externalDir(t, "card")
	config.Blocks = []host.Block{{Label: "card", Config: values}}
	config.Devices = func(_ string, groups []*device.Group) { told <- groups }
	return config
}

func TestDevices(t *testing.T) {
	told := make(chan []*device.Group, 10)
	config := deviceConfig(t, told, nil)
	f := run(t, config)
	first := wait(t, f, "the devices", told)
	if len(first) != 1 || len(first[0].Devices) != 2 || first[0].Attributes["memory"].Render() != "8GiB" {
		t.Fatalf("the devices are %+v", first)
	}
	if slices.Contains(f.Drivers(), "card") {
		t.Error("a device plugin counts as a driver")
	}
	reservation, err := f.ReserveDevices(f.ctx, "v", "gpu", "n", []string{"fixed"})
	if err != nil || reservation.Envs["CARDS"] != "fixed" {
		t.Errorf("the reservation is %+v, %v", reservation, err)
	}
	if _, err := f.ReserveDevices(f.ctx, "v", "gpu", "n", []string{"fixed", "none"}); !errors.Is(err, host.ErrNoDevice) {
		t.Errorf("a device that does not exist: %v", err)
	}
	if stats := f.DeviceStats(f.ctx, time.Second); len(stats) != 1 || stats[0].Name != "n" {
		t.Errorf("the statistics are %+v", stats)
	}
	// Its end takes the devices away until the next process tells them again.
	var pid int
	if _, err := fmt.Sscan(first[0].Devices[1].ID, &pid); err != nil {
		t.Fatal(err)
	}
	kill(t, pid)
	if gone := wait(t, f, "the end of the devices", told); len(gone) != 0 {
		t.Errorf("after the end of the plugin there are %+v", gone)
	}
	if again := wait(t, f, "the devices of the next process", told); again[0].Devices[1].ID == first[0].Devices[1].ID {
		t.Error("the process is the same")
	}
	if err := f.end(t); err != nil {
		t.Error(err)
	}
	if record, _ := f.store.GetReattach("device:card"); record != nil {
		t.Error("a record of the process is left")
	}
}

func TestDevicesDisabled(t *testing.T) {
	told := make(chan []*device.Group, 10)
	f := run(t, deviceConfig(t, told, map[string]any{"enabled": false}))
	wait(t, f, "readiness", f.Ready())
	if _, err := f.ReserveDevices(f.ctx, "v", "gpu", "n", []string{"fixed"}); !errors.Is(err, host.ErrNoDevice) {
		t.Errorf("a disabled plugin: %v", err)
	}
	select {
	case groups := <-told:
		t.Errorf("a disabled plugin has %+v", groups)
	default:
	}
	bad := deviceConfig(t, told, map[string]any{"nonsense": 1})
	if err := run(t, bad).end(t); err != nil && !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("an unknown option: %v", err)
	}
}

// TestUsable checks that no process is started for a driver which the machine
// cannot run, unless it is configured.
func TestUsable(t *testing.T) {
	var usable atomic.Bool
	config := baseConfig(t)
	config.Internal[0].Usable = func() error {
		if usable.Load() {
			return nil
		}
		return errors.New("the machine lacks something")
	}
	f := run(t, config)
	wait(t, f, "readiness", f.Ready())
	first := wait(t, f, "a fingerprint", f.fingerprints)
	if first.Health != drivers.HealthUndetected || first.HealthDescription != "the machine lacks something" || first.Err != nil {
		t.Errorf("the fingerprint is %+v", first)
	}
	if _, err := f.Get(f.ctx, f.Drivers()[0]); err == nil || !drivers.IsRecoverable(err) || !strings.Contains(err.Error(), "lacks something") {
		t.Errorf("the driver is %v", err)
	}
	if record, _ := f.store.GetReattach(f.Drivers()[0]); record != nil {
		t.Error("a process was started")
	}
	config.Blocks = []host.Block{{Label: f.Drivers()[0], Config: map[string]any{"fs_isolation": "none"}}}
	configured := run(t, config)
	if first := wait(t, configured, "a fingerprint", configured.fingerprints); first.Health != drivers.HealthHealthy {
		t.Errorf("the fingerprint of a configured driver is %+v", first)
	}
}

// TestWrongArchitecture checks that a file for another machine is refused.
func TestWrongArchitecture(t *testing.T) {
	config := baseConfig(t)
	config.Dir = t.TempDir()
	header := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 57)...)
	header[18] = 0xf3 // RISC-V
	if err := os.WriteFile(filepath.Join(config.Dir, "foreign"), header, 0o755); err != nil {
		t.Fatal(err)
	}
	config.Blocks = []host.Block{{Label: "foreign"}}
	f := run(t, config)
	err := wait(t, f, "the end", f.ended)
	f.ended <- err
	if err == nil || !strings.Contains(err.Error(), "exec format error") || !strings.Contains(err.Error(), "foreign") {
		t.Errorf("the error is %v", err)
	}
}

// TestFlood checks that a plugin which writes without end to its log is served
// like any other.
func TestFlood(t *testing.T) {
	config := baseConfig(t)
	config.Internal[0].Command = self(t, "flood")
	f := run(t, config)
	wait(t, f, "readiness", f.Ready())
	f.startTask(t, "t")
	if state := f.state(t, "t"); state == drivers.TaskStateUnknown {
		t.Errorf("the task is %s", state)
	}
}
