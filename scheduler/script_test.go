// SPDX-License-Identifier: MPL-2.0

package scheduler_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

var rewrite = flag.Bool("rewrite", false, "write the expected output of testdata/*.txt anew")

// TestScripts runs testdata/*.txt. Each block is a command with optional body lines, "----", and the
// expected output up to an empty line. See script.commands for the commands.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, cluster: newCluster()}
	var result strings.Builder
	lines := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	for i := 0; i < len(lines); {
		line := lines[i]
		if line == "" || strings.HasPrefix(line, "#") {
			result.WriteString(line + "\n")
			i++
			continue
		}
		start := i
		for i < len(lines) && lines[i] != "----" {
			i++
		}
		if i == len(lines) {
			t.Fatalf("%s:%d: no ---- after the command", file, start+1)
		}
		command := lines[start:i]
		i++
		expectedFrom := i
		for i < len(lines) && lines[i] != "" {
			i++
		}
		want := strings.Join(lines[expectedFrom:i], "\n")
		got := strings.TrimRight(s.run(fmt.Sprintf("%s:%d", file, start+1), command), "\n")
		result.WriteString(strings.Join(command, "\n") + "\n----\n")
		if got != "" {
			result.WriteString(got + "\n")
		}
		if got != want && !*rewrite {
			t.Errorf("%s:%d: %s\ngot:\n%s\nwant:\n%s", file, start+1, command[0], got, want)
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(result.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type script struct {
	t *testing.T
	*cluster
	at string
}

func (s *script) run(at string, lines []string) string {
	s.at = at
	name, rest, _ := strings.Cut(lines[0], " ")
	args := strings.Fields(rest)
	command, ok := map[string]func(args, body []string) string{
		"nodes":    s.cmdNodes,
		"job":      s.cmdJob,
		"submit":   s.cmdSubmit,
		"schedule": s.cmdSchedule,
		"due":      s.cmdDue,
		"unblock":  s.cmdUnblock,
		"client":   s.cmdClient,
		"node":     s.cmdNode,
		"advance":  s.cmdAdvance,
		"allocs":   s.cmdAllocs,
		"stop":     s.cmdStop,
		"config":   s.cmdConfig,
		"pool":     s.cmdPool,
		"drain":    s.cmdDrain,
		"alloc":    s.cmdAlloc,

		"healthy":    s.cmdHealthy,
		"back":       s.cmdBack,
		"explain":    s.cmdExplain,
		"deployment": s.cmdDeployment,
	}[name]
	if !ok {
		s.t.Fatalf("%s: unknown command %q", at, name)
	}
	out := command(args, lines[1:])
	s.commit()
	return out
}

func (s *script) fatal(format string, args ...any) string {
	s.t.Helper()
	s.t.Fatalf("%s: %s", s.at, fmt.Sprintf(format, args...))
	return ""
}

func (s *script) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.fatal("%v", err)
	}
	return n
}

func (s *script) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.fatal("%v", err)
	}
	return d
}

// cmdNodes: each body line is "first..last" or one name, then options.
func (s *script) cmdNodes(_, body []string) string {
	for _, line := range body {
		fields := strings.Fields(line)
		for _, name := range expand(fields[0]) {
			n := newNode(name)
			for _, option := range fields[1:] {
				s.nodeOption(n, option)
			}
			s.putNode(n)
		}
	}
	return ""
}

// expand turns "n1..n3" into n1, n2, n3.
func expand(text string) []string {
	from, to, ok := strings.Cut(text, "..")
	if !ok {
		return []string{text}
	}
	digits := strings.TrimLeft(from, "abcdefghijklmnopqrstuvwxyz")
	prefix := strings.TrimSuffix(from, digits)
	first, _ := strconv.Atoi(digits)
	last, _ := strconv.Atoi(strings.TrimPrefix(to, prefix))
	var out []string
	for i := first; i <= last; i++ {
		out = append(out, prefix+strconv.Itoa(i))
	}
	return out
}

func newNode(name string) *api.Node {
	return &api.Node{
		ID: name, Name: name, Datacenter: "dc1", NodePool: api.NodePoolDefault,
		Attributes: map[string]string{"kernel.name": "linux"},
		Meta:       map[string]string{},
		Drivers:    map[string]*api.DriverInfo{"mock_driver": {Detected: true, Healthy: true}},
		NodeResources: &api.NodeResources{
			Cpu:    api.NodeCpuResources{CpuShares: 4000, TotalCpuCores: 4, ReservableCpuCores: []uint16{0, 1, 2, 3}},
			Memory: api.NodeMemoryResources{MemoryMB: 8192},
			Disk:   api.NodeDiskResources{DiskMB: 100000},
			NodeNetworks: []*api.NodeNetworkResource{
				{Mode: "host", Device: "eth0", Addresses: []api.NodeNetworkAddress{
					{Family: "ipv4", Alias: "default", Address: "10.0.0.1"},
				}},
			},
		},
		ReservedResources:     &api.NodeReservedResources{},
		SchedulingEligibility: api.NodeEligible,
		Status:                api.NodeStatusReady,
	}
}

func (s *script) nodeOption(n *api.Node, option string) {
	key, value, _ := strings.Cut(option, "=")
	r := n.NodeResources
	switch {
	case key == "cpu":
		r.Cpu.CpuShares = int64(s.number(value))
	case key == "memory":
		r.Memory.MemoryMB = int64(s.number(value))
	case key == "disk":
		r.Disk.DiskMB = int64(s.number(value))
	case key == "dc":
		n.Datacenter = value
	case key == "pool":
		n.NodePool = value
	case key == "class":
		n.NodeClass = value
	case key == "driver":
		n.Drivers = map[string]*api.DriverInfo{value: {Detected: true, Healthy: true}}
	case key == "sick": // a driver that is there and does not work
		n.Drivers = map[string]*api.DriverInfo{value: {Detected: true}}
	case key == "absent": // driver:reason, "_" for blanks
		name, why, _ := strings.Cut(value, ":")
		n.Drivers[name] = &api.DriverInfo{HealthDescription: strings.ReplaceAll(why, "_", " ")}
	case key == "max_allocs":
		n.NodeMaxAllocs = s.number(value)
	case key == "ports":
		low, high, _ := strings.Cut(value, "-")
		r.MinDynamicPort, r.MaxDynamicPort = s.number(low), s.number(high)
	case key == "reserved_ports":
		n.ReservedResources.Networks.ReservedHostPorts = value
	case key == "reserved_cpu":
		n.ReservedResources.Cpu.CpuShares = int64(s.number(value))
	case key == "reserved_memory":
		n.ReservedResources.Memory.MemoryMB = int64(s.number(value))
	case key == "numa": // cores of each NUMA node, such as 2,4
		var next uint16
		topology := &api.NodeProcessorTopology{}
		r.Cpu.ReservableCpuCores = nil
		for i, cores := range strings.Split(value, ",") {
			topology.Nodes = append(topology.Nodes, i)
			for range s.number(cores) {
				topology.Cores = append(topology.Cores, api.NodeProcessorCore{ID: next, NodeID: uint8(i), BaseSpeed: 1000})
				r.Cpu.ReservableCpuCores = append(r.Cpu.ReservableCpuCores, next)
				next++
			}
		}
		r.Processors.Topology, r.Cpu.TotalCpuCores, r.Cpu.CpuShares = topology, next, int64(next)*1000
	case key == "reserved_core":
		n.ReservedResources.Cpu.ReservedCpuCores = []uint16{uint16(s.number(value))}
	case key == "network":
		alias, ip, _ := strings.Cut(value, ":")
		r.NodeNetworks = append(r.NodeNetworks, &api.NodeNetworkResource{
			Mode: "host", Device: "eth1", Addresses: []api.NodeNetworkAddress{{Alias: alias, Address: ip}},
		})
	case key == "mode":
		r.NodeNetworks = append(r.NodeNetworks, &api.NodeNetworkResource{Mode: value})
	case key == "device": // vendor/type/name:id,id!,…[:attribute=value…], "!" for an unhealthy instance
		r.Devices = append(slices.Clip(r.Devices), s.deviceGroup(value))
	case key == "volume":
		name, readOnly := strings.CutSuffix(value, ":ro")
		n.HostVolumes = maps.Clone(n.HostVolumes)
		if n.HostVolumes == nil {
			n.HostVolumes = map[string]*api.NodeHostVolume{}
		}
		n.HostVolumes[name] = &api.NodeHostVolume{Name: name, Path: "/" + name, ReadOnly: readOnly}
	case strings.HasPrefix(key, "attr."):
		n.Attributes[strings.TrimPrefix(key, "attr.")] = value
	case strings.HasPrefix(key, "meta."):
		n.Meta[strings.TrimPrefix(key, "meta.")] = value
	default:
		s.fatal("unknown node option %q", option)
	}
}

// cmdNode: "node NAME status=down|ready|disconnected|gone eligibility=… drain=off" or any option of nodes.
func (s *script) cmdNode(args, _ []string) string {
	n := *s.nodes[args[0]]
	for _, option := range args[1:] {
		key, value, _ := strings.Cut(option, "=")
		switch {
		case key == "status" && value == "gone":
			delete(s.nodes, n.ID)
			s.table.DeleteNode(n.ID)
			return ""
		case key == "status":
			n.Status = value
		case key == "eligibility":
			n.SchedulingEligibility = value
		case option == "drain=off":
			n.DrainStrategy, n.SchedulingEligibility = nil, api.NodeEligible
		default:
			dup := *n.NodeResources
			n.NodeResources = &dup
			s.nodeOption(&n, option)
		}
	}
	s.putNode(&n)
	return ""
}

// cmdDrain marks the node as draining and its allocations for migration.
func (s *script) cmdDrain(args, _ []string) string {
	n := *s.nodes[args[0]]
	n.DrainStrategy, n.SchedulingEligibility = &api.DrainStrategy{}, api.NodeIneligible
	s.putNode(&n)
	for _, a := range s.AllocsByNode(n.ID) {
		if !a.TerminalStatus() {
			s.change(a.ID, func(a *api.Allocation) {
				a.DesiredTransition.Migrate = new(true)
				if len(args) > 1 && args[1] == "no_placement" {
					a.DesiredTransition.MigrateDisablePlacement = new(true)
				}
			})
		}
	}
	return ""
}

// cmdClient: "client STATUS NAME…" sets the client status of the allocations of those names, or of those
// jobs, on the node after "@" if there is one, that are not terminal on the client; STATUS "stopped" completes those that were told to stop.
func (s *script) cmdClient(args, _ []string) string {
	for _, name := range args[1:] {
		found := false
		for _, id := range slices.Sorted(keys(s.allocs)) {
			a := s.allocs[id]
			name, node, _ := strings.Cut(name, "@")
			if (a.Name == name || a.JobID == name) && (node == "" || a.NodeID == node) && !a.ClientTerminalStatus() {
				status := args[0]
				if status == "stopped" {
					status = api.AllocClientComplete
				}
				if a.ServerTerminalStatus() != (args[0] == "stopped") {
					continue
				}
				s.setClient(id, status)
				found = true
			}
		}
		if !found {
			s.fatal("no allocation %q", name)
		}
	}
	return ""
}

// cmdAlloc: "alloc NAME healthy|unhealthy|force|reschedule|away|stopped" edits the newest allocation of that name.
func (s *script) cmdAlloc(args, _ []string) string {
	var newest *api.Allocation
	for _, a := range s.allocs {
		if a.Name == args[0] && (newest == nil || a.CreateIndex > newest.CreateIndex) {
			newest = a
		}
	}
	s.change(newest.ID, func(a *api.Allocation) {
		switch args[1] {
		case "healthy", "unhealthy":
			canary := a.DeploymentStatus != nil && a.DeploymentStatus.Canary
			a.DeploymentStatus = &api.AllocDeploymentStatus{Healthy: new(args[1] == "healthy"), Canary: canary}
		case "reschedule":
			a.DesiredTransition.Reschedule = new(true)
		case "force":
			a.DesiredTransition.ForceReschedule = new(true)
		case "away", "stopped":
			a.DesiredTransition.Migrate, a.DesiredTransition.MigrateDisablePlacement = new(true), new(args[1] == "stopped")
		}
	})
	return ""
}

// cmdBack: "back NODE" has the client of the node report its unknown allocations as running.
func (s *script) cmdBack(args, _ []string) string {
	for _, a := range s.AllocsByNode(args[0]) {
		if a.ClientStatus == api.AllocClientUnknown {
			s.change(a.ID, func(a *api.Allocation) { a.ClientStatus = api.AllocClientRunning })
		}
	}
	return ""
}

// cmdHealthy: "healthy JOB" makes the running allocations of the deployment healthy, as their clients would.
func (s *script) cmdHealthy(args, _ []string) string {
	d := s.deployments[args[0]]
	for _, a := range s.sorted(args[0]) {
		if d == nil || a.DeploymentID != d.ID || a.TerminalStatus() || a.ClientStatus != api.AllocClientRunning {
			continue
		}
		s.change(a.ID, func(a *api.Allocation) {
			canary := a.DeploymentStatus != nil && a.DeploymentStatus.Canary
			a.DeploymentStatus = &api.AllocDeploymentStatus{Healthy: new(true), Canary: canary}
		})
	}
	return ""
}

// cmdDeployment: "deployment JOB [promote|STATUS]" changes the newest deployment of the job, and shows it.
func (s *script) cmdDeployment(args, _ []string) string {
	if len(args) > 1 {
		if args[1] == "promote" {
			s.promote(args[0])
		} else {
			s.deployments[args[0]].Status = args[1]
		}
	}
	d := s.LatestDeployment("", args[0])
	if d == nil {
		return "none"
	}
	return describeDeployment(d)
}

func (s *script) cmdAdvance(args, _ []string) string {
	s.now = s.now.Add(s.duration(args[0]))
	return ""
}

func (s *script) cmdConfig(args, _ []string) string {
	s.config = &api.SchedulerConfiguration{}
	for _, option := range args {
		switch key, value, _ := strings.Cut(option, "="); key {
		case "algorithm":
			s.config.SchedulerAlgorithm = value
		case "preemption":
			for kind := range strings.SplitSeq(value, ",") {
				switch kind {
				case api.JobTypeService:
					s.config.PreemptionConfig.ServiceSchedulerEnabled = true
				case api.JobTypeBatch:
					s.config.PreemptionConfig.BatchSchedulerEnabled = true
				case api.JobTypeSystem:
					s.config.PreemptionConfig.SystemSchedulerEnabled = true
				case api.JobTypeSysBatch:
					s.config.PreemptionConfig.SysBatchSchedulerEnabled = true
				}
			}
		case "node_limit":
			s.config.NodeLimitForFeasibilityChecks = s.number(value)
		case "oversubscription":
			s.config.MemoryOversubscriptionEnabled = value == "true"
		default:
			s.fatal("unknown option %q", option)
		}
	}
	return ""
}

// cmdPool: "pool NAME [OPTION…]" sets what the scheduler does otherwise for the jobs of a pool.
func (s *script) cmdPool(args, _ []string) string {
	own := &api.NodePoolSchedulerConfiguration{}
	for _, option := range args[1:] {
		switch key, value, _ := strings.Cut(option, "="); key {
		case "algorithm":
			own.SchedulerAlgorithm = value
		case "oversubscription":
			own.MemoryOversubscriptionEnabled = new(value == "true")
		default:
			s.fatal("unknown option %q", option)
		}
	}
	s.pools[args[0]] = own
	return ""
}

// cmdStop: "stop JOB [purge]".
func (s *script) cmdStop(args, _ []string) string {
	if len(args) > 1 && args[1] == "purge" {
		delete(s.jobs, args[0])
		return ""
	}
	j := *s.jobs[args[0]]
	j.Stop = true
	s.register(&j)
	return ""
}

// cmdSchedule: "schedule JOB [TRIGGER]" processes one evaluation and commits its plan.
func (s *script) cmdSchedule(args, _ []string) string {
	trigger := api.TriggerJobRegister
	if len(args) > 1 {
		trigger = args[1]
	}
	return s.step(s.eval(args[0], trigger))
}

// cmdDue processes the follow-up evaluations whose time has come.
func (s *script) cmdDue(_, _ []string) string {
	var out strings.Builder
	waiting := s.evals
	s.evals = nil
	for _, e := range waiting {
		if e.WaitUntil.After(s.now) {
			s.evals = append(s.evals, e)
			continue
		}
		fmt.Fprintf(&out, "%s at %s\n%s", e.TriggeredBy, s.offset(*e.WaitUntil), s.step(e))
	}
	if out.Len() == 0 {
		return "none"
	}
	return out.String()
}

// cmdUnblock processes the blocked evaluation of a job.
func (s *script) cmdUnblock(args, _ []string) string {
	e := s.blocked[args[0]]
	if e == nil {
		return "none"
	}
	return s.step(e)
}

func (s *script) step(e *api.Evaluation) string {
	out := s.process(e)
	text := s.describe(out)
	s.apply(s.t, out)
	return text
}
