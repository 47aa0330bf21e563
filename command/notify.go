// SPDX-License-Identifier: MPL-2.0

package command

import (
	"net"
	"os"
)

// notify tells systemd, if it started this program, what state it is in (sd_notify(3)).
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if path[0] == '@' { // an abstract socket
		path = "\x00" + path[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return // whoever listened is gone
	}
	defer conn.Close()
	conn.Write([]byte(state)) //nolint:errcheck // see above
}
