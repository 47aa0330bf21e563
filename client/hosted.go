// SPDX-License-Identifier: MPL-2.0

package client

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
