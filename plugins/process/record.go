// SPDX-License-Identifier: MPL-2.0

package process

import (
	"fmt"
	"net"
	"strconv"

	goplugin "github.com/hashicorp/go-plugin"
)

// Record is how a running plugin process can be found again. Its JSON form is
// that of the published contract.
type Record struct {
	Protocol string
	Network  string
	Addr     string
	Pid      int
}

func recordOf(addr net.Addr, id string) Record {
	pid, _ := strconv.Atoi(id) // made from a number by the runners of this package
	return Record{
		Protocol: string(goplugin.ProtocolGRPC),
		Network:  addr.Network(),
		Addr:     addr.String(),
		Pid:      pid,
	}
}

// address checks the record and returns the address in it.
func (r Record) address() (net.Addr, error) {
	if r.Protocol != string(goplugin.ProtocolGRPC) {
		return nil, fmt.Errorf("reattach record has the unknown protocol %q", r.Protocol)
	}
	if r.Pid <= 0 {
		return nil, fmt.Errorf("reattach record has the impossible process ID %d", r.Pid)
	}
	switch r.Network {
	case "unix", "unixgram", "unixpacket":
		return net.ResolveUnixAddr(r.Network, r.Addr)
	case "tcp", "tcp4", "tcp6":
		return net.ResolveTCPAddr(r.Network, r.Addr)
	case "udp", "udp4", "udp6":
		return net.ResolveUDPAddr(r.Network, r.Addr)
	}
	return nil, fmt.Errorf("reattach record has the unknown network %q", r.Network)
}
