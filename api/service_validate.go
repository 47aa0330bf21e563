// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// validateServices checks the services of the group and what all services below it share.
func (g *TaskGroup) validateServices(c *checker) {
	c.within(c.at, "Task group service validation failed", func(c *checker) {
		for i, s := range g.Services {
			s.validate(c, i, g, nil)
		}
		type key struct{ owner, name, port string }
		seen := map[key]bool{}
		providers := map[string]bool{}
		visit := func(owner string, s *Service) {
			k := key{owner, s.Name, s.PortLabel}
			c.check(!seen[k], "service", "Service %s is duplicate: name %q and port %q were used before in %s", s.Name, s.Name, s.PortLabel, owner)
			seen[k] = true
			providers[s.Provider] = true
		}
		for _, s := range g.Services {
			visit("group", s)
		}
		for _, t := range g.Tasks {
			for _, s := range t.Services {
				visit("task "+t.Name, s)
			}
		}
		c.check(len(providers) <= 1, "service.provider", "Multiple service providers used: all services of a task group must use the same provider")
	})
}

var (
	interpolation = regexp.MustCompile(`\$\{[^}]*\}`)
	serviceName   = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$`)
)

// validate checks a service of the group, or of the task when that is not nil.
func (s *Service) validate(c *checker, index int, g *TaskGroup, t *Task) {
	c.within(c.at.item("service", index), fmt.Sprintf("Service[%d] %s validation failed", index, s.Name), func(c *checker) {
		s.validateName(c)
		c.oneOf("provider", s.Provider, ProviderConsul, ProviderNomad)
		s.validateAddress(c, g, t)
		c.oneOf("on_update", s.OnUpdate, "require_healthy", "ignore_warnings", "ignore")
		if t == nil && s.TaskName != "" {
			c.check(g.LookupTask(s.TaskName) != nil, "task", "service %q refers to task %q, which does not exist in the group", s.Name, s.TaskName)
		}
		if t != nil {
			c.check(s.TaskName == t.Name, "task", "service %q of task %q must not name another task %q", s.Name, t.Name, s.TaskName)
		}
		if s.Identity != nil {
			c.check(len(s.Identity.Audience) > 0, "identity.aud", "service identity must have at least one aud value")
		}
		if s.Cluster != "" && s.Cluster != DefaultCluster {
			c.failf("cluster", "Only the cluster %q can be used, got %q", DefaultCluster, s.Cluster)
		}
		s.validateConnect(c, t)
		names := map[string]bool{}
		for i, check := range s.Checks {
			c.within(c.at.item("check", i), fmt.Sprintf("check %q invalid", check.Name), func(c *checker) {
				c.check(!names[check.Name], "name", "check %q is duplicate", check.Name)
				check.validate(c, s, g, t)
			})
			names[check.Name] = true
		}
	})
}

// warn tells of settings that only the other registry has.
func (s *Service) warn(c *checker, owner string) {
	if s.Provider != ProviderNomad {
		return
	}
	weighted := s.Weights != nil && *s.Weights != ServiceWeights{Passing: 1, Warning: 1}
	for _, setting := range []struct {
		name string
		used bool
	}{
		{"meta", len(s.Meta) > 0},
		{"canary_meta", len(s.CanaryMeta) > 0},
		{"tagged_addresses", len(s.TaggedAddresses) > 0},
		{"enable_tag_override", s.EnableTagOverride},
		{"weights", weighted},
		{"kind", s.Kind != ""},
		{"identity", s.Identity != nil},
	} {
		if setting.used {
			c.warnf("service."+setting.name, "%s of service %q in %s has no effect with provider nomad", setting.name, s.Name, owner)
		}
	}
}

func (s *Service) validateName(c *checker) {
	name := interpolation.ReplaceAllString(s.Name, "x")
	valid := serviceName.MatchString(name) && (len(s.Name) <= 63 || name != s.Name)
	c.check(valid, "name", "Service name must be valid per RFC 1123 and can contain only alphanumeric characters or dashes and must be no longer than 63 characters: %q", s.Name)
}

func (s *Service) validateAddress(c *checker, g *TaskGroup, t *Task) {
	modes := []string{"auto", "host", "alloc", "alloc_ipv6"}
	if t != nil {
		modes = []string{"auto", "host", "driver"}
	}
	c.oneOf("address_mode", s.AddressMode, modes...)
	c.check(s.Address == "" || s.AddressMode == "auto", "address", "Service address can only be set with address_mode \"auto\", not %q", s.AddressMode)
	if problem := s.ownPortProblem(g, t); problem != "" {
		c.failf("port", "%s", problem)
	}
}

// portProblem says what is wrong with a port given by label, or by number where the address is that of the driver, of the
// allocation's namespace or one of the job's own; empty for nothing.
func (s *Service) portProblem(label, mode string, own bool, g *TaskGroup, t *Task) string {
	if label == "" || strings.Contains(label, "${") {
		return ""
	}
	if n, err := strconv.Atoi(label); err == nil {
		direct := mode == "driver" || own || t == nil && (s.Connect != nil || strings.HasPrefix(mode, "alloc"))
		switch {
		case n < 1 || n > maxPort:
			return fmt.Sprintf("port number %d must be between 1 and %d", n, maxPort)
		case !direct && !g.hasPort(label):
			return fmt.Sprintf("numeric port %q needs address_mode \"driver\" (in a task), \"alloc\" (in a group) or an address", label)
		}
		return ""
	}
	known := g.hasPort(label)
	if t != nil && t.Resources != nil {
		known = known || slices.ContainsFunc(t.Resources.Networks, func(n *NetworkResource) bool { return n.hasPort(label) })
	}
	if known {
		return ""
	}
	return fmt.Sprintf("port label %q referenced by service %q does not exist", label, s.Name)
}

// validatePort checks the port of the check, which may be that of the service: its address is that of its checks, its
// address mode is not.
func (h *ServiceCheck) validatePort(c *checker, s *Service, g *TaskGroup, t *Task) {
	c.check(h.PortLabel != "" || s.PortLabel != "" || h.Expose, "port", "check requires a port but neither check nor service %q have a port", s.Name)
	label := h.PortLabel
	if label == "" {
		if s.ownPortProblem(g, t) != "" {
			return // it is told of the service
		}
		label = s.PortLabel
	}
	if problem := s.portProblem(label, h.AddressMode, h.AddressMode == "" && s.Address != "", g, t); problem != "" {
		c.failf("port", "%s", problem)
	}
}

// ownPortProblem says what is wrong with the port of the service, empty for nothing.
func (s *Service) ownPortProblem(g *TaskGroup, t *Task) string {
	return s.portProblem(s.PortLabel, s.AddressMode, s.Address != "", g, t)
}

func (s *Service) validateConnect(c *checker, t *Task) {
	if s.Connect == nil {
		return
	}
	c.check(s.Provider == ProviderConsul, "connect", "Service with provider nomad cannot include Connect blocks")
	c.check(t == nil || s.Connect.Native, "connect", "connect block is only allowed on group services")
	forms := 0
	for _, used := range []bool{s.Connect.Native, s.Connect.SidecarService != nil, s.Connect.Gateway != nil} {
		if used {
			forms++
		}
	}
	c.check(forms == 1, "connect", "connect must have exactly one of native, sidecar_service and gateway")
}

// validateCheckNames keeps check names unique over the services of a task.
func (t *Task) validateCheckNames(c *checker) {
	owner := map[string]string{}
	for _, s := range t.Services {
		mine := map[string]bool{}
		for _, check := range s.Checks {
			if other, found := owner[check.Name]; found && !mine[check.Name] {
				c.failf("service", "check %q of service %q is duplicate: service %q has one of that name", check.Name, s.Name, other)
			}
			mine[check.Name] = true
		}
		for name := range mine {
			owner[name] = s.Name
		}
	}
}

func (h *ServiceCheck) validate(c *checker, s *Service, g *TaskGroup, t *Task) {
	consul := s.Provider == ProviderConsul
	known := c.oneOf("type", h.Type, "http", "tcp", "grpc", "script")
	c.check(h.Interval >= time.Second, "interval", "interval (%v) can not be lower than 1s", h.Interval)
	c.check(h.Timeout >= time.Second, "timeout", "timeout (%v) can not be lower than 1s", h.Timeout)
	if known {
		h.validateType(c, s, g, t)
	}
	modes := []string{"", "host", "driver", "alloc", "alloc_ipv6"}
	if !consul {
		modes = []string{"", "host", "alloc", "alloc_ipv6"}
	}
	c.oneOf("address_mode", h.AddressMode, modes...)
	if consul {
		c.oneOf("initial_status", h.InitialStatus, "", "passing", "warning", "critical")
		c.oneOf("on_update", h.OnUpdate, "require_healthy", "ignore_warnings", "ignore")
	} else {
		c.oneOf("initial_status", h.InitialStatus, "", "success", "failure", "pending")
		c.oneOf("on_update", h.OnUpdate, "require_healthy", "ignore")
		c.check(!h.Expose, "expose", "expose is not available with provider nomad")
	}
	c.check(!h.Expose || h.Type == "http" || h.Type == "grpc", "expose", "expose works with http and grpc checks only")
	c.check(len(h.Notes) <= 255, "notes", "notes must not be longer than 255 characters")
	h.validateThresholds(c, consul)
	if r := h.CheckRestart; r != nil {
		c.check(r.Limit >= 0, "check_restart.limit", "limit must be greater than or equal to 0, but found %d", r.Limit)
		c.check(Val(r.Grace) >= 0, "check_restart.grace", "grace period may not be less than 0, but found %v", Val(r.Grace))
		c.check(consul || !r.IgnoreWarnings, "check_restart.ignore_warnings", "ignore_warnings is not available with provider nomad")
		c.check(h.OnUpdate != "ignore" || r.Limit <= 0, "check_restart", "on_update value %q is not compatible with check_restart", h.OnUpdate)
	}
}

// validateType checks what the type of the check needs.
func (h *ServiceCheck) validateType(c *checker, s *Service, g *TaskGroup, t *Task) {
	if h.Type == "script" {
		c.check(h.Command != "", "command", "script type must have a valid script path")
		name := h.TaskName
		if name == "" {
			name = s.TaskName
		}
		if t == nil {
			c.check(name != "", "task", "script check of a group service must name a task")
		}
		c.check(name == "" || g.LookupTask(name) != nil, "task", "check refers to task %q, which does not exist in the group", name)
		return
	}
	if h.TaskName != "" {
		c.check(g.LookupTask(h.TaskName) != nil, "task", "check refers to task %q, which does not exist in the group", h.TaskName)
	}
	h.validatePort(c, s, g, t)
	if h.Type != "http" {
		return
	}
	c.oneOf("protocol", h.Protocol, "", "http", "https")
	if h.Path == "" {
		c.failf("path", "http type must have http path")
		return
	}
	u, err := url.Parse(h.Path)
	c.check(err == nil && !u.IsAbs() && u.Host == "", "path", "http type must have a relative http path, got %q", h.Path)
}

func (h *ServiceCheck) validateThresholds(c *checker, consul bool) {
	for _, threshold := range []struct {
		field string
		value int
	}{
		{"success_before_passing", h.SuccessBeforePassing},
		{"failures_before_critical", h.FailuresBeforeCritical},
		{"failures_before_warning", h.FailuresBeforeWarning},
	} {
		field, value := threshold.field, threshold.value
		if value == 0 {
			continue
		}
		c.check(value > 0, field, "%s must be non-negative", field)
		c.check(consul, field, "%s is not available with provider nomad", field)
		c.check(h.Type != "script", field, "%s is not available for script checks", field)
	}
}
