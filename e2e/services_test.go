// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// serviceJob has a service of its group, with a check, and one of its task.
func serviceJob() *nomad.Job {
	job := shellJob("served", "service", 1, `exec sleep 1000`)
	g := job.TaskGroups[0]
	g.Networks = []*nomad.NetworkResource{{DynamicPorts: []nomad.Port{{Label: "http"}}}}
	g.Services = []*nomad.Service{{
		Name: "web", Provider: "nomad", PortLabel: "http", Address: "127.0.0.1", Tags: []string{"v1"},
		Checks: []nomad.ServiceCheck{
			{Name: "up", Type: "http", Path: "/", Interval: time.Second, Timeout: 5 * time.Second},
			{
				Name: "ready", Type: "script", TaskName: "main", Command: "/bin/sh", Args: []string{"-c", `echo ${NOMAD_JOB_NAME} && test -e "$NOMAD_TASK_DIR/ready"`},
				Interval: time.Second, Timeout: 5 * time.Second,
			},
			{Name: "spoken", Type: "grpc", GRPCService: "x", Interval: time.Second, Timeout: 5 * time.Second},
		},
	}}
	g.Tasks[0].Services = []*nomad.Service{{Name: "direct", Provider: "nomad", PortLabel: "http"}}
	return job
}

// TestServices follows the services of a job from its start over a change and a killed agent to its end.
func TestServices(t *testing.T) {
	a := newAgent(t, false, "").start()
	defer a.stopJobs()
	job := serviceJob()
	a.register(job)
	alloc := a.running("served", 1)[0]
	services := func(want string) {
		t.Helper()
		a.eventually("services are "+want, func() error {
			var got []string
			list, _, err := a.client.Services().List(nil)
			if err != nil {
				return err
			}
			for _, ns := range list {
				for _, s := range ns.Services {
					got = append(got, s.ServiceName+strings.Join(s.Tags, ","))
				}
			}
			if strings.Join(got, " ") != want {
				return fmt.Errorf("services are %q", got)
			}
			return nil
		})
	}
	services("direct webv1")
	regs, _, err := a.client.Services().Get("web", nil)
	if err != nil || len(regs) != 1 || regs[0].AllocID != alloc.ID || regs[0].Address != "127.0.0.1" ||
		regs[0].ID != "_nomad-task-"+alloc.ID+"-group-g-web-http" {
		t.Fatalf("registrations %+v, %v", regs, err)
	}
	if of, _, err := a.client.Allocations().Services(alloc.ID, nil); err != nil || len(of) != 2 {
		t.Errorf("services of the allocation %v, %v", of, err)
	}
	check := func(name, status, output string) {
		t.Helper()
		a.eventually("the check "+name+" has run", func() error {
			checks, err := a.client.Allocations().Checks(alloc.ID, nil)
			if err != nil {
				return err
			}
			for _, c := range checks {
				if c.Service == "web" && c.Check == name && c.Status == status && strings.Contains(c.Output, output) &&
					c.Group == "served.g[0]" && c.Mode == "healthiness" {
					return nil
				}
			}
			return fmt.Errorf("checks are %+v", checks)
		})
	}
	// Nobody listens on the port of the job, so its checks fail.
	check("up", "failure", "refused")
	check("spoken", "failure", "refused")
	check("ready", "failure", "served\n")
	a.want(0, ``, "alloc", "exec", alloc.ID, "/bin/sh", "-c", `touch "$NOMAD_TASK_DIR/ready"`)
	check("ready", "success", "served\n")
	a.want(0, `(?s)Status of 3 Nomad Service Checks.*Status +=  failure`, "alloc", "checks", alloc.ID)

	// A change of the service reaches the servers without a new allocation, also for an agent that was killed.
	job.TaskGroups[0].Services[0].Tags = []string{"v2"}
	job.TaskGroups[0].Services[0].Checks = nil
	a.register(job)
	services("direct webv2")
	a.kill()
	a.start()
	if again := a.running("served", 1)[0]; again.ID != alloc.ID {
		t.Errorf("allocation %s replaced %s", again.ID, alloc.ID)
	}
	services("direct webv2")
	if _, _, err := a.client.Jobs().Deregister("served", false, nil); err != nil {
		t.Fatal(err)
	}
	services("")
}

// TestRefusedServicesAndVolumes: what is not there yet is refused by its name, when a job is registered or, where only
// the client can know, by the task.
func TestRefusedServicesAndVolumes(t *testing.T) {
	dir := t.TempDir()
	a := newAgent(t, false, fmt.Sprintf("client {\n  host_volume \"data\" {\n    path = %q\n  }\n}\n", dir)).start()
	defer a.stopJobs()
	job := shellJob("vol", "batch", 1, `true`)
	job.TaskGroups[0].Services = []*nomad.Service{{Name: "x"}}
	if _, _, err := a.client.Jobs().Register(job, nil); err == nil || !strings.Contains(err.Error(), `service.provider: "consul"`) {
		t.Errorf("a service of Consul: %v", err)
	}
	job.TaskGroups[0].Services = nil
	job.TaskGroups[0].Volumes = map[string]*nomad.VolumeRequest{"v": {Name: "v", Type: "csi", Source: "x", AccessMode: "single-node-writer", AttachmentMode: "file-system"}}
	if _, _, err := a.client.Jobs().Register(job, nil); err == nil || !strings.Contains(err.Error(), `volume.type: "csi" is not supported`) {
		t.Errorf("a CSI volume: %v", err)
	}
	// raw_exec mounts nothing, and says so.
	job.TaskGroups[0].Volumes = map[string]*nomad.VolumeRequest{"v": {Name: "v", Type: "host", Source: "data"}}
	job.TaskGroups[0].Tasks[0].VolumeMounts = []*nomad.VolumeMount{{Volume: new("v"), Destination: new("/data")}}
	job.TaskGroups[0].ReschedulePolicy = &nomad.ReschedulePolicy{Attempts: new(0), Unlimited: new(false)}
	a.register(job)
	a.eventually("the task says that its driver mounts nothing", func() error {
		list, _, err := a.client.Jobs().Allocations("vol", true, nil)
		if err != nil || len(list) == 0 {
			return fmt.Errorf("allocations %v, %w", list, err)
		}
		events := list[0].TaskStates["main"]
		if events == nil || !slices.ContainsFunc(events.Events, func(e *nomad.TaskEvent) bool {
			return strings.Contains(e.DisplayMessage, "does not support host volumes")
		}) {
			return fmt.Errorf("events %+v", events)
		}
		return nil
	})
}

// TestDataMovesBetweenNodes: with ephemeral_disk.migrate the replacement on another node finds the data.
func TestDataMovesBetweenNodes(t *testing.T) {
	server := newServers(t, 1)[0]
	server.launch()
	var rpc int
	server.eventually("the server leads", func() error {
		leader, err := server.client.Status().Leader()
		if err != nil {
			return err
		}
		_, err = fmt.Sscanf(leader, "127.0.0.1:%d", &rpc)
		return err
	})
	clients := map[string]*agent{"c1": newClient(t, "c1", rpc), "c2": newClient(t, "c2", rpc)}
	for _, c := range clients {
		c.launch()
	}
	defer server.stopJobs()
	job := shellJob("mover", "service", 1, `
		echo "$NOMAD_SHORT_ALLOC_ID" >> "$NOMAD_ALLOC_DIR/data/seen"; echo "$NOMAD_SHORT_ALLOC_ID" >> "$NOMAD_TASK_DIR/seen"
		cat "$NOMAD_ALLOC_DIR/data/seen" "$NOMAD_TASK_DIR/seen" | wc -l; exec sleep 1000`)
	job.TaskGroups[0].EphemeralDisk = &nomad.EphemeralDisk{Migrate: new(true), Sticky: new(true)}
	job.Constrain(nomad.NewConstraint("${node.unique.name}", "=", "c1"))
	server.register(job)
	first := server.running("mover", 1)[0]
	server.eventually("the first one has written", func() error {
		out, _, _ := server.cli("", "alloc", "logs", first.ID)
		if out != "2\n" {
			return fmt.Errorf("log is %q", out)
		}
		return nil
	})
	job.Constraints = []*nomad.Constraint{nomad.NewConstraint("${node.unique.name}", "=", "c2")}
	server.register(job)
	server.eventually("the second one has the data of the first", func() error {
		list, _, err := server.client.Jobs().Allocations("mover", true, nil)
		if err != nil {
			return err
		}
		for _, s := range list {
			if s.ID == first.ID {
				continue
			}
			out, errs, _ := server.cli("", "alloc", "logs", s.ID)
			if out == "4\n" && s.NodeName == "c2" {
				return nil
			}
			return fmt.Errorf("log of %s on %s is %q %s", s.ID, s.NodeName, out, errs)
		}
		return fmt.Errorf("%d allocations", len(list))
	})
}
