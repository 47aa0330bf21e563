// SPDX-License-Identifier: MPL-2.0

package scheduler_test

import (
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/scheduler"
)

// cmdSubmit is cmdJob for a job as a user would submit it: it prints why it is refused, or what the nodes cannot
// follow, and registers it as it is completed.
func (s *script) cmdSubmit(args, body []string) string {
	before, had := s.jobs[args[0]], s.versions[args[0]]
	s.cmdJob(args, body)
	job := typeinfo.Copy(s.jobs[args[0]])
	job.Canonicalize()
	job.AddImpliedConstraints()
	refused, _ := job.Validate(api.DefaultLimits())
	if refused == nil {
		s.jobs[job.ID] = job
		s.versions[job.ID][len(had)] = job
		return strings.Join(scheduler.Notes(s, job), "\n")
	}
	s.jobs[job.ID], s.versions[job.ID] = before, had
	if before == nil {
		delete(s.jobs, job.ID)
	}
	var b strings.Builder
	for _, f := range refused.Fields {
		b.WriteString("refused " + f.Error() + "\n")
	}
	return b.String()
}

// cmdJob: "job NAME option…" with one body line for each block; a line that starts with "group" opens a
// group, others belong to the last one or, before the first group, to the job.
func (s *script) cmdJob(args, body []string) string {
	j := &api.Job{
		ID: args[0], Name: args[0], Namespace: api.DefaultNamespace, Region: api.DefaultRegion,
		Type: api.JobTypeService, NodePool: api.NodePoolDefault, Datacenters: []string{"*"},
		Priority: new(50),
	}
	for _, option := range args[1:] {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "type":
			j.Type = value
		case "dc":
			j.Datacenters = strings.Split(value, ",")
		case "priority":
			j.Priority = new(s.number(value))
		case "pool":
			j.NodePool = value
		case "meta":
			j.Meta = map[string]string{"m": value}
		default:
			s.fatal("unknown job option %q", option)
		}
	}
	for _, line := range body {
		fields := strings.Fields(line)
		if fields[0] == "group" {
			j.TaskGroups = append(j.TaskGroups, s.newGroup(fields[1], j.Type))
			for _, option := range fields[2:] {
				s.groupOption(j.TaskGroups[len(j.TaskGroups)-1], option)
			}
			continue
		}
		s.block(j, fields)
	}
	s.register(j)
	return ""
}

func (s *script) newGroup(name, jobType string) *api.TaskGroup {
	tg := &api.TaskGroup{
		Name: name, Count: new(1), EphemeralDisk: &api.EphemeralDisk{SizeMB: new(300)},
		Tasks: []*api.Task{{
			Name: "main", Driver: "mock_driver",
			Resources: &api.Resources{CPU: new(500), MemoryMB: new(256)},
		}},
	}
	switch jobType {
	case api.JobTypeSystem, api.JobTypeSysBatch:
	case api.JobTypeService:
		tg.ReschedulePolicy = &api.ReschedulePolicy{
			Delay: new(s.duration("30s")), DelayFunction: "exponential", MaxDelay: new(s.duration("1h")),
			Unlimited: new(true),
		}
	default:
		tg.ReschedulePolicy = &api.ReschedulePolicy{
			Attempts: new(1), Interval: new(s.duration("24h")), Delay: new(s.duration("5s")),
			DelayFunction: "constant",
		}
	}
	return tg
}

func (s *script) groupOption(tg *api.TaskGroup, option string) {
	key, value, _ := strings.Cut(option, "=")
	r := tg.Tasks[0].Resources
	switch key {
	case "count":
		tg.Count = new(s.number(value))
	case "cpu":
		r.CPU = new(s.number(value))
	case "memory":
		r.MemoryMB = new(s.number(value))
	case "memory_max":
		r.MemoryMaxMB = s.number(value)
	case "secrets":
		r.SecretsMB = s.number(value)
	case "disk":
		tg.EphemeralDisk.SizeMB = new(s.number(value))
	case "migrate":
		tg.Migrate = &api.Migrate{MaxParallel: new(s.number(value))}
	case "sticky":
		tg.EphemeralDisk.Sticky = true
	case "cores":
		r.CPU, r.Cores = nil, s.number(value)
	case "numa":
		r.NUMA = &api.NUMA{Affinity: value}
	case "driver":
		tg.Tasks[0].Driver = value
	case "env":
		tg.Tasks[0].Env = map[string]string{"E": value}
	case "volume":
		tg.Volumes = map[string]*api.VolumeRequest{value: {Name: value, Type: "host", Source: value}}
	case "own_volume":
		tg.Volumes = map[string]*api.VolumeRequest{value: {Name: value, Type: "host", Source: value, PerAlloc: true}}
	case "read_volume":
		tg.Volumes = map[string]*api.VolumeRequest{value: {Name: value, Type: "host", Source: value, ReadOnly: true}}
	case "device": // name[:count]
		device, count, counted := strings.Cut(value, ":")
		d := &api.RequestedDevice{Name: device, Count: new(1)}
		if counted {
			d.Count = new(s.number(count))
		}
		r.Devices = append(r.Devices, d)
	case "to": // label:port
		label, to, _ := strings.Cut(value, ":")
		for _, p := range slices.Concat(s.network(tg).ReservedPorts, s.network(tg).DynamicPorts) {
			if p.Label == label {
				p.To = s.number(to)
			}
		}
	case "mode":
		s.network(tg).Mode = value
	case "port": // label, label:static or label@network
		label, static, _ := strings.Cut(value, ":")
		label, network, _ := strings.Cut(label, "@")
		static, ignore := strings.CutSuffix(static, "!")
		p := &api.Port{Label: label, HostNetwork: network, IgnoreCollision: ignore}
		if static == "" {
			s.network(tg).DynamicPorts = append(s.network(tg).DynamicPorts, p)
		} else {
			p.Value = s.number(static)
			s.network(tg).ReservedPorts = append(s.network(tg).ReservedPorts, p)
		}
	default:
		s.fatal("unknown group option %q", option)
	}
}

func (s *script) network(tg *api.TaskGroup) *api.NetworkResource {
	if len(tg.Networks) == 0 {
		tg.Networks = []*api.NetworkResource{{}}
	}
	return tg.Networks[0]
}

// block adds a constraint, affinity, spread, update, reschedule or task line.
func (s *script) block(j *api.Job, fields []string) {
	var tg *api.TaskGroup
	if len(j.TaskGroups) > 0 {
		tg = j.TaskGroups[len(j.TaskGroups)-1]
	}
	switch fields[0] {
	case "constraint":
		c := &api.Constraint{Operand: fields[1]}
		if len(fields) > 3 {
			c = &api.Constraint{LTarget: fields[1], Operand: fields[2], RTarget: strings.Join(fields[3:], " ")}
		} else if len(fields) > 2 {
			c.LTarget = fields[2]
		}
		if tg == nil {
			j.Constraints = append(j.Constraints, c)
		} else {
			tg.Constraints = append(tg.Constraints, c)
		}
	case "device_constraint", "device_affinity": // left op right [weight], of the last device of the group
		devices := tg.Tasks[0].Resources.Devices
		d := devices[len(devices)-1]
		if fields[0] == "device_constraint" {
			d.Constraints = append(d.Constraints, &api.Constraint{LTarget: fields[1], Operand: fields[2], RTarget: strings.Join(fields[3:], " ")})
			break
		}
		last := len(fields) - 1
		d.Affinities = append(d.Affinities, &api.Affinity{
			LTarget: fields[1], Operand: fields[2], RTarget: strings.Join(fields[3:last], " "), Weight: new(s.number(fields[last])),
		})
	case "affinity": // left op right weight
		affinity := &api.Affinity{LTarget: fields[1], Operand: fields[2], RTarget: fields[3], Weight: new(s.number(fields[4]))}
		if tg == nil {
			j.Affinities = append(j.Affinities, affinity)
		} else {
			tg.Affinities = append(tg.Affinities, affinity)
		}
	case "task_affinity": // left op right weight
		tg.Tasks[0].Affinities = append(tg.Tasks[0].Affinities, &api.Affinity{
			LTarget: fields[1], Operand: fields[2], RTarget: fields[3], Weight: new(s.number(fields[4])),
		})
	case "spread": // attribute weight value=percent…
		spread := &api.Spread{Attribute: fields[1], Weight: new(s.number(fields[2]))}
		for _, target := range fields[3:] {
			value, percent, _ := strings.Cut(target, "=")
			spread.SpreadTarget = append(spread.SpreadTarget, &api.SpreadTarget{Value: value, Percent: s.number(percent)})
		}
		if tg == nil {
			j.Spreads = append(j.Spreads, spread)
		} else {
			tg.Spreads = append(tg.Spreads, spread)
		}
	case "update": // max_parallel [canary=N] [auto_promote]
		tg.Update = &api.UpdateStrategy{MaxParallel: new(s.number(fields[1]))}
		for _, option := range fields[2:] {
			switch key, value, _ := strings.Cut(option, "="); key {
			case "canary":
				tg.Update.Canary = new(s.number(value))
			case "auto_promote":
				tg.Update.AutoPromote = new(true)
			default:
				s.fatal("unknown option %q", option)
			}
		}
	case "disconnect": // lost_after=… stop_after=… keep reconcile=…
		tg.Disconnect = &api.Disconnect{Replace: new(true)}
		for _, option := range fields[1:] {
			switch key, value, _ := strings.Cut(option, "="); key {
			case "lost_after":
				tg.Disconnect.LostAfter = s.duration(value)
			case "stop_after":
				tg.Disconnect.StopOnClientAfter = new(s.duration(value))
			case "no_replace":
				tg.Disconnect.Replace = new(false)
			case "reconcile":
				tg.Disconnect.Reconcile = value
			default:
				s.fatal("unknown option %q", option)
			}
		}
	case "reschedule":
		tg.ReschedulePolicy = s.policy(fields[1:])
	case "task": // name hook[:sidecar] cpu memory
		hook, sidecar, _ := strings.Cut(fields[2], ":")
		tg.Tasks = append(tg.Tasks, &api.Task{
			Name: fields[1], Driver: "mock_driver", Lifecycle: &api.Lifecycle{Hook: hook, Sidecar: sidecar != ""},
			Resources: &api.Resources{CPU: new(s.number(fields[3])), MemoryMB: new(s.number(fields[4]))},
		})
	default:
		s.fatal("unknown block %q", fields[0])
	}
}

func (s *script) policy(options []string) *api.ReschedulePolicy {
	p := &api.ReschedulePolicy{}
	for _, option := range options {
		switch key, value, _ := strings.Cut(option, "="); key {
		case "none":
		case "attempts":
			p.Attempts = new(s.number(value))
		case "interval":
			p.Interval = new(s.duration(value))
		case "delay":
			p.Delay = new(s.duration(value))
		case "max_delay":
			p.MaxDelay = new(s.duration(value))
		case "function":
			p.DelayFunction = value
		case "unlimited":
			p.Unlimited = new(true)
		default:
			s.fatal("unknown option %q", option)
		}
	}
	return p
}
