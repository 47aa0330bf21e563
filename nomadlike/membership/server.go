// SPDX-License-Identifier: MPL-2.0

package membership

import (
	"net"
	"strconv"

	"github.com/hashicorp/serf/serf"

	"github.com/nomadlike/nomadlike/api"
)

// role marks the members that are servers of this product; others are ignored.
const role = "nomad"

// Server is a server known by gossip.
type Server struct {
	// Name is the member name, "<node>.<region>".
	Name       string
	ID         string
	Region     string
	Datacenter string
	Build      string
	// RPCAddr is the advertised RPC address, host:port.
	RPCAddr string
	// Expect is its bootstrap_expect, 0 when it has none.
	Expect int
	// RaftVersion is its raft protocol.
	RaftVersion int
	// Status is "alive", "leaving", "left", "failed" or "none".
	Status string
	Alive  bool
	Left   bool
}

// parse returns the server that a member is; false for members that are none.
func parse(m serf.Member) (*Server, bool) {
	if m.Tags["role"] != role || m.Tags["id"] == "" {
		return nil, false
	}
	port, err := strconv.Atoi(m.Tags["port"])
	if err != nil || port <= 0 || port > 65535 {
		return nil, false
	}
	host := m.Tags["rpc_addr"]
	if host == "" {
		host = m.Addr.String()
	}
	s := &Server{
		Name: m.Name, ID: m.Tags["id"], Region: m.Tags["region"], Datacenter: m.Tags["dc"], Build: m.Tags["build"],
		RPCAddr: net.JoinHostPort(host, strconv.Itoa(port)),
		Status:  m.Status.String(),
		Alive:   m.Status == serf.StatusAlive, Left: m.Status == serf.StatusLeft,
	}
	s.Expect, _ = strconv.Atoi(m.Tags["expect"])
	s.RaftVersion, _ = strconv.Atoi(m.Tags["raft_vsn"])
	return s, true
}

// tags returns what the server tells about itself.
func (c *Config) tags() map[string]string {
	t := map[string]string{
		"role": role, "region": c.Region, "dc": c.Datacenter, "id": c.ID, "vsn": "1", "raft_vsn": "3",
		"build": c.Build, "revision": c.Revision,
		"rpc_addr": c.RPCHost, "port": strconv.Itoa(c.RPCPort),
	}
	if c.BootstrapExpect > 0 {
		t["expect"] = strconv.Itoa(c.BootstrapExpect)
	}
	if c.BootstrapExpect == 1 {
		t["bootstrap"] = "1"
	}
	return t
}

// member returns a member in the form of the API.
func member(m serf.Member) *api.Member {
	return &api.Member{
		Name: m.Name, Addr: m.Addr.String(), Port: int(m.Port), Tags: m.Tags, Status: m.Status.String(),
		ProtocolMin: int(m.ProtocolMin), ProtocolMax: int(m.ProtocolMax), ProtocolCur: int(m.ProtocolCur),
		DelegateMin: int(m.DelegateMin), DelegateMax: int(m.DelegateMax), DelegateCur: int(m.DelegateCur),
	}
}
