// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// mostHosts is how large a hosts file may be, in bytes: containers can write to
// it.
const mostHosts = 1 << 20

// hostsLock is held while a hosts file is looked at and written.
var hostsLock sync.Mutex

// hostsFile sees to the hosts file of an allocation, which all its containers
// share: the first writes it, and each adds what it wants and does not find
// there. Containers that run see the same file, so that it is never replaced by
// another, and only added to unless the allocation has another address.
func hostsFile(task *drivers.TaskConfig, own *drivers.HostsConfig, extra []string) (string, error) {
	const name = "hosts"
	hostsLock.Lock()
	defer hostsLock.Unlock()
	root, err := os.OpenRoot(task.AllocDir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	if st, err := root.Lstat(name); err == nil && !st.Mode().IsRegular() {
		if err := root.RemoveAll(name); err != nil {
			return "", err
		}
	}
	file, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return "", err
	}
	defer file.Close()
	have, err := io.ReadAll(io.LimitReader(file, mostHosts+1))
	if err != nil {
		return "", err
	}
	if len(have) > mostHosts {
		return "", fmt.Errorf("the containers of the allocation have made their hosts file larger than %d bytes", mostHosts)
	}
	text := withEntry(have, own)
	missing, err := extraHosts(text, extra)
	if err != nil {
		return "", err
	}
	text = append(text, missing...)
	rest, grows := bytes.CutPrefix(text, have)
	if !grows {
		rest, err = text, file.Truncate(0)
	}
	if err == nil && len(rest) > 0 {
		_, err = file.Write(rest)
	}
	return filepath.Join(task.AllocDir, name), err
}

// withEntry is a hosts file with the entry of the allocation. It has another address when its network was made anew. What
// containers have made of the lines up to it stays as it is.
func withEntry(have []byte, own *drivers.HostsConfig) []byte {
	fresh := drivers.HostsFile(own)
	if len(have) == 0 {
		return fresh
	}
	before := bytes.TrimSuffix(fresh, []byte(own.Address+" "+own.Hostname+"\n"))
	rest, whole := bytes.CutPrefix(have, before)
	entry, after, _ := bytes.Cut(rest, []byte("\n"))
	if !whole || !bytes.HasSuffix(entry, []byte(" "+own.Hostname)) {
		return slices.Clone(have)
	}
	return append(fresh, after...)
}

// hostGateway ends an extra host that is this machine as containers see it. It means something to the engine only.
const hostGateway = ":host-gateway"

// addresses are extra hosts with addresses that mean something in a file too.
func (b *builder) addresses(extra []string) ([]string, error) {
	extra = slices.Clone(extra)
	for i, entry := range extra {
		host, is := strings.CutSuffix(entry, hostGateway)
		if !is {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		_, engine := b.driver.settings()
		address := bridgeIP(ctx, engine)
		cancel()
		if address == "" {
			return nil, fmt.Errorf("extra_hosts %q: the engine has no default network with a gateway", entry)
		}
		extra[i] = host + ":" + address
	}
	return extra, nil
}

// extraHosts are the lines of a hosts file for what is written name:address
// and is not in the file.
func extraHosts(have []byte, extra []string) ([]byte, error) {
	var lines []byte
	for _, entry := range extra {
		host, address, ok := strings.Cut(entry, ":")
		if !ok {
			return nil, fmt.Errorf("extra_hosts %q is not name:ip", entry)
		}
		line := address + " " + host + "\n"
		if slices.Contains(strings.SplitAfter(string(have), "\n"), line) {
			continue
		}
		if lines == nil {
			lines = []byte("\n# these entries are extra hosts added by the task config\n")
		}
		lines = append(lines, line...)
	}
	return lines, nil
}

// resolvFile writes the resolver configuration that the job asks for.
func resolvFile(task *drivers.TaskConfig) (string, error) {
	host, err := os.ReadFile(hostResolver())
	if err != nil {
		return "", fmt.Errorf("read the resolver configuration of the host: %w", err)
	}
	name := filepath.Join(task.Name, "resolv.conf")
	return writeBeneath(task.AllocDir, name, drivers.ResolvConf(host, task.DNS))
}

// The files of the resolver: the usual one, and the one with the real servers
// where the usual one names a stub on the loopback of the host.
const (
	resolvConf = "/etc/resolv.conf"
	resolvReal = "/run/systemd/resolve/resolv.conf"
)

func hostResolver() string {
	text, err := os.ReadFile(resolvConf)
	if err == nil && bytes.Contains(text, []byte("nameserver 127.0.0.53")) {
		if _, err := os.Stat(resolvReal); err == nil {
			return resolvReal
		}
	}
	return resolvConf
}

// writeBeneath writes a file beneath a directory that tasks can write to, never
// through links, and returns its path.
func writeBeneath(dir, name string, text []byte) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	if err := root.RemoveAll(name); err != nil {
		return "", err
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	return filepath.Join(dir, name), errors.Join(err, file.Close())
}
