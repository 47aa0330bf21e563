// SPDX-License-Identifier: MPL-2.0

package host

import (
	"encoding/json"
	"os"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/process"
)

// openSockets makes the directory of the plugins' sockets and returns what an
// earlier agent left in it.
func (m *Manager) openSockets() process.Leftovers {
	if m.config.SocketDir == "" {
		return nil
	}
	dir, err := process.SocketDir(m.config.SocketDir)
	var left process.Leftovers
	if err == nil {
		left, err = process.FindLeftovers(dir)
	}
	if err != nil {
		m.logger.Warn("plugins have their sockets in the system's temporary directory", "error", err)
		return nil
	}
	m.socketDir = dir
	return left
}

// records returns those of the processes that may be reattached to, or that the
// supervisors and devices replace by themselves.
func (m *Manager) records(externals []*found, chosen []*supervisor) []process.Record {
	var keys []string
	for _, f := range externals {
		if f.info.Type == base.TypeDevice {
			keys = append(keys, deviceKey(f.info.Name))
		}
	}
	for _, s := range chosen {
		keys = append(keys, s.name)
	}
	var out []process.Record
	for _, key := range keys {
		var record process.Record
		data, err := m.config.Store.GetReattach(key)
		if err == nil && json.Unmarshal(data, &record) == nil {
			out = append(out, record)
		}
	}
	return out
}

// clearSockets removes what an earlier agent left, but for the processes with
// the records.
func (m *Manager) clearSockets(leftovers process.Leftovers, records []process.Record) {
	if err := leftovers.Clear(records); err != nil {
		m.logger.Warn("sockets of plugins of an earlier agent cannot be removed", "error", err)
	}
}

// closeSockets removes the directory of sockets unless plugins live on.
func (m *Manager) closeSockets() {
	if m.socketDir != "" {
		_ = os.Remove(m.socketDir) // fails if it is not empty
	}
}
