// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// How often the health is sent even without a change, and how often an engine
// that is away is looked for.
const (
	fingerprintPeriod = 30 * time.Second
	awayPeriod        = 5 * time.Second
	probeTimeout      = 20 * time.Second
)

// health remembers whether the engine was ever there, and wakes fingerprints.
type health struct {
	mu struct {
		sync.Mutex
		seen    bool
		healthy bool
		changed chan struct{}
	}
}

func newHealth() *health {
	h := &health{}
	h.mu.changed = make(chan struct{})
	return h
}

// poke has all fingerprint streams look at the engine at once.
func (h *health) poke() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.mu.changed)
	h.mu.changed = make(chan struct{})
}

func (h *health) change() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mu.changed
}

// set notes how the engine is and returns whether it was ever there.
func (h *health) set(healthy bool) (seen bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.healthy = healthy
	h.mu.seen = h.mu.seen || healthy
	return h.mu.seen
}

func (h *health) isHealthy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mu.healthy
}

// Fingerprint implements drivers.Driver.
func (d *Driver) Fingerprint(ctx context.Context) (<-chan *drivers.Fingerprint, error) {
	d.reconciling.Do(func() {
		go d.reconcile()
		go d.shareCores()
	})
	out := make(chan *drivers.Fingerprint)
	go func() {
		defer close(out)
		for {
			changed := d.health.change()
			print := d.probe(ctx)
			select {
			case out <- print:
			case <-ctx.Done():
				return
			}
			wait := fingerprintPeriod
			if print.Health == drivers.HealthUnhealthy {
				wait = awayPeriod
			}
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-changed:
				timer.Stop()
			case <-ctx.Done():
				timer.Stop()
				return
			}
		}
	}()
	return out, nil
}

// probe asks the engine how it is.
func (d *Driver) probe(ctx context.Context) *drivers.Fingerprint {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	config, engine := d.settings()
	result, err := engine.Info(ctx, client.InfoOptions{})
	if err != nil {
		print := &drivers.Fingerprint{
			Health: drivers.HealthUndetected, HealthDescription: "Failed to connect to docker daemon: " + err.Error(),
		}
		if d.health.set(false) {
			print.Health = drivers.HealthUnhealthy
		}
		return print
	}
	info := &result.Info
	if runtime.GOOS == "windows" && info.OSType == "linux" {
		d.health.set(false)
		return &drivers.Fingerprint{
			Health: drivers.HealthUnhealthy, HealthDescription: "Docker is configured to run Linux containers; switch to Windows containers",
		}
	}
	d.health.set(true)
	attributes := d.attributes(config, info)
	attributes["driver.docker.bridge_ip"] = values.Text(bridgeIP(ctx, engine))
	return &drivers.Fingerprint{Attributes: attributes, Health: drivers.HealthHealthy, HealthDescription: "Healthy"}
}

func (d *Driver) attributes(config *pluginConfig, info *system.Info) map[string]*values.Attribute {
	attributes := map[string]*values.Attribute{
		"driver.docker":            values.Flag(true),
		"driver.docker.version":    values.Text(info.ServerVersion),
		"driver.docker.os_type":    values.Text(info.OSType),
		"driver.docker.pids.limit": values.Int(config.PidsLimit, ""),
	}
	flag := func(name string, on bool) {
		if on {
			attributes[name] = values.Flag(true)
		} else {
			attributes[name] = values.Text("") // removes it from the node
		}
	}
	flag("driver.docker.privileged.enabled", config.AllowPrivileged)
	flag("driver.docker.volumes.enabled", config.Volumes.Enabled)
	flag("driver.docker.cpuset_management.disabled", os.Geteuid() != 0)
	names := make([]string, 0, len(info.Runtimes))
	for name := range info.Runtimes {
		names = append(names, name)
	}
	slices.Sort(names)
	attributes["driver.docker.runtimes"] = values.Text(strings.Join(names, ","))
	return attributes
}

// bridgeIP is the gateway of the default network, empty if it has none.
func bridgeIP(ctx context.Context, engine *client.Client) string {
	result, err := engine.NetworkInspect(ctx, "bridge", client.NetworkInspectOptions{})
	if err != nil {
		return ""
	}
	for _, config := range result.Network.IPAM.Config {
		if config.Gateway.IsValid() {
			return config.Gateway.String()
		}
	}
	return ""
}

// coresOf reads a cpuset file such as "0-3", empty if it cannot be read.
func coresOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func itoa(n int) string { return strconv.Itoa(n) }
