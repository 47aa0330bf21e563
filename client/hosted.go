// SPDX-License-Identifier: MPL-2.0

package client

import "time"

// HasAlloc reports whether the client runs or keeps the allocation.
func (c *Client) HasAlloc(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.runners[id] != nil
}

// AllocCount returns how many allocations the client runs or keeps.
func (c *Client) AllocCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.mu.runners)
}

// Heartbeat returns how long ago a server was last heard of, zero when none ever was, and how long the servers then wait
// for the next heartbeat.
func (c *Client) Heartbeat() (last, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.contact.IsZero() {
		return 0, c.mu.ttl
	}
	return time.Since(c.mu.contact), c.mu.ttl
}
