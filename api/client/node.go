// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// nodeDial bounds connecting to a node directly; what cannot be reached that fast is asked through the servers.
const nodeDial = time.Second

// ErrNodeDown says that a node is down, so that nobody can answer for it.
var ErrNodeDown = errors.New("node is down")

// Node returns a client for the agent of a node, with the settings of c.
func (c *Client) Node(ctx context.Context, nodeID string) (*Client, error) {
	n, _, err := api.NodeGet.Call(ctx, c, &api.NodeRequest{NodeID: nodeID})
	switch {
	case err != nil:
		return nil, fmt.Errorf("look up node: %w", err)
	case n.Status == api.NodeStatusDown:
		return nil, ErrNodeDown
	case n.HTTPAddr == "":
		return nil, fmt.Errorf("node %q has no HTTP address", nodeID)
	case loopback(n.HTTPAddr) && (c.socket || !loopback(c.base.Host)):
		return nil, fmt.Errorf("node %q can be reached on its own host only", nodeID)
	case c.base.Scheme == "https" && !n.TLSEnabled:
		return nil, fmt.Errorf("node %q has no TLS and the token is not to be sent in the clear", nodeID)
	}
	cfg := c.cfg
	cfg.Address = "http://" + n.HTTPAddr
	if n.TLSEnabled {
		cfg.Address = "https://" + n.HTTPAddr
		if cfg.TLS.ServerName == "" && cfg.TLS.CACert+cfg.TLS.CAPath != "" {
			// Certificates of a cluster name the role, not the host.
			cfg.TLS.ServerName = "client." + either(cfg.Region, api.DefaultRegion) + ".nomad"
		}
	}
	node, err := New(cfg)
	if err != nil {
		return nil, err
	}
	node.transport.DialContext = (&net.Dialer{Timeout: nodeDial}).DialContext
	return node, nil
}

// loopback says whether an address means the host it is used on, so that elsewhere it leads to somebody else.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// OpenNode starts a streaming operation at the node's own agent, so that bytes do not travel through the
// servers, and at the agent of c when the node's cannot be reached. ErrNodeDown comes at once.
func (c *Client) OpenNode(ctx context.Context, nodeID string, op *api.OpInfo, req api.Request) (api.Stream, error) {
	node, err := c.Node(ctx, nodeID)
	if errors.Is(err, ErrNodeDown) {
		return nil, err
	}
	if err == nil {
		s, err := node.Open(ctx, op, req)
		var unreachable net.Error
		if err == nil || ctx.Err() != nil || !errors.As(err, &unreachable) {
			return s, err
		}
	}
	return c.Open(ctx, op, req)
}
