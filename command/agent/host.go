// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/hoststats"
)

// maxHostFile bounds what is read of a file of the host, in bytes.
const maxHostFile = 1 << 20

// secretName matches names of environment variables whose value nobody needs to see.
var secretName = regexp.MustCompile(`(?i)(token|passw|passphrase|secret|key|credential|licen[cs]e|auth|cookie|private|session|dsn|_pat$|_pw$)`)

// secretValue matches values that carry a password in an address.
var secretValue = regexp.MustCompile(`://[^/@\s]*:[^/@\s]*@`)

const redacted = "<redacted>"

// host describes the machine of this agent.
func (a *Agent) host(ctx context.Context, r *api.AgentTargetRequest) (*api.AgentHostResponse, error) {
	if err := a.mayDebug(); err != nil {
		return nil, err
	}
	data := &api.HostData{
		OS: osText(ctx), ResolvConf: hostFile("/etc/resolv.conf"), Hosts: hostFile("/etc/hosts"), Network: networks(),
		Environment: environment(os.Environ()), Disk: map[string]*api.HostDisk{},
	}
	for _, mount := range mounts() {
		d, err := hoststats.Disk(mount)
		if err != nil || d.Size == 0 {
			continue
		}
		data.Disk[mount] = &api.HostDisk{DiskMB: int64(d.Size >> 20), UsedMB: int64(d.Used >> 20)}
	}
	resp := &api.AgentHostResponse{HostData: data}
	switch {
	case r.ServerID != "":
		resp.AgentID = a.server.srv.ServerName()
	case r.NodeID != "":
		resp.AgentID = a.client.NodeID()
	}
	return resp, nil
}

// osText says what system this is.
func osText(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "uname", "-a").Output()
	if err != nil {
		return runtime.GOOS + " " + runtime.GOARCH
	}
	return strings.TrimSpace(string(out))
}

func hostFile(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	buf := make([]byte, maxHostFile)
	n, err := f.Read(buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

func networks() []map[string]string {
	out := []map[string]string{}
	list, err := net.Interfaces()
	if err != nil {
		return out
	}
	for _, i := range list {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		if len(addrs) == 0 {
			out = append(out, map[string]string{"name": i.Name, "flags": i.Flags.String(), "mac": i.HardwareAddr.String()})
		}
		for _, addr := range addrs {
			out = append(out, map[string]string{
				"name": i.Name, "flags": i.Flags.String(), "mac": i.HardwareAddr.String(), "address": addr.String(),
			})
		}
	}
	return out
}

// environment returns variables without the values of those that look like secrets.
func environment(vars []string) map[string]string {
	out := map[string]string{}
	for _, kv := range vars {
		name, value, _ := strings.Cut(kv, "=")
		if name == "" {
			continue
		}
		if value != "" && (secretName.MatchString(name) || secretValue.MatchString(value)) {
			value = redacted
		}
		out[name] = value
	}
	return out
}

// mounts lists the mount points of real file systems.
func mounts() []string {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return []string{"/"}
	}
	defer f.Close()
	var out []string
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) < 3 {
			continue
		}
		switch fields[2] {
		case "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "debugfs", "tracefs", "securityfs", "pstore", "bpf", "nsfs",
			"autofs", "configfs", "fusectl", "hugetlbfs", "binfmt_misc", "rpc_pipefs":
			continue
		case "nfs", "nfs4", "cifs", "smb3", "9p", "ceph":
			continue // asking may take forever
		}
		if strings.HasPrefix(fields[2], "fuse") {
			continue
		}
		out = append(out, strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(fields[1]))
	}
	return out
}
