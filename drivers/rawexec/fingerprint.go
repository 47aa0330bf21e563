// SPDX-License-Identifier: MPL-2.0

package rawexec

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// fingerprintPeriod is how often the health is sent even without a change.
const fingerprintPeriod = 30 * time.Second

// Fingerprint implements drivers.Driver.
func (d *Driver) Fingerprint(ctx context.Context) (<-chan *drivers.Fingerprint, error) {
	out := make(chan *drivers.Fingerprint)
	go func() {
		defer close(out)
		ticker := time.NewTicker(fingerprintPeriod)
		defer ticker.Stop()
		for {
			fingerprint, changed := d.health()
			select {
			case out <- fingerprint:
			case <-ctx.Done():
				return
			}
			select {
			case <-ticker.C:
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// Usable says that the driver is off unless it is configured.
func Usable() error { return errors.New("disabled") }

// health returns the present fingerprint and a channel that is closed when the
// configuration changes.
func (d *Driver) health() (*drivers.Fingerprint, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case runtime.GOOS == "windows":
		return &drivers.Fingerprint{
			Health: drivers.HealthUndetected, HealthDescription: "not supported on Windows",
		}, d.mu.changed
	case !d.mu.config.Enabled:
		return &drivers.Fingerprint{
			Health: drivers.HealthUndetected, HealthDescription: "disabled",
		}, d.mu.changed
	}
	return &drivers.Fingerprint{
		Attributes:        map[string]*values.Attribute{"driver." + Name: values.Flag(true)},
		Health:            drivers.HealthHealthy,
		HealthDescription: "Healthy",
	}, d.mu.changed
}
