// SPDX-License-Identifier: MPL-2.0

package template

import (
	"errors"
	"fmt"
	"time"
)

// Config is the block client.template of the agent's configuration (agent-config.md 4.1).
type Config struct {
	// FunctionDenylist are the functions that templates may not use; nil for the default, an empty list
	// for none. FunctionBlacklist is its old name.
	FunctionDenylist  []string `hcl:"function_denylist"`
	FunctionBlacklist []string `hcl:"function_blacklist"`
	// DisableFileSandbox lets templates read and write files anywhere on the node.
	DisableFileSandbox bool           `hcl:"disable_file_sandbox" json:"DisableSandbox"`
	MaxStale           *time.Duration `hcl:"max_stale"`
	BlockQueryWait     *time.Duration `hcl:"block_query_wait" json:"BlockQueryWaitTime"`
	// Wait is how long changes must have settled before they are rendered, and how long they may be put off;
	// WaitBounds keeps what jobs say within limits.
	Wait       Wait  `hcl:"wait,block"`
	WaitBounds Wait  `hcl:"wait_bounds,block"`
	NomadRetry Retry `hcl:"nomad_retry,block"`
}

// Wait is a pair of times.
type Wait struct {
	Min *time.Duration `hcl:"min"`
	Max *time.Duration `hcl:"max"`
}

// Retry says how failed queries are repeated.
type Retry struct {
	// Attempts is how often before templates that were never rendered fail, 0 for ever.
	Attempts *int `hcl:"attempts"`
	// Backoff is the time before the first repetition, which doubles up to MaxBackoff, or without end if that is 0.
	Backoff    *time.Duration `hcl:"backoff"`
	MaxBackoff *time.Duration `hcl:"max_backoff"`
}

// defaultDenylist are the functions that only operators can allow.
var defaultDenylist = []string{"executeTemplate", "plugin", "writeToFile"}

// EnsureDefaults fills in what is not set.
func (c *Config) EnsureDefaults() {
	c.FunctionDenylist = append(c.FunctionDenylist, c.FunctionBlacklist...)
	c.FunctionBlacklist = nil
	if c.FunctionDenylist == nil {
		c.FunctionDenylist = defaultDenylist
	}
	setTime(&c.MaxStale, 87600*time.Hour)
	setTime(&c.BlockQueryWait, 5*time.Minute)
	setTime(&c.Wait.Min, 5*time.Second)
	setTime(&c.Wait.Max, 4*time.Minute)
	setTime(&c.NomadRetry.Backoff, 250*time.Millisecond)
	setTime(&c.NomadRetry.MaxBackoff, time.Minute)
	if c.NomadRetry.Attempts == nil {
		c.NomadRetry.Attempts = new(12)
	}
}

func setTime(p **time.Duration, d time.Duration) {
	if *p == nil {
		*p = new(d)
	}
}

// Validate reports everything that is wrong, each with the key it is about.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("client.template."+format, args...)) }
	for _, t := range []struct {
		key   string
		value *time.Duration
	}{
		{"max_stale", c.MaxStale},
		{"block_query_wait", c.BlockQueryWait},
		{"wait.min", c.Wait.Min},
		{"wait.max", c.Wait.Max},
		{"wait_bounds.min", c.WaitBounds.Min},
		{"wait_bounds.max", c.WaitBounds.Max},
		{"nomad_retry.backoff", c.NomadRetry.Backoff},
		{"nomad_retry.max_backoff", c.NomadRetry.MaxBackoff},
	} {
		if t.value != nil && *t.value < 0 {
			bad("%s: must not be negative", t.key)
		}
	}
	for _, w := range []struct {
		key string
		Wait
	}{{"wait", c.Wait}, {"wait_bounds", c.WaitBounds}} {
		if w.Min != nil && w.Max != nil && *w.Min > *w.Max {
			bad("%s: min %v is greater than max %v", w.key, *w.Min, *w.Max)
		}
	}
	if n := c.NomadRetry.Attempts; n != nil && *n < 0 {
		bad("nomad_retry.attempts: must not be negative")
	}
	return errors.Join(errs...)
}

// settle returns how long changes of a template are waited for, given what its job says.
func (c *Config) settle(job Wait) (least, most time.Duration) {
	if job.Min == nil {
		job.Min = c.Wait.Min
	}
	if job.Max == nil {
		job.Max = c.Wait.Max
	}
	within := func(d time.Duration) time.Duration {
		if b := c.WaitBounds.Min; b != nil {
			d = max(d, *b)
		}
		if b := c.WaitBounds.Max; b != nil {
			d = min(d, *b)
		}
		return d
	}
	least, most = within(*job.Min), within(*job.Max)
	return least, max(least, most)
}
