// SPDX-License-Identifier: MPL-2.0

package isolated

import (
	"context"
	"time"

	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// fingerprintPeriod is how often the health is sent even without a change.
const fingerprintPeriod = 30 * time.Second

// Fingerprint streams the health of a driver. detect returns its attributes, or
// why the machine lacks what it needs besides isolation.
func Fingerprint(ctx context.Context, detect func() (map[string]*values.Attribute, error)) <-chan *drivers.Fingerprint {
	out := make(chan *drivers.Fingerprint)
	go func() {
		defer close(out)
		ticker := time.NewTicker(fingerprintPeriod)
		defer ticker.Stop()
		for {
			select {
			case out <- health(detect):
			case <-ctx.Done():
				return
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func health(detect func() (map[string]*values.Attribute, error)) *drivers.Fingerprint {
	err := Usable()
	var attributes map[string]*values.Attribute
	if err == nil {
		attributes, err = detect()
	}
	if err != nil {
		return &drivers.Fingerprint{Health: drivers.HealthUndetected, HealthDescription: err.Error()}
	}
	if err := Healthy(); err != nil {
		return &drivers.Fingerprint{Attributes: attributes, Health: drivers.HealthUnhealthy, HealthDescription: err.Error()}
	}
	return &drivers.Fingerprint{Attributes: attributes, Health: drivers.HealthHealthy, HealthDescription: "Healthy"}
}
