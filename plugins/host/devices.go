// SPDX-License-Identifier: MPL-2.0

package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/device"
	"github.com/nomadlike/nomadlike/plugins/process"
)

// ErrNoDevice says that no device plugin has a group of devices, or not all the
// devices of it that were asked for.
var ErrNoDevice = errors.New("the node has no such device")

// devices keeps one device plugin's process running and knows what it detects.
// Its goroutine alone changes its state.
type devices struct {
	manager *Manager
	logger  hclog.Logger
	name    string
	command []string
	config  map[string]any

	mu struct {
		sync.Mutex
		client *device.Client // nil unless there is a usable process
		groups []*device.Group
	}
}

func newDevices(m *Manager, f *found) *devices {
	return &devices{
		manager: m, logger: m.logger.With("plugin", f.info.Name),
		name: f.info.Name, command: f.command, config: f.block.Config,
	}
}

// deviceKey is under what the process of a device plugin is recorded.
func deviceKey(name string) string { return "device:" + name }

// run keeps the process running until the context ends or the plugin has nothing
// more to say. It returns an error only if the configuration is not valid.
func (d *devices) run(ctx context.Context) error {
	defer d.publish(nil, nil)
	d.killStale(ctx)
	delay := time.Duration(0)
	for ctx.Err() == nil {
		started := time.Now()
		plugin, err := d.launch(ctx)
		switch {
		case err == nil:
			err = d.serve(ctx, plugin)
			d.publish(nil, nil)
			plugin.Stop()
			d.forget()
			if err == nil {
				return nil // disabled, or done with
			}
		case isConfigError(err):
			return fmt.Errorf("device plugin %q: %w", d.name, err)
		}
		if ctx.Err() != nil {
			return nil
		}
		d.logger.Warn("device plugin has ended and is started again", "error", err)
		if time.Since(started) >= steadyAfter {
			delay = 0
		}
		if run.Sleep(ctx, delay) != nil {
			return nil
		}
		delay = min(max(2*delay, restartMin), restartMax)
	}
	return nil
}

// killStale ends the process that an earlier agent left: what it has told
// before, it does not tell again.
func (d *devices) killStale(ctx context.Context) {
	data, err := d.manager.config.Store.GetReattach(deviceKey(d.name))
	if err != nil || len(data) == 0 {
		return
	}
	var record process.Record
	if json.Unmarshal(data, &record) == nil {
		if plugin, err := process.Attach(ctx, d.name, record, d.manager.logger); err == nil {
			plugin.Stop()
		}
	}
	d.forget()
}

func (d *devices) forget() {
	if err := d.manager.config.Store.DeleteReattach(deviceKey(d.name)); err != nil {
		d.logger.Warn("record of the plugin process cannot be removed", "error", err)
	}
}

// launch starts a process and configures the plugin in it.
func (d *devices) launch(ctx context.Context) (*process.Process, error) {
	plugin, err := process.Launch(ctx, process.Spec{
		Name: d.name, Command: d.command, SocketDir: d.manager.socketDir, Logger: d.manager.logger,
	})
	if err != nil {
		return nil, err
	}
	if data, err := json.Marshal(plugin.Record()); err == nil {
		if err := d.manager.config.Store.PutReattach(deviceKey(d.name), data); err != nil {
			d.logger.Warn("plugin process cannot be recorded for the next start", "error", err)
		}
	}
	if err := d.prepare(ctx, plugin.Device()); err != nil {
		plugin.Stop()
		return nil, err
	}
	return plugin, nil
}

func (d *devices) prepare(ctx context.Context, client *device.Client) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	info, err := client.PluginInfo(ctx)
	if err != nil {
		return fmt.Errorf("get plugin info: %w", err)
	}
	if info.Type != base.TypeDevice || info.Name != d.name {
		return fmt.Errorf("plugin is the %s %q, want the device plugin %q", info.Type, info.Name, d.name)
	}
	version, err := negotiate(info.APIVersions)
	if err != nil {
		return err
	}
	values, err := encodeConfig(ctx, client, d.config)
	if err != nil {
		return err
	}
	return client.SetConfig(ctx, &base.Config{Values: values, APIVersion: version})
}

// serve reads what devices there are. The error is nil if the plugin has no more
// to say while it runs, after which it is left alone until the agent restarts.
func (d *devices) serve(ctx context.Context, plugin *process.Process) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := plugin.Device()
	stream, err := client.Fingerprint(ctx)
	if err != nil {
		stream = nil
	}
	for stream != nil {
		message, ok := <-stream
		if !ok {
			break
		}
		if err = message.Err; err == nil {
			for _, group := range message.Groups {
				err = errors.Join(err, group.Validate())
			}
		}
		if err != nil {
			break
		}
		d.publish(client, message.Groups)
	}
	select {
	case <-plugin.Exited():
		return base.ErrPluginShutdown
	default:
	}
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, base.ErrPluginShutdown):
		return err
	case errors.Is(err, device.ErrDisabled):
		d.logger.Info("device plugin is disabled by its configuration")
	case err != nil:
		d.logger.Error("device plugin cannot tell its devices and is not used", "error", err)
	default:
		d.logger.Warn("device plugin has no devices to tell and is not used")
	}
	return nil
}

// publish changes what is known of the devices and tells it.
func (d *devices) publish(client *device.Client, groups []*device.Group) {
	d.mu.Lock()
	had := len(d.mu.groups) > 0
	d.mu.client, d.mu.groups = client, groups
	d.mu.Unlock()
	if d.manager.config.Devices != nil && (had || len(groups) > 0) {
		d.manager.config.Devices(d.name, groups)
	}
}

// has reports whether the plugin has all the devices of a group.
func (d *devices) has(vendor, kind, name string, ids []string) *device.Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.mu.groups {
		if g.Vendor != vendor || g.Type != kind || g.Name != name {
			continue
		}
		known := 0
		for _, one := range g.Devices {
			if slices.Contains(ids, one.ID) {
				known++
			}
		}
		if known == len(ids) {
			return d.mu.client
		}
	}
	return nil
}

// ReserveDevices asks the plugin that has the devices how a task gets at them.
// It may be asked again for the same task.
func (m *Manager) ReserveDevices(ctx context.Context, vendor, kind, name string, ids []string) (*device.Reservation, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for _, d := range m.devicePlugins() {
		client := d.has(vendor, kind, name, ids)
		if client == nil {
			continue
		}
		reservation, err := client.Reserve(ctx, ids)
		switch {
		case err != nil:
		case reservation == nil:
			err = errors.New("the plugin returned no reservation")
		default:
			err = reservation.Validate()
		}
		if err != nil {
			return nil, fmt.Errorf("reserve devices of %s/%s/%s: %w", vendor, kind, name, err)
		}
		return reservation, nil
	}
	return nil, fmt.Errorf("%s/%s/%s %q: %w", vendor, kind, name, ids, ErrNoDevice)
}

// DeviceStats reads one sample of the statistics of all devices. Plugins that
// are slow or have none are left out.
func (m *Manager) DeviceStats(ctx context.Context, interval time.Duration) []*device.GroupStats {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var all []*device.GroupStats
	var group sync.WaitGroup
	for _, d := range m.devicePlugins() {
		d.mu.Lock()
		client := d.mu.client
		d.mu.Unlock()
		if client == nil {
			continue
		}
		group.Go(func() {
			stream, err := client.Stats(ctx, interval)
			if err != nil {
				d.logger.Debug("statistics of devices cannot be had", "error", err)
				return
			}
			select {
			case sample, ok := <-stream:
				if ok && sample.Err == nil {
					mu.Lock()
					all = append(all, sample.Groups...)
					mu.Unlock()
				}
			case <-ctx.Done():
			}
		})
	}
	group.Wait()
	return all
}

func (m *Manager) devicePlugins() []*devices {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.devices
}
