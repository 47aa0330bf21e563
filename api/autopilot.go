// SPDX-License-Identifier: MPL-2.0

package api

import (
	"errors"
	"fmt"
	"time"
)

// DefaultAutopilotConfiguration returns the configuration of a cluster that was given none.
func DefaultAutopilotConfiguration() *AutopilotConfiguration {
	return &AutopilotConfiguration{
		CleanupDeadServers: true, LastContactThreshold: "200ms", MaxTrailingLogs: 250, ServerStabilizationTime: "10s",
	}
}

// Canonicalize gives durations that are missing their default.
func (c *AutopilotConfiguration) Canonicalize() {
	def := DefaultAutopilotConfiguration()
	if c.LastContactThreshold == "" {
		c.LastContactThreshold = def.LastContactThreshold
	}
	if c.ServerStabilizationTime == "" {
		c.ServerStabilizationTime = def.ServerStabilizationTime
	}
}

// Validate returns everything that is wrong with the configuration.
func (c *AutopilotConfiguration) Validate() error {
	var errs []error
	for name, text := range map[string]string{
		"LastContactThreshold": c.LastContactThreshold, "ServerStabilizationTime": c.ServerStabilizationTime,
	} {
		if d, err := time.ParseDuration(text); err != nil || d < 0 {
			errs = append(errs, fmt.Errorf("%s: %q is not a duration such as \"10s\"", name, text))
		}
	}
	if c.MinQuorum < 0 {
		errs = append(errs, fmt.Errorf("MinQuorum: %d is negative", c.MinQuorum))
	}
	for name, on := range map[string]bool{"EnableRedundancyZones": c.EnableRedundancyZones, "EnableCustomUpgrades": c.EnableCustomUpgrades} {
		if on {
			errs = append(errs, fmt.Errorf("%s is a feature of the commercial edition and not supported", name))
		}
	}
	return errors.Join(errs...)
}

// Thresholds returns the durations of a valid configuration.
func (c *AutopilotConfiguration) Thresholds() (lastContact, stabilization time.Duration) {
	lastContact, _ = time.ParseDuration(c.LastContactThreshold)
	stabilization, _ = time.ParseDuration(c.ServerStabilizationTime)
	return lastContact, stabilization
}

// HTTPStatus is 429 when a server is not healthy; the report is the body all the same.
func (r *OperatorHealthReply) HTTPStatus() int {
	if r != nil && !r.Healthy {
		return 429
	}
	return 200
}

// RaftStats is what a server tells the leader of its raft log.
type RaftStats struct {
	// LastContact is how long ago it heard from the leader.
	LastContact time.Duration
	// LastTerm and LastIndex are those of the newest entry in its log.
	LastTerm  uint64
	LastIndex uint64
}
