// SPDX-License-Identifier: MPL-2.0

package isolated

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// The files that tell a task how it is called, and the variable.
const (
	hostsFile    = "/etc/hosts"
	hostnameFile = "/etc/hostname"
	hostVariable = "HOSTNAME"
)

// ownNameLength is how much of the allocation's ID is its name: the first two parts of a UUID. They are as unique as the
// name of a container, commands take them for the ID, and the dash keeps programs from reading digits as an address.
const ownNameLength = 13

// maxNamesFile is how large a file of names may be that is copied.
const maxNamesFile = 8 << 20

// loopback is the address of what is nowhere else.
const loopback = "127.0.0.1"

// names gives the task a name, and lets it find its address by that: the name that the network of its group has, or one
// of its own instead of the host's.
//
// Compat: the reference shows the host's name.
func (l *layout) names(private bool) error {
	if network := l.config.NetworkIsolation; network != nil && network.Hosts != nil && network.Hosts.Hostname != "" {
		own := *network.Hosts
		own.Address = cmp.Or(own.Address, loopback)
		l.root.HostName = own.Hostname
		if err := l.file("hosts", hostsFile, drivers.HostsFile(&own)); err != nil {
			return err
		}
	} else if private {
		l.root.HostName = ownName(l.config.AllocID)
		if err := l.ownHosts(); err != nil {
			return err
		}
	}
	if l.root.HostName == "" || l.seen(hostnameFile) == nil {
		return nil
	}
	return l.file("hostname", hostnameFile, []byte(l.root.HostName+"\n"))
}

// ownName is how a task calls the machine that is to know nothing of the host's name.
func ownName(allocID string) string {
	name := strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, allocID)
	return cmp.Or(strings.Trim(name[:min(len(name), ownNameLength)], "-"), "localhost")
}

// ownHosts shows the hosts file that the task would see with a line for its name: programs look up the address of the
// machine that they run on.
func (l *layout) ownHosts() error {
	text := l.seen(hostsFile)
	if text == nil {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("find the name of the host: %w", err)
	}
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, '\n')
	}
	text = fmt.Appendf(text, "# the allocation\n%s %s\n", l.ownAddress(text, host), l.root.HostName)
	return l.file("hosts", hostsFile, text)
}

// ownAddress is what the task finds under its name: in the network of the host what was found there under the name of
// the host, otherwise the address that the ports of the task are at.
func (l *layout) ownAddress(hosts []byte, host string) string {
	if network := l.config.NetworkIsolation; network != nil && network.Mode != drivers.NetworkIsolationHost {
		return loopback
	}
	for line := range bytes.Lines(hosts) {
		text, _, _ := strings.Cut(string(line), "#")
		if words := strings.Fields(text); len(words) > 1 && slices.ContainsFunc(words[1:], func(word string) bool { return strings.EqualFold(word, host) }) {
			return words[0]
		}
	}
	if resources := l.config.Resources; resources != nil {
		for _, port := range resources.Ports {
			if port.HostIP != "" && port.HostIP != "0.0.0.0" && port.HostIP != "::" {
				return port.HostIP
			}
		}
	}
	return loopback
}

// seen reads a small file as the task would find it, nil if there is none: in what is shown of the host, or in the
// directory of the task, which may have prepared something else there.
func (l *layout) seen(target string) []byte {
	dir, name := l.config.TaskDir(), strings.TrimPrefix(target, "/")
	for _, entry := range slices.Backward(l.root.Entries) {
		below, in := strings.CutPrefix(target, strings.TrimSuffix(entry.Target, "/")+"/")
		if !in && target != entry.Target {
			continue
		}
		if entry.Kind != shim.EntryBind || entry.Dir > 0 {
			return nil
		}
		if dir, name = entry.Source, below; !in {
			dir, name = filepath.Split(entry.Source) // the file itself is shown
		}
		break
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil
	}
	defer root.Close()
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > maxNamesFile {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(file, maxNamesFile))
	if err != nil {
		return nil
	}
	return text
}

// tell puts the name of the task into its environment, where the agent was started with the name of the host in its own
// and tasks inherit that. What the job sets stays.
func tell(env, vars map[string]string, root *shim.Root) {
	inherited, ok := os.LookupEnv(hostVariable)
	if value, has := vars[hostVariable]; ok && has && value == inherited && root.HostName != "" {
		env[hostVariable] = root.HostName
	}
}
