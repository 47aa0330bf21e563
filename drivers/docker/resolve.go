// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// hostsFile writes the hosts file of an allocation, which all its containers
// share, unless it exists.
func hostsFile(task *drivers.TaskConfig, own *drivers.HostsConfig, extra []string) (string, error) {
	text, err := drivers.HostsFile(own, extra)
	if err != nil {
		return "", err
	}
	return writeBeneath(task.AllocDir, "hosts", text, false)
}

// resolvFile writes the resolver configuration that the job asks for.
func resolvFile(task *drivers.TaskConfig) (string, error) {
	host, err := os.ReadFile(hostResolver())
	if err != nil {
		return "", fmt.Errorf("read the resolver configuration of the host: %w", err)
	}
	name := filepath.Join(task.Name, "resolv.conf")
	return writeBeneath(task.AllocDir, name, drivers.ResolvConf(host, task.DNS), true)
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
// through links, and returns its path. Without replace a file that exists stays.
func writeBeneath(dir, name string, text []byte, replace bool) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	path := filepath.Join(dir, name)
	switch st, err := root.Lstat(name); {
	case err == nil && st.Mode().IsRegular() && !replace:
		return path, nil
	case err == nil:
		if err := root.RemoveAll(name); err != nil {
			return "", err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	return path, errors.Join(err, file.Close())
}
