// SPDX-License-Identifier: MPL-2.0

// Package membershiptest is a gossip network in memory, for tests with several servers in one process. It
// works inside testing/synctest bubbles, loses packets to members that are not there, and can be cut in
// two. Only tests import it.
package membershiptest

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// Network connects transports by their addresses.
type Network struct {
	mu struct {
		sync.Mutex
		members map[string]*Transport
		cut     map[string]bool
	}
}

// New returns an empty network.
func New() *Network {
	n := &Network{}
	n.mu.members = map[string]*Transport{}
	n.mu.cut = map[string]bool{}
	return n
}

// Transport returns a transport with the address, "ip:port". It replaces one that was shut down.
func (n *Network) Transport(addr string) *Transport {
	t := &Transport{
		network: n, addr: addr, packets: make(chan *memberlist.Packet, 1024), streams: make(chan net.Conn, 64),
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.members[addr] = t
	return t
}

// Cut separates the member from all others, or joins it with them again.
func (n *Network) Cut(addr string, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.cut[addr] = cut
}

// route returns the transport at to if from can reach it.
func (n *Network) route(from, to string) *Transport {
	n.mu.Lock()
	defer n.mu.Unlock()
	if from != to && (n.mu.cut[from] || n.mu.cut[to]) {
		return nil
	}
	return n.mu.members[to]
}

// Transport is a memberlist.Transport.
type Transport struct {
	network *Network
	addr    string
	packets chan *memberlist.Packet
	streams chan net.Conn
}

var _ memberlist.Transport = (*Transport)(nil)

type address string

func (address) Network() string  { return "memory" }
func (a address) String() string { return string(a) }

// FinalAdvertiseAddr returns the address of the transport.
func (t *Transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	host, text, err := net.SplitHostPort(t.addr)
	if err != nil {
		return nil, 0, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, 0, err
	}
	return net.ParseIP(host), port, nil
}

// WriteTo sends a packet, which is lost when nobody is there or too many wait.
func (t *Transport) WriteTo(b []byte, addr string) (time.Time, error) {
	now := time.Now()
	to := t.network.route(t.addr, addr)
	if to == nil {
		return now, nil
	}
	select {
	case to.packets <- &memberlist.Packet{Buf: append([]byte(nil), b...), From: address(t.addr), Timestamp: now}:
	default:
	}
	return now, nil
}

// PacketCh returns the channel of packets that came.
func (t *Transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// DialTimeout opens a stream.
func (t *Transport) DialTimeout(addr string, _ time.Duration) (net.Conn, error) {
	to := t.network.route(t.addr, addr)
	if to == nil {
		return nil, fmt.Errorf("dial %s: no route", addr)
	}
	near, far := net.Pipe()
	select {
	case to.streams <- far:
		return near, nil
	default:
		return nil, fmt.Errorf("dial %s: too many connections", addr)
	}
}

// StreamCh returns the channel of streams that others opened.
func (t *Transport) StreamCh() <-chan net.Conn { return t.streams }

// Shutdown takes the transport out of the network.
func (t *Transport) Shutdown() error {
	n := t.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mu.members[t.addr] == t {
		delete(n.mu.members, t.addr)
	}
	return nil
}
