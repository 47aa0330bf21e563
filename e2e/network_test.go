// SPDX-License-Identifier: MPL-2.0

//go:build linux

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// networks are subnets and names that nothing else on the machine has.
const networks = `
client {
  cni_path              = %q
  cni_config_dir        = %q
  bridge_network_name   = "nle2e"
  bridge_network_subnet = "172.31.213.0/24"
}
`

const ownNetwork = `{"cniVersion": "0.4.0", "name": "own", "plugins": [
  {"type": "loopback"},
  {"type": "ptp", "ipMasq": true, "ipam": {"type": "host-local", "subnet": "172.31.214.0/24", "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}, "snat": true}
]}`

// TestNetworkOfContainers runs a container and a process of the host in one network, which a container of the
// driver's holds.
func TestNetworkOfContainers(t *testing.T) {
	testkit.Need(t, "linux", "root", "busybox", "cni", "dockerd")
	e := newEngine(t)
	e.importPause()
	a := newAgent(t, false, fmt.Sprintf(networks, testkit.CNIPath, t.TempDir())+fmt.Sprintf(dockerOf, e.host)).start()
	defer a.stopJobs()
	t.Cleanup(func() { _ = exec.Command("ip", "link", "delete", "nle2e").Run() })
	job := webJob("net-docker", "bridge")
	g := job.TaskGroups[0]
	attempts, delay, interval, mode := 5, time.Second, time.Minute, "delay"
	g.RestartPolicy = &nomad.RestartPolicy{Attempts: &attempts, Delay: &delay, Interval: &interval, Mode: &mode}
	g.Networks[0].Hostname = "web-${NOMAD_ALLOC_INDEX}"
	g.Networks[0].DNS = &nomad.DNSConfig{Servers: []string{"192.0.2.53"}}
	cpu, mem := 20, 16
	inside := nomad.NewTask("inside", "docker").SetConfig("image", engineImage).SetConfig("command", "/bin/sleep").SetConfig("args", []string{"1000"})
	g.AddTask(inside.Require(&nomad.Resources{CPU: &cpu, MemoryMB: &mem}))
	a.register(job)
	id := a.running("net-docker", 1)[0].ID
	at := ""
	reached := func() error {
		full, _, err := a.client.Allocations().Info(id, nil)
		if err != nil {
			return err
		}
		at = full.NetworkStatus.Address
		out, errs, _ := a.cli("", "alloc", "exec", "-task", "inside", id, "/bin/busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:80/")
		if strings.TrimSpace(out) != "net-docker "+at {
			return fmt.Errorf("%q %q", out, errs)
		}
		if got, err := get("http://" + at + "/"); err != nil || got != "net-docker "+at {
			return fmt.Errorf("from outside: %q, %w", got, err)
		}
		return nil
	}
	a.eventually("the container reaches the process by the loopback interface", reached)
	a.want(0, at+" web-0", "alloc", "exec", "-task", "inside", id, "/bin/busybox", "cat", "/etc/hosts")
	a.want(0, `^nameserver 192.0.2.53\n$`, "alloc", "exec", "-task", "inside", id, "/bin/busybox", "cat", "/etc/resolv.conf")
	a.want(0, `^web-0\n$`, "alloc", "exec", "-task", "inside", id, "/bin/busybox", "hostname")

	// The engine takes the network down with itself; the tasks get a new one, also the process that goes on.
	e.end(false)
	e.start()
	a.eventually("both are in one network again", reached)
	a.stopJobs()
	a.eventually("the containers are gone", func() error {
		out, err := e.docker("ps", "-aq").Output()
		if err != nil || len(out) > 0 {
			return fmt.Errorf("%q, %w", out, err)
		}
		return nil
	})
}

// TestTaskNetworks runs a job whose tasks ask for ports themselves, as job files did before groups had networks.
func TestTaskNetworks(t *testing.T) {
	testkit.Need(t, "busybox")
	a := newAgent(t, true, "").start()
	defer a.stopJobs()
	job := shellJob("old", "service", 1, `echo "$NOMAD_IPv4_http" > local/index.html; exec busybox httpd -f -p "$NOMAD_PORT_http" -h local`)
	g := job.TaskGroups[0]
	g.Tasks[0].Resources.Networks = []*nomad.NetworkResource{{DynamicPorts: []nomad.Port{{Label: "http"}}}}
	cpu, mem := 20, 16
	side := nomad.NewTask("side", "raw_exec").SetConfig("command", "/bin/sh").SetConfig("args", []string{"-c", `echo "$NOMAD_ADDR_main_http"; exec sleep 1000`})
	g.AddTask(side.Require(&nomad.Resources{CPU: &cpu, MemoryMB: &mem}))
	a.register(job)
	id := a.running("old", 1)[0].ID
	full, _, err := a.client.Allocations().Info(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := full.AllocatedResources.Tasks["main"].Networks[0]
	at := fmt.Sprintf("%s:%d", n.IP, n.DynamicPorts[0].Value)
	a.eventually("the server answers", func() error {
		if got, err := get("http://" + at + "/"); err != nil || got != n.IP {
			return fmt.Errorf("%q, %w", got, err)
		}
		return nil
	})
	a.eventually("the other task knows the address", func() error {
		if out, errs, _ := a.cli("", "alloc", "logs", id, "side"); strings.TrimSpace(out) != at {
			return fmt.Errorf("%q %q", out, errs)
		}
		return nil
	})
	a.want(0, "http: "+at, "alloc", "status", id)
}

// webJob serves a file that says who it is, in a network of the mode, on port 80 of the namespace.
func webJob(id, mode string) *nomad.Job {
	job := shellJob(id, "service", 1, `mkdir -p local/www && echo "$NOMAD_JOB_ID $NOMAD_ALLOC_IP_http" > local/www/index.html
exec busybox httpd -f -p "$NOMAD_PORT_http" -h local/www`)
	g := job.TaskGroups[0]
	g.Networks = []*nomad.NetworkResource{{Mode: mode, DynamicPorts: []nomad.Port{{Label: "http", To: 80}}}}
	g.Services = []*nomad.Service{
		{Name: id, Provider: "nomad", PortLabel: "http", Checks: []nomad.ServiceCheck{
			{Name: "up", Type: "http", Path: "/", Interval: time.Second, Timeout: 5 * time.Second},
		}},
		{Name: id + "-inside", Provider: "nomad", PortLabel: "http", AddressMode: "alloc"},
	}
	return job
}

func get(url string) (string, error) {
	client := &http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return strings.TrimSpace(string(body)), err
}

// TestNetworks runs web servers in a bridge network and in one of the operator's, reaches them from outside and
// inside, also after the agent was killed, and looks for what they leave.
func TestNetworks(t *testing.T) {
	testkit.Need(t, "linux", "root", "busybox", "cni")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "own.conflist"), []byte(ownNetwork), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newAgent(t, false, fmt.Sprintf(networks, testkit.CNIPath, dir)).start()
	defer a.stopJobs()
	t.Cleanup(func() { _ = exec.Command("ip", "link", "delete", "nle2e").Run() })
	var ids []string
	for _, mode := range []string{"bridge", "cni/own"} {
		name := "net-" + strings.TrimPrefix(mode, "cni/")
		a.register(webJob(name, mode))
		alloc := a.running(name, 1)[0]
		ids = append(ids, alloc.ID)
		full, _, err := a.client.Allocations().Info(alloc.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		inside := full.NetworkStatus
		if inside == nil || !strings.HasPrefix(inside.Address, "172.31.21") || inside.InterfaceName != "eth0" {
			t.Fatalf("%s: the allocation is told to be at %+v", mode, inside)
		}
		port := full.AllocatedResources.Shared.Ports[0]
		want := name + " " + inside.Address
		for what, url := range map[string]string{
			"inside":  "http://" + inside.Address + "/",
			"outside": fmt.Sprintf("http://127.0.0.1:%d/", port.Value),
		} {
			a.eventually(mode+": the server answers "+what, func() error {
				if got, err := get(url); err != nil || got != want {
					return fmt.Errorf("%q, %w", got, err)
				}
				return nil
			})
		}
		a.eventually(mode+": the check passes", func() error {
			checks, err := a.client.Allocations().Checks(alloc.ID, nil)
			for _, c := range checks {
				if c.Status == "success" {
					return nil
				}
			}
			return fmt.Errorf("%+v, %v", checks, err)
		})
		if regs, _, err := a.client.Services().Get(name+"-inside", nil); err != nil || len(regs) != 1 || regs[0].Address != inside.Address || regs[0].Port != 80 {
			t.Errorf("%s: services %+v, %v", mode, regs, err)
		}
		a.want(0, fmt.Sprintf(`(?s)Allocation Addresses \(mode = "%s"\):.*\*http +yes +%s:%d -> 80`, mode, port.HostIP, port.Value), "alloc", "status", alloc.ID)

		// The next agent leaves the network as it is.
		a.kill()
		a.start()
		if got, err := get(fmt.Sprintf("http://127.0.0.1:%d/", port.Value)); err != nil || got != want {
			t.Errorf("%s: after the agent was killed: %q, %v", mode, got, err)
		}
		if again, _, err := a.client.Allocations().Info(alloc.ID, nil); err != nil || again.NetworkStatus.Address != inside.Address {
			t.Errorf("%s: the next agent says %+v, %v", mode, again.NetworkStatus, err)
		}
	}
	a.stopJobs()
	a.eventually("nothing is left of the networks", func() error {
		rules, err := exec.Command("iptables-save").Output()
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := os.Stat("/var/run/netns/" + id); !os.IsNotExist(err) {
				return fmt.Errorf("namespace %s: %v", id, err)
			}
			if strings.Contains(string(rules), id) {
				return fmt.Errorf("rules of %s", id)
			}
		}
		return nil
	})
	refused := webJob("net-none", "cni/nowhere")
	a.register(refused)
	a.want(0, `missing network`, "job", "explain", "net-none")
}
